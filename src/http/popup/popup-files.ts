import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'

/** What a web UI loads. The build puts it beside this module. */
export const POPUP_MODULE = readFileSync(new URL('./popup.js', import.meta.url), 'utf8')

/** What runs in the page that the popup ends with. */
export const ANSWER_SCRIPT = readFileSync(new URL('./answer.js', import.meta.url), 'utf8')

/** How a Content-Security-Policy names that script; it changes with every byte of it. */
export const ANSWER_SCRIPT_SOURCE = `'sha256-${createHash('sha256').update(ANSWER_SCRIPT).digest('base64')}'`
