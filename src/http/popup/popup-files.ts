import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'

/** What a web UI loads. The build puts it beside this module. */
export const POPUP_MODULE = read('popup.js')

/** A script that a page of ours has in itself. */
export interface PageScript {
  readonly text: string
  /** How a Content-Security-Policy names it; it changes with every byte of it. */
  readonly source: string
}

/** Of the popup's question: waits there for the end of the sign-in, which is in another window. */
export const WAITING = pageScript('waiting.js')

/** Of the page that a sign-in ends with. */
export const ENDING = pageScript('ending.js')

function pageScript(file: string): PageScript {
  const text = read(file)
  const digest = createHash('sha256').update(text).digest('base64')
  return { text, source: `'sha256-${digest}'` }
}

function read(file: string): string {
  return readFileSync(new URL(file, import.meta.url), 'utf8')
}
