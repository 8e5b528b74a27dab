import { parseCookie, stringifySetCookie } from 'cookie'
import type { BrowserCookies, CookieChange } from '../sign-in/browser-answer.ts'

/** A person may begin so many sign-ins at once in one browser. */
const MOST_TRANSACTIONS = 10
/** All of our cookies together, in characters: `limits.header_bytes` must hold them. */
const MOST_CHARACTERS = 12_000

const TRANSACTION_SECONDS = 600
const CONSENT_SECONDS = 90 * 24 * 3600

/** Our cookies, in a browser's request and in our answer. */
export interface CookieJar {
  /** @param header the Cookie header as it came */
  read(header: string | undefined): BrowserCookies
  /** The Set-Cookie lines for these changes. */
  write(changes: readonly CookieChange[], before: BrowserCookies): readonly string[]
}

/**
 * HttpOnly, Secure, SameSite=Lax, Path=/ and the prefix `__Host-` (RFC 6265bis §4.1.3.2); without
 * prefix and Secure on an http loopback `public_url`, where browsers would drop them.
 */
export function cookieJar(publicUrl: string): CookieJar {
  const secure = publicUrl.startsWith('https:')
  const prefix = secure ? '__Host-rolecall-' : 'rolecall-'
  const common = { httpOnly: true, secure, sameSite: 'lax', path: '/' } as const
  const line = (name: string, value: string, maxAge: number) =>
    stringifySetCookie({ name: prefix + name, value, maxAge, ...common })
  return {
    read(header) {
      const transactions = new Map<string, string>()
      const cookies = Object.entries(parseCookie(header ?? ''))
      for (const [name, value = ''] of cookies) {
        if (name.startsWith(`${prefix}tx-`)) transactions.set(name.slice(prefix.length + 3), value)
      }
      const consents = cookies.find(([name]) => name === `${prefix}consent`)?.[1]
      return { transactions, ...(consents !== undefined && { consents }) }
    },
    write(changes, before) {
      const kept = new Map(before.transactions)
      const lines: string[] = []
      for (const change of changes) {
        if (change.kind === 'set_consents') {
          lines.push(line('consent', change.value, CONSENT_SECONDS))
        } else if (change.kind === 'drop_transaction') {
          kept.delete(change.id)
          lines.push(line(`tx-${change.id}`, '', 0))
        } else {
          kept.set(change.id, change.value)
          lines.push(line(`tx-${change.id}`, change.value, TRANSACTION_SECONDS))
        }
      }
      for (const id of tooMany(kept)) lines.push(line(`tx-${id}`, '', 0))
      return lines
    },
  }
}

/** The oldest transactions beyond what a browser may have; an id begins with its time. */
function tooMany(transactions: ReadonlyMap<string, string>): readonly string[] {
  const newestFirst = [...transactions].sort(([one], [other]) => timeOf(other) - timeOf(one))
  let characters = 0
  return newestFirst
    .filter(([, value], index) => {
      characters += value.length
      return index >= MOST_TRANSACTIONS || characters > MOST_CHARACTERS
    })
    .map(([id]) => id)
}

function timeOf(id: string): number {
  const seconds = Number.parseInt(id, 36)
  return Number.isNaN(seconds) ? 0 : seconds
}
