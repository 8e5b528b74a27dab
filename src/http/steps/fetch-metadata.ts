import type { IncomingHttpHeaders } from 'node:http'
import type { Config } from '../../config/config.ts'
import { ErrorAnswer } from '../../oauth/error-answer.ts'
import type { Hook } from './step.ts'

/**
 * Lets through what a browser's own window asks for: no page of another origin posts for a user
 * (CSRF), reads an answer, or shows one in a frame (clickjacking). Judged by Origin and Fetch
 * Metadata, both of which no page can forge.
 *
 * Not checked: that a browser says anything at all; see `isFromOwnPage`.
 */
export function ownWindow({ public_url: own }: Pick<Config, 'public_url'>): Hook {
  return ({ method, headers }, _reply, done) => {
    if (isForeign(method, headers, own)) {
      done(refused('This can be asked for and answered on our own pages only.'))
    } else if (!isInWindow(headers)) {
      done(refused('A sign-in needs a window of its own, and is never within another page.'))
    } else done()
  }
}

/** Whether the browser says that a user set this off: a click, not a page by itself. */
export function isByUser(headers: IncomingHttpHeaders): boolean {
  return headers['sec-fetch-user'] === '?1'
}

/**
 * Whether the browser says that a form was sent from a page of ours. SameSite does not: on loopback a
 * page on another port is of the same site, and our cookies go with what it posts.
 */
export function isFromOwnPage(
  { origin, 'sec-fetch-site': site }: IncomingHttpHeaders,
  { public_url: own }: Pick<Config, 'public_url'>,
): boolean {
  return origin === undefined ? site === 'same-origin' : origin === own
}

/** Navigations by GET carry no Origin, and clients begin them from anywhere; forms are ours. */
function isForeign(method: string, headers: IncomingHttpHeaders, own: string): boolean {
  const { origin, 'sec-fetch-site': site } = headers
  if (origin !== undefined && origin !== own) return true
  return method === 'POST' && site !== undefined && site !== 'same-origin' && site !== 'none'
}

function isInWindow({ 'sec-fetch-dest': destination }: IncomingHttpHeaders): boolean {
  return destination === undefined || destination === 'document'
}

function refused(description: string): ErrorAnswer {
  return new ErrorAnswer({ status: 403, error: 'origin_not_allowed', description })
}
