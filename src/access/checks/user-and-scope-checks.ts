import { member, text } from '../../oauth/claims.ts'
import { printable } from '../../oauth/printable.ts'
import { grantedScopes } from '../../oauth/scope.ts'
import { userClaimIn } from '../identity.ts'
import type { Refusal } from '../refusal.ts'
import { applicationMark, tellingClaims } from './application-marks.ts'
import { type Check, shown } from './check.ts'

/**
 * `sub`: without it nobody can be told from anybody else. Where a provider never says it (AD FS), the
 * claim does that the operator chose as `user_claim`: it is what the cluster tells users apart by. At
 * Entra `oid` stands for a user where it is there, so it must then be a text.
 */
export const subject: Check = {
  kind: 'check',
  name: 'subject',
  setting: 'user_claim',
  refuse({ claims }, policy): Refusal | undefined {
    if (text(claims, 'sub') === undefined && !userClaimIn(claims, policy)) {
      return { reason: 'no_subject', kind: policy.kind }
    }
    if (policy.kind !== 'entra' || !Object.hasOwn(claims, 'oid')) return undefined
    return text(claims, 'oid') ? undefined : { reason: 'malformed_claim', claim: 'oid' }
  },
  expected: ({ userClaims }) =>
    `a non-empty string, or a user_claim that is set (${userClaims.join(', ')})`,
  found: ({ claims }) => shown(member(claims, 'sub')),
}

const MOST_SHOWN_CHARACTERS = 500

/** A user's token, not an application's. Not checked here: whether that user may do anything. */
export const userToken: Check = {
  kind: 'check',
  name: 'user token',
  setting: 'allow_app_tokens',
  refuse({ claims }, policy) {
    if (policy.allowAppTokens) return undefined
    const mark = applicationMark(claims, policy)
    return mark === undefined ? undefined : { reason: 'app_token', mark }
  },
  expected: ({ allowAppTokens }) => (allowAppTokens ? 'any' : 'a token of a user'),
  found({ claims }) {
    const told = tellingClaims(claims).map((name) => `${name} ${shown(member(claims, name))}`)
    return printable(told.join(', ') || 'none of the telling claims', MOST_SHOWN_CHARACTERS)
  },
}

/** Every required scope, in `scp`, `scope` and `roles` together; Entra without case. */
export const requiredScopes: Check = {
  kind: 'check',
  name: 'scopes',
  setting: 'required_scopes',
  refuse({ claims }, { scopes: required, kind }) {
    if (required.length === 0) return undefined
    const folded = kind === 'entra' ? (scope: string) => scope.toLowerCase() : String
    const granted = new Set(grantedScopes(claims).map((scope) => folded(scope)))
    const missing = required.filter((scope) => !granted.has(folded(scope)))
    return missing.length === 0 ? undefined : { reason: 'insufficient_scope', missing, required }
  },
  expected: ({ scopes }) => scopes.join(' and ') || 'none',
  found: ({ claims }) => shown(grantedScopes(claims).join(' ') || undefined),
}
