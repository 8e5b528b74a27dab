import type { IncomingHttpHeaders } from 'node:http'

/** What an upstream's status means for the client. */
export type AnswerVerdict =
  | { readonly kind: 'pass' }
  | { readonly kind: 'claims_wanted'; readonly claims: string }
  | { readonly kind: 'refused' }

/**
 * Holds an upstream's answer against what only rolecall may say: a 401 would make clients throw a
 * good token away, a redirect would send them past us. Everything else passes as it is.
 *
 * A 401 with `insufficient_claims` is Entra's way to ask for another sign-in (claims challenge,
 * conditional access), which the client can act on.
 */
export function judgeAnswer(status: number, headers: IncomingHttpHeaders): AnswerVerdict {
  if (status === 401) {
    const claims = claimsOf(headers['www-authenticate'])
    return claims === undefined ? { kind: 'refused' } : { kind: 'claims_wanted', claims }
  }
  if (status >= 300 && status < 400) return { kind: 'refused' }
  return { kind: 'pass' }
}

/** Base64 or base64url of a JSON text; what else stands there is not passed on. */
const encodedClaims = /[\s,]claims="([A-Za-z0-9+/_-]{1,4096}={0,2})"/i

function claimsOf(challenge: string | string[] | undefined): string | undefined {
  const text = Array.isArray(challenge) ? challenge.join(', ') : challenge
  if (text === undefined || !/[\s,]error="?insufficient_claims"?/i.test(text)) return undefined
  return encodedClaims.exec(text)?.[1]
}
