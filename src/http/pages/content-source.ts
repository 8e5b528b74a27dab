import { sha256 } from '../../sealing/digest.ts'

/** How a Content-Security-Policy names a style or script within a page; it changes with every byte. */
export function contentSource(text: string): string {
  return `'sha256-${sha256(text, 'base64')}'`
}
