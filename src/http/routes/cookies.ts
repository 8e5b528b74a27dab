import { parseCookie, stringifySetCookie } from 'cookie'
import type { BrowserCookies, CookieChange } from '../../sign-in/authorize/browser-answer.ts'

/** A user may begin so many sign-ins at once in one browser. */
const MOST_TRANSACTIONS = 10
/**
 * All sign-ins together, with their names: nginx takes 8 KB of cookies, those of others among them, and
 * answers 400 to everything beyond.
 */
const MOST_CHARACTERS = 4_000

/** Of a transaction; a cookie named otherwise is not ours, and perhaps no name at all. */
const OUR_ID = /^[0-9a-z]{1,10}-[\w-]{22}$/

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
  const drop = (id: string) => line(`tx-${id}`, '', 0)
  return {
    read(header) {
      const transactions = new Map<string, string>()
      const cookies = Object.entries(parseCookie(header ?? ''))
      for (const [name, value = ''] of cookies) {
        const id = name.startsWith(`${prefix}tx-`) ? name.slice(prefix.length + 3) : ''
        if (OUR_ID.test(id)) transactions.set(id, value)
      }
      const consents = cookies.find(([name]) => name === `${prefix}consent`)?.[1]
      return { transactions, ...(consents !== undefined && { consents }) }
    },
    write: (changes, before) =>
      changes.flatMap((change) => {
        if (change.kind === 'set_consents') return line('consent', change.value, CONSENT_SECONDS)
        if (change.kind === 'drop_transaction') return drop(change.id)
        return [
          line(`tx-${change.id}`, change.value, TRANSACTION_SECONDS),
          ...tooMany(before, change, prefix).map(drop),
        ]
      }),
  }
}

/**
 * The oldest transactions that have no room beside the one that is written now. An id begins with its
 * time; of those of one second the ones that browsers send later are newer (RFC 6265 §5.4).
 */
function tooMany(
  { transactions }: BrowserCookies,
  written: { readonly id: string; readonly value: string },
  prefix: string,
): readonly string[] {
  const others = [...transactions].filter(([id]) => id !== written.id).toReversed()
  const newestFirst = others.sort(([one], [other]) => timeOf(other) - timeOf(one))
  const lengthOf = (id: string, value: string) => `${prefix}tx-${id}=${value}; `.length
  let characters = lengthOf(written.id, written.value)
  return newestFirst
    .filter(([id, value], index) => {
      characters += lengthOf(id, value)
      return index >= MOST_TRANSACTIONS - 1 || characters > MOST_CHARACTERS
    })
    .map(([id]) => id)
}

function timeOf(id: string): number {
  return Number.parseInt(id, 36)
}
