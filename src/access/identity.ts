import { createHash } from 'node:crypto'
import type { SignedToken } from '../issuer/token-verifier.ts'
import { member, text, texts } from '../oauth/claims.ts'
import type { JsonObject } from '../oauth/jwt.ts'
import { clientOf } from './audience-and-client-checks.ts'
import type { ResourcePolicy } from './policy.ts'

/** Whose token it is, as its claims say: for log lines, and what a principal is made of. */
export interface Identity {
  readonly iss: string
  readonly sub: string
  readonly oid?: string
  readonly tid?: string
  /** What the cluster calls this person, as far as `user_claim` says it. */
  readonly user: string
  /** The client that the token was issued to. */
  readonly azp?: string
  /** `uti`, `jti`, or a hash: names the token without telling it. */
  readonly tokenId: string
}

/**
 * Reads the identity out of a token whose signature holds. Missing claims become empty texts. Not
 * checked here: anything; of a refused token it is only what the token says.
 */
export function identityOf({ jwt, digest }: SignedToken, policy: ResourcePolicy): Identity {
  const { claims } = jwt
  const sub = text(claims, 'sub') ?? ''
  return {
    iss: text(claims, 'iss') ?? '',
    sub,
    ...optional('oid', text(claims, 'oid')),
    ...optional('tid', text(claims, 'tid')),
    user: nameIn(claims, policy),
    ...optional('azp', clientOf(claims, policy)),
    tokenId: text(claims, 'uti') ?? text(claims, 'jti') ?? hashed(digest),
  }
}

/** What the cluster calls the person that these claims are about, as far as `user_claim` says it. */
export function nameIn(claims: JsonObject, policy: ResourcePolicy): string {
  return userName(claims, policy) ?? text(claims, 'oid') ?? text(claims, 'sub') ?? ''
}

/** An address that the issuer did not verify names nobody, as Kubernetes has it. */
function userName(claims: JsonObject, { userClaims }: ResourcePolicy): string | undefined {
  const unverified = member(claims, 'email_verified') === false
  const usable = userClaims.filter((name) => !(name === 'email' && unverified))
  return usable.map((name) => text(claims, name)).find((name) => name !== undefined)
}

function hashed(digest: string): string {
  return createHash('sha256').update(digest).digest('base64url').slice(0, 22)
}

/**
 * The one text that stands for a person, and for nobody else, for as long as they exist: Entra
 * `tid|oid`, else `iss|sub`. Never a name, which can be given to somebody else.
 */
export function userKey(identity: Identity, policy: ResourcePolicy): string {
  if (policy.kind === 'oidc') return `${identity.iss}|${identity.sub}`
  return `${policy.tenant}|${identity.oid ?? identity.sub}`
}

/** The groups that a token lists. */
export function groupsIn(claims: JsonObject, { groupsClaim }: ResourcePolicy): readonly string[] {
  return groupsClaim === undefined ? [] : texts(claims, groupsClaim)
}

/** Whether the token says that its person's groups are too many to be listed (Entra's overage). */
export function leavesGroupsOut(claims: JsonObject, { groupsClaim }: ResourcePolicy): boolean {
  if (groupsClaim === undefined || Object.hasOwn(claims, groupsClaim)) return false
  if (member(claims, 'hasgroups') === true) return true
  const elsewhere = member(claims, '_claim_names')
  return (
    typeof elsewhere === 'object' && elsewhere !== null && Object.hasOwn(elsewhere, groupsClaim)
  )
}

function optional<K extends string>(name: K, value: string | undefined): { [P in K]?: string } {
  const found: { [P in K]?: string } = {}
  if (value !== undefined) found[name] = value
  return found
}
