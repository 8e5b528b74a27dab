import { readFileSync } from 'node:fs'
import { contentSource } from '../pages/content-source.ts'

/** What a web UI loads. The build puts it beside this module. */
export const POPUP_MODULE = read('popup.js')

/** A script that a page of ours has in itself. */
export interface PageScript {
  readonly text: string
  /** How a Content-Security-Policy names it. */
  readonly source: string
}

/** Of every question: its buttons answer once a pointer or key has moved on the page. */
export const DELIBERATE = pageScript('deliberate.js')

/** Of the popup's question: waits there for the end of the sign-in, which is in another window. */
export const WAITING = pageScript('waiting.js')

/** Of the page that a sign-in ends with. */
export const ENDING = pageScript('ending.js')

function pageScript(file: string): PageScript {
  const text = read(file)
  return { text, source: contentSource(text) }
}

function read(file: string): string {
  return readFileSync(new URL(file, import.meta.url), 'utf8')
}
