import type { SignedToken } from '../issuer/token-verifier.ts'
import { member, text, texts } from '../oauth/claims.ts'
import { type Identity, readIdentity } from '../oauth/identity.ts'
import type { JsonObject } from '../oauth/json.ts'
import { sha256 } from '../sealing/digest.ts'
import { clientOf } from './client-claims.ts'
import type { ResourcePolicy } from './policy.ts'

/** Characters of base64url: 132 bits, enough to name a token and to tell nothing of it. */
const TOKEN_HASH_LENGTH = 22

/**
 * The identity of a token whose signature holds, as this resource reads it.
 *
 * Not checked: anything; of a refused token it is only what the token says.
 */
export function identityOf({ jwt, digest }: SignedToken, policy: ResourcePolicy): Identity {
  const { claims } = jwt
  return readIdentity(claims, {
    user: nameIn(claims, policy),
    client: clientOf(claims, policy),
    tokenHash: sha256(digest).slice(0, TOKEN_HASH_LENGTH),
  })
}

/** What the cluster calls the user that these claims are about, as far as `user_claim` says it. */
export function nameIn(claims: JsonObject, policy: ResourcePolicy): string {
  return userName(claims, policy) ?? text(claims, 'oid') ?? text(claims, 'sub') ?? ''
}

/** An address that the issuer did not verify names nobody, as Kubernetes has it. */
function userName(claims: JsonObject, { userClaims }: ResourcePolicy): string | undefined {
  const unverified = member(claims, 'email_verified') === false
  const usable = userClaims.filter((name) => !(name === 'email' && unverified))
  return usable.map((name) => text(claims, name)).find((name) => name !== undefined)
}

/**
 * The name of a user where the operator said which claim has it, and `sub` is not that claim.
 *
 * @returns `undefined` where nothing was chosen, or the token does not have it
 */
export function userClaimIn(claims: JsonObject, policy: ResourcePolicy): string | undefined {
  const chosen = policy.kind === 'oidc' && !policy.userClaims.includes('sub')
  return chosen ? userName(claims, policy) : undefined
}

/**
 * The one text that stands for a user, and for nobody else, for as long as they exist: Entra
 * `tid|oid`, else `iss|sub`. A name can be given to somebody else later, so it stands for its user
 * only where a provider tells nothing else; the NUL keeps it apart from every `sub`.
 */
export function userKey(identity: Identity, policy: ResourcePolicy): string {
  if (policy.kind === 'oidc') return `${identity.iss}|${identity.sub || `\0${identity.user}`}`
  return `${policy.tenant}|${identity.oid ?? identity.sub}`
}

/**
 * What is known of a user's groups: those that the token lists, which may be none; that it leaves them
 * out for their number; nothing, since no claim is read (`groups_claim = ""`); or, of those that it
 * leaves out, the ones that the configuration names (`resolve_groups`).
 */
export type GroupsKnown = 'listed' | 'left_out' | 'not_read' | 'resolved'

/** How much the groups of {@link groupsIn} say. */
export function groupsKnown(
  claims: JsonObject,
  policy: ResourcePolicy,
): Exclude<GroupsKnown, 'resolved'> {
  if (policy.groupsClaim === undefined) return 'not_read'
  return leavesGroupsOut(claims, policy) ? 'left_out' : 'listed'
}

/** The groups that a token lists. */
export function groupsIn(claims: JsonObject, { groupsClaim }: ResourcePolicy): readonly string[] {
  return groupsClaim === undefined ? [] : texts(claims, groupsClaim)
}

/** Whether the token says that its user's groups are too many to be listed (Entra's overage). */
function leavesGroupsOut(claims: JsonObject, { groupsClaim }: ResourcePolicy): boolean {
  if (groupsClaim === undefined || Object.hasOwn(claims, groupsClaim)) return false
  if (member(claims, 'hasgroups') === true) return true
  const elsewhere = member(claims, '_claim_names')
  return (
    typeof elsewhere === 'object' && elsewhere !== null && Object.hasOwn(elsewhere, groupsClaim)
  )
}
