import { createHash } from 'node:crypto'

/** How a Content-Security-Policy names a style or script within a page; it changes with every byte. */
export function contentSource(text: string): string {
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`
}
