import type { JsonObject } from '../oauth/json.ts'
import { type GroupsKnown, groupsIn, groupsKnown } from './identity.ts'
import type { ResourcePolicy } from './policy.ts'

/**
 * Why the groups that a token leaves out could not be had at Microsoft Graph: there was no refresh
 * token to ask with, the app may not read them, the provider wants the user at its page first, or they
 * are too many for Graph as well.
 */
export const GROUPS_FAILURES = [
  'no_refresh_token',
  'not_allowed',
  'sign_in_needed',
  'too_many',
] as const

export type GroupsFailure = (typeof GROUPS_FAILURES)[number]

/** What was learnt, when a token was handed out, of the groups that it leaves out. */
export type ResolvedGroups =
  /** Those of the user's groups that the configuration names. */
  | { readonly kind: 'resolved'; readonly groups: readonly string[] }
  | { readonly kind: 'failed'; readonly cause: GroupsFailure }

/** What is known of a user's groups, from the token or from what was learnt when it was handed out. */
export interface KnownGroups {
  readonly groups: readonly string[]
  readonly known: GroupsKnown
  /** Why they are still not known, where they were asked for. */
  readonly failure?: GroupsFailure
}

/**
 * A user's groups. What was learnt elsewhere counts only where the token says itself that it leaves
 * its groups out: nothing is ever added to those that a token lists.
 *
 * @param resolved what was learnt when the token was handed out
 */
export function knownGroups(
  claims: JsonObject,
  policy: ResourcePolicy,
  resolved: ResolvedGroups | undefined,
): KnownGroups {
  const known = groupsKnown(claims, policy)
  if (known !== 'left_out' || resolved === undefined) {
    return { groups: groupsIn(claims, policy), known }
  }
  if (resolved.kind === 'failed') return { groups: [], known, failure: resolved.cause }
  return { groups: resolved.groups, known: 'resolved' }
}
