import type { SignedToken, TokenVerifier, Verification } from '../issuer/token-verifier.ts'
import { readBearer } from '../oauth/bearer.ts'
import type { Identity } from '../oauth/identity.ts'
import { readJwt } from '../oauth/jwt.ts'
import { type Digest, sha256 } from '../sealing/digest.ts'
import { refusePassed, refuseSigned, refuseUnsigned } from './checks/checks.ts'
import { expiresAt } from './checks/issuer-and-time-checks.ts'
import { type GroupsKnown, identityOf, userKey } from './identity.ts'
import type { ResourcePolicy } from './policy.ts'
import type { Refusal } from './refusal.ts'
import { type GroupsFailure, knownGroups } from './resolved-groups.ts'
import type { TokenContext, TokenOpener, TokenSession } from './token-opener.ts'

/** How one resource judges tokens; made once. */
export interface ResourceAccess {
  readonly verifier: TokenVerifier
  readonly policy: ResourcePolicy
  /** Absent: clients hold the token that goes upstream. */
  readonly opener?: TokenOpener
}

/** What came of a request's Authorization. */
export type Authentication =
  | { readonly kind: 'principal'; readonly principal: Principal }
  | {
      readonly kind: 'refused'
      readonly refusal: Refusal
      /** What the token says, only when its signature held; for log lines and nothing else. */
      readonly claimed?: Identity
    }

/** A user whose token passed every check of one resource, at the time it was judged. */
class JudgedPrincipal {
  readonly identity: Identity
  /** The resource whose demands were met. */
  readonly resource: string
  readonly groups: readonly string[]
  readonly groupsKnown: GroupsKnown
  /** Why groups that the token leaves out are not known, where they were asked for. */
  readonly groupsFailure: GroupsFailure | undefined
  /** The end of the token, milliseconds since the epoch. */
  readonly expiresAt: number
  /** Stands for this user and nobody else; what sessions are bound to. */
  readonly userKey: string
  /** Digest of the whole token: equal for equal tokens only. */
  readonly tokenDigest: string
  /** The session that the token was handed out in; absent where clients hold the token itself. */
  readonly session: TokenSession | undefined
  readonly #token: string
  readonly #context: TokenContext

  constructor(signed: SignedToken, policy: ResourcePolicy, context: TokenContext) {
    const { claims, compact } = signed.jwt
    this.identity = Object.freeze(identityOf(signed, policy))
    this.resource = policy.resource
    const { groups, known, failure } = knownGroups(claims, policy, context.groups)
    this.groups = groups
    this.groupsKnown = known
    this.groupsFailure = failure
    this.expiresAt = expiresAt(claims) ?? 0
    this.userKey = userKey(this.identity, policy)
    this.tokenDigest = signed.digest
    this.session = context.session
    this.#token = compact
    this.#context = context
    Object.freeze(this)
  }

  /** The exact text of a principal's token; throws for anything that only looks like one. */
  static tokenOf(principal: JudgedPrincipal): string {
    return principal.#token
  }

  static contextOf(principal: JudgedPrincipal): TokenContext {
    return principal.#context
  }
}

/**
 * Only `authenticate` makes one. The token's text is in a private field: printing or logging a
 * principal cannot show it.
 */
export type Principal = JudgedPrincipal

/** The exact text of a principal's token. For `authorize` alone, which puts it into the permit. */
export function exactToken(principal: Principal): string {
  return JudgedPrincipal.tokenOf(principal)
}

/**
 * Judges the Authorization headers of one request against one resource. Where the resource takes
 * sealed tokens alone, the one in the header is opened, and the token inside is judged.
 *
 * Answered at once, without a promise, unless the identity provider is waited for. Where a signature is
 * remembered the token's times, its issuer and its session are judged again, and whatever else this
 * resource has not judged yet. No key is looked at for a request that is refused without one.
 *
 * @param authorization every Authorization value as received
 * @param now milliseconds since the epoch; asked again after waiting for a signature
 * @param digest of what is in the header; default: SHA-256, made anew
 */
export function authenticate(
  authorization: readonly string[],
  access: ResourceAccess,
  now: () => number,
  digest: Digest = sha256,
): Authentication | Promise<Authentication> {
  const reading = readBearer(authorization)
  switch (reading.kind) {
    case 'none':
      return refused({ reason: 'no_token' })
    case 'more_than_one':
      return refused({ reason: 'more_than_one_authorization' })
    case 'malformed':
      return refused({ reason: 'malformed_authorization' })
    case 'token':
      return authenticateBearer(reading.token, access, now, digest)
  }
}

function authenticateBearer(
  text: string,
  access: ResourceAccess,
  now: () => number,
  digest: Digest,
): Authentication | Promise<Authentication> {
  const { opener } = access
  if (!opener) return authenticateToken(text, access, now, { context: NOTHING_MORE, digest })
  const opened = opener.recall(text, digest) ?? opener.open(text)
  if (opened === undefined) return refused({ reason: 'not_sealed' })
  return authenticateToken(opened.token, access, now, {
    context: opened,
    digest: () => opened.digest,
  })
}

/** One object: the context is a part of what is remembered. */
const NOTHING_MORE: TokenContext = {}

interface KnownOfToken {
  /** What is known of it beside what it says; absent: nothing. */
  readonly context?: TokenContext
  /** Of the token, to look it up; a wrong one finds nothing. A signature that is verified has its own. */
  readonly digest?: Digest
}

/**
 * The same for a token that did not come in a header, and never for a sealed one.
 *
 */
export function authenticateToken(
  token: string,
  access: ResourceAccess,
  now: () => number,
  { context = NOTHING_MORE, digest = sha256 }: KnownOfToken = {},
): Authentication | Promise<Authentication> {
  const known = access.verifier.recall(token, digest)
  if (known?.jwt.compact === token) return judge({ signed: known, context }, access, now())
  const jwt = readJwt(token)
  if (!jwt) return refused({ reason: 'not_a_jwt' })
  const refusal = refuseUnsigned(jwt, access.policy, now())
  if (refusal) return refused(refusal)
  const conclude = (verification: Verification): Authentication =>
    verification.kind === 'signed' && verification.token.jwt.compact === token
      ? judge({ signed: verification.token, context }, access, now())
      : refused(refusalFor(verification))
  const verification = access.verifier.verify(jwt)
  return verification instanceof Promise ? verification.then(conclude) : conclude(verification)
}

/**
 * Judges a user of one resource by the policy of another one that takes the same tokens: the token is
 * the same, everything that this resource demands of it is judged anew, and its session too.
 */
export function authenticateAt(
  principal: Principal,
  access: ResourceAccess,
  now: () => number,
): Authentication | Promise<Authentication> {
  return authenticateToken(exactToken(principal), access, now, {
    context: JudgedPrincipal.contextOf(principal),
  })
}

/**
 * Why a token is refused whose signature could not be verified. A verification of another text than
 * the one that was sent vouches for nothing.
 */
export function refusalFor(verification: Verification): Refusal {
  switch (verification.kind) {
    case 'unavailable': {
      const { reason: cause, retryAfter } = verification
      return { reason: 'unavailable', cause, retryAfter }
    }
    case 'unknown_key':
      return { reason: 'unknown_key' }
    case 'bad_signature':
    case 'signed':
      return { reason: 'bad_signature' }
  }
}

interface Judged {
  readonly signed: SignedToken
  readonly context: TokenContext
}

function judge({ signed, context }: Judged, access: ResourceAccess, now: number): Authentication {
  const { policy, opener } = access
  const known = passedBefore({ signed, context }, policy)
  const refusal = (known ? refusePassed : refuseSigned)(signed.jwt, policy, now)
  if (refusal) return { kind: 'refused', refusal, claimed: identityOf(signed, policy) }
  const principal = known ?? remembered({ signed, context }, policy)
  const { session } = context
  const ended = session && opener?.refuseSession(session, principal.identity.user)
  if (ended) return { kind: 'refused', refusal: ended, claimed: principal.identity }
  return { kind: 'principal', principal }
}

/** A principal, and with which context its token was judged. */
interface Passed {
  readonly principal: Principal
  readonly context: TokenContext
}

/**
 * What passed all checks, by policy and by token. A token is forgotten with its signature: when its
 * key goes, or when the token cache makes room.
 */
const passed = new WeakMap<ResourcePolicy, WeakMap<SignedToken, Passed>>()

function passedBefore({ signed, context }: Judged, policy: ResourcePolicy): Principal | undefined {
  const before = passed.get(policy)?.get(signed)
  return before?.context === context ? before.principal : undefined
}

function remembered({ signed, context }: Judged, policy: ResourcePolicy): Principal {
  const principal = new JudgedPrincipal(signed, policy, context)
  const ofPolicy = passed.get(policy) ?? new WeakMap<SignedToken, Passed>()
  passed.set(policy, ofPolicy.set(signed, { principal, context }))
  return principal
}

function refused(refusal: Refusal): Authentication {
  return { kind: 'refused', refusal }
}
