import type { Jwt } from '../../oauth/jwt.ts'
import type { ResourcePolicy } from '../policy.ts'
import type { Refusal } from '../refusal.ts'
import { audience, client } from './audience-and-client-checks.ts'
import type { Check, SignatureSlot } from './check.ts'
import { algorithm, criticalHeader, graphToken, headerType } from './header-checks.ts'
import { expiry, issuedAt, issuer, notBefore, tenant } from './issuer-and-time-checks.ts'
import { tokenKind, unbound } from './token-type-checks.ts'
import { requiredScopes, subject, userToken } from './user-and-scope-checks.ts'

/**
 * Every check on a token, in order; the first that fails decides. What stands before the signature
 * refuses without looking at a key. The kind comes before the audience, so that a token of the wrong
 * kind is told so. Requests, `explain` and sign-in read this list.
 */
export const checks: readonly (Check | SignatureSlot)[] = [
  algorithm,
  headerType,
  criticalHeader,
  graphToken,
  issuer,
  tenant,
  expiry,
  notBefore,
  issuedAt,
  { kind: 'signature', name: 'signature' },
  unbound,
  tokenKind,
  audience,
  client,
  subject,
  userToken,
  requiredScopes,
]

const signatureAt = checks.findIndex(({ kind }) => kind === 'signature')
const judgements = (part: typeof checks) => part.filter((check) => check.kind === 'check')
const beforeSignature = judgements(checks.slice(0, signatureAt))
const all = judgements(checks)
const again = all.filter((check) => check.again)

/**
 * The first reason to refuse a token that stands before its signature. Passing says nothing about
 * the token: whoever wrote it can have written anything.
 *
 * @param now milliseconds since the epoch
 */
export function refuseUnsigned(
  token: Jwt,
  policy: ResourcePolicy,
  now: number,
): Refusal | undefined {
  return firstRefusal(beforeSignature, token, policy, now)
}

/**
 * The first reason to refuse a token whose signature holds: every check of the list but the signature,
 * also those that were passed before it (TOCTOU): while a key was fetched time went by, and issuers may
 * have changed.
 *
 * @param now milliseconds since the epoch
 */
export function refuseSigned(token: Jwt, policy: ResourcePolicy, now: number): Refusal | undefined {
  return firstRefusal(all, token, policy, now)
}

/**
 * The same for a token that passed every check of this very policy before: what neither time nor
 * discovery changes is not asked again.
 *
 * @param now milliseconds since the epoch
 */
export function refusePassed(token: Jwt, policy: ResourcePolicy, now: number): Refusal | undefined {
  return firstRefusal(again, token, policy, now)
}

function firstRefusal(
  list: readonly Check[],
  token: Jwt,
  policy: ResourcePolicy,
  now: number,
): Refusal | undefined {
  for (const check of list) {
    const refusal = check.refuse(token, policy, now)
    if (refusal) return refusal
  }
  return undefined
}
