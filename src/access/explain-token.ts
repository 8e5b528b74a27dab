import type { Verification } from '../issuer/token-verifier.ts'
import { member } from '../oauth/claims.ts'
import type { JsonObject } from '../oauth/json.ts'
import { type Jwt, readJwt } from '../oauth/jwt.ts'
import { authenticateToken, type ResourceAccess, refusalFor } from './authenticate.ts'
import { authorize } from './authorize.ts'
import { type Check, oneOf, shown } from './checks/check.ts'
import { checks } from './checks/checks.ts'
import { nameIn } from './identity.ts'
import type { ResourcePolicy } from './policy.ts'
import type { Refusal } from './refusal.ts'
import { type KnownGroups, knownGroups } from './resolved-groups.ts'
import type { OpenedToken, TokenContext } from './token-opener.ts'

/** `undecided`: nothing can be said at the moment, since the identity provider is away. */
export type CheckVerdict = 'passed' | 'failed' | 'undecided' | 'not reached'

/** One check on one token, for people. */
export interface ExplainedCheck {
  readonly name: string
  readonly verdict: CheckVerdict
  readonly setting?: string
  readonly expected: string
  readonly found: string
}

/** What every check says of one token, and what comes of all of them. */
export interface TokenExplanation {
  readonly verdict: 'accepted' | 'refused' | 'undecided'
  /** In the order of a request; nothing is reached after one that did not pass, but for `sealed`. */
  readonly checks: readonly ExplainedCheck[]
  /** Why not; absent: accepted. */
  readonly refusal?: Refusal
  /** Absent: it is not a JWT. Where a sealed token was opened, what the one inside says. */
  readonly token?: ExplainedToken
}

/** What a token says of its user and times, whether that is true or not. */
export interface ExplainedToken {
  /** What the cluster would call the user; as the claims have it, not cleaned. */
  readonly user: string
  /** Seconds since the epoch, by claim, where they are numbers. */
  readonly times: Readonly<Record<string, number>>
}

/** A check with what is shown of it, whether it is reached or not. */
interface Step {
  readonly check: Omit<ExplainedCheck, 'verdict'>
  refuse(): Refusal | undefined | Promise<Refusal | undefined>
  /** Whether the rest can be judged although it failed. */
  readonly goesOn?: boolean
}

/**
 * Takes one token through every check of one resource, with what is expected and what is found. A
 * sealed token is opened first, and the rest is about the one inside. It
 * reads the list that requests read and verifies with the same verifier, and the last step is the
 * request's own way, `authenticate` and `authorize`: nothing is accepted here that they would refuse.
 * A token that is not sealed where it has to be is refused, and judged nonetheless: what else is wrong
 * with it is seen at once.
 *
 * Nothing in the result holds the token or its signature; claims are cut and cleaned.
 *
 * @param now milliseconds since the epoch
 */
export async function explainToken(
  text: string,
  access: ResourceAccess,
  now: () => number,
): Promise<TokenExplanation> {
  const opened = access.opener?.open(text)
  const token = opened?.token ?? text
  const jwt = readJwt(token)
  const steps: readonly Step[] = [
    ...(access.opener ? [sealed(opened, jwt)] : []),
    form(token, jwt),
    ...checks.map((check) =>
      check.kind === 'check' ? judgement(check, jwt, { access, now }) : signature(jwt, access),
    ),
    ...(opened ? [session(opened, jwt, access)] : []),
    groups(token, jwt, { access, now, context: opened ?? {} }),
  ]
  const explained: ExplainedCheck[] = []
  let refusal: Refusal | undefined
  let stopped = false
  for (const { check, refuse, goesOn = false } of steps) {
    const own: Refusal | undefined = stopped ? undefined : await refuse()
    explained.push({ ...check, verdict: stopped ? 'not reached' : verdictOf(own) })
    refusal ??= own
    stopped ||= own !== undefined && !goesOn
  }
  return {
    verdict: wholeVerdict(refusal),
    checks: explained,
    ...(refusal && { refusal }),
    ...(jwt && { token: tokenIn(jwt.claims, access.policy) }),
  }
}

/** What the words of a check and its judgement are made from. */
interface Ground {
  readonly access: ResourceAccess
  readonly now: () => number
}

function verdictOf(refusal: Refusal | undefined): CheckVerdict {
  if (refusal === undefined) return 'passed'
  return refusal.reason === 'unavailable' ? 'undecided' : 'failed'
}

function wholeVerdict(refusal: Refusal | undefined): TokenExplanation['verdict'] {
  if (refusal === undefined) return 'accepted'
  return refusal.reason === 'unavailable' ? 'undecided' : 'refused'
}

const absent = 'no token that can be read'

/** @param opened absent: it did not open */
function sealed(opened: OpenedToken | undefined, jwt: Jwt | undefined): Step {
  const unopened = jwt ? 'a signed JWT, not sealed' : 'nothing that opens here'
  return {
    check: {
      name: 'sealed',
      setting: 'sign_in.tokens',
      expected: 'a token that this server handed out for this resource',
      found:
        opened === undefined
          ? unopened
          : 'one; it was opened, and the rest is about the token inside',
    },
    refuse: () => (opened === undefined ? { reason: 'not_sealed' } : undefined),
    goesOn: jwt !== undefined,
  }
}

function session(
  { session: handedOutIn }: OpenedToken,
  jwt: Jwt | undefined,
  { opener, policy }: ResourceAccess,
): Step {
  return {
    check: {
      name: 'session',
      setting: 'sign_in.sessions_valid_after',
      expected: 'one that was not ended',
      found: `one that began at ${new Date(handedOutIn.began).toISOString()}`,
    },
    refuse: () => opener?.refuseSession(handedOutIn, nameIn(jwt?.claims ?? {}, policy)),
  }
}

function form(token: string, jwt: Jwt | undefined): Step {
  return {
    check: {
      name: 'form',
      expected: 'a signed JWT, three parts in canonical base64url',
      found: jwt ? 'a signed JWT' : unreadable(token),
    },
    refuse: () => (jwt ? undefined : { reason: 'not_a_jwt' }),
  }
}

function unreadable(token: string): string {
  const parts = token.split('.').length
  if (parts === 5) return 'five parts, as an encrypted token has'
  return parts === 3 ? 'three parts that are not a JWT' : 'an opaque text'
}

function judgement(check: Check, jwt: Jwt | undefined, { access, now }: Ground): Step {
  const { policy } = access
  return {
    check: {
      name: check.name,
      ...(check.setting !== undefined && { setting: check.setting }),
      expected: check.expected(policy, now()),
      found: jwt ? check.found(jwt) : absent,
    },
    refuse: () => (jwt ? check.refuse(jwt, policy, now()) : { reason: 'not_a_jwt' }),
  }
}

function signature(jwt: Jwt | undefined, { verifier }: ResourceAccess): Step {
  return {
    check: {
      name: 'signature',
      expected: 'made by a key of the identity provider',
      found: jwt ? `key id ${shown(member(jwt.header, 'kid'))}` : absent,
    },
    async refuse() {
      if (!jwt) return { reason: 'not_a_jwt' }
      const verification: Verification = await verifier.verify(jwt)
      return verification.kind === 'signed' ? undefined : refusalFor(verification)
    },
  }
}

function groups(
  token: string,
  jwt: Jwt | undefined,
  { access, now, context }: Ground & { readonly context: TokenContext },
): Step {
  const { policy } = access
  return {
    check: {
      name: 'groups',
      setting: 'required_groups',
      expected: policy.groups.length === 0 ? 'any' : oneOf(policy.groups),
      found: jwt ? groupsFound(knownGroups(jwt.claims, policy, context.groups)) : absent,
    },
    async refuse() {
      const authentication = await authenticateToken(token, access, now, { context })
      if (authentication.kind === 'refused') return authentication.refusal
      const authorization = authorize(authentication.principal, policy)
      return authorization.kind === 'refused' ? authorization.refusal : undefined
    },
  }
}

function groupsFound({ groups, known, failure }: KnownGroups): string {
  const all = groups.length === 0 ? 'none' : `${groups.length}: ${shown(groups.join(' '))}`
  switch (known) {
    case 'listed':
      return all
    case 'not_read':
      return 'not read, since groups_claim is empty'
    case 'resolved':
      return `too many to be in the token; of those that the configuration names, as Microsoft Graph said when it was handed out, ${all}`
    case 'left_out':
      return failure === undefined
        ? 'too many to be in the token'
        : `too many to be in the token, and not to be had at Microsoft Graph when it was handed out (${failure})`
  }
}

function tokenIn(claims: JsonObject, policy: ResourcePolicy): ExplainedToken {
  const times: Record<string, number> = {}
  for (const name of ['iat', 'nbf', 'exp']) {
    const value = member(claims, name)
    if (typeof value === 'number') times[name] = value
  }
  return { user: nameIn(claims, policy), times }
}
