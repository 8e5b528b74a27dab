import { exactToken, type Principal } from './authenticate.ts'
import type { ResourcePolicy } from './policy.ts'
import type { Refusal } from './refusal.ts'

/** What came of asking whether a principal may use a resource. */
export type Authorization =
  | { readonly kind: 'permit'; readonly permit: Permit }
  | { readonly kind: 'refused'; readonly refusal: Refusal }

/** The upstream acts as the caller: the caller's own token goes up. */
class CallerPermit {
  readonly actsAs = 'caller'
  readonly principal: Principal
  readonly #bearer: string

  constructor(principal: Principal) {
    this.principal = principal
    this.#bearer = exactToken(principal)
    Object.freeze(this)
  }

  /** The exact text of the validated token, without a scheme. */
  get bearer(): string {
    return this.#bearer
  }
}

/** The upstream acts as itself (`upstream_identity = "own"`): no credential of the caller goes up. */
class UpstreamPermit {
  readonly actsAs = 'upstream'
  readonly principal: Principal
  /** Nothing: tells this permit from the other kind also by its private part. */
  readonly #bearer = undefined

  constructor(principal: Principal) {
    exactToken(principal)
    this.principal = principal
    Object.freeze(this)
  }

  get bearer(): undefined {
    return this.#bearer
  }
}

/**
 * This principal may use this resource, now. Only `authorize` makes one, and forwarding takes nothing
 * else. The token is behind an accessor over a private field: printing or logging a permit cannot
 * show it.
 */
export type Permit = CallerPermit | UpstreamPermit

/**
 * Whether a principal may use the resource it was authenticated for: one of `required_groups`.
 *
 * Not checked here: the token, which `authenticate` has just judged, and what the user may do in
 * the cluster, which the API server decides.
 *
 * @throws Error when the principal was judged by the policy of another resource
 */
export function authorize(principal: Principal, policy: ResourcePolicy): Authorization {
  if (principal.resource !== policy.resource) {
    throw new Error('a principal of another resource cannot be authorized here')
  }
  const refusal = refuseGroups(principal, policy)
  if (refusal) return { kind: 'refused', refusal }
  const permit =
    policy.actsAs === 'caller' ? new CallerPermit(principal) : new UpstreamPermit(principal)
  return { kind: 'permit', permit }
}

function refuseGroups(principal: Principal, policy: ResourcePolicy): Refusal | undefined {
  const { groups: required, resource } = policy
  if (required.length === 0) return undefined
  if (principal.groups.some((group) => required.includes(policy.comparable(group))))
    return undefined
  const { user } = principal.identity
  if (principal.groupsKnown === 'left_out') {
    const why = principal.groupsFailure ?? (policy.resolvesGroups ? 'not_asked' : 'not_resolved')
    return { reason: 'groups_not_in_token', user, resource, why }
  }
  return { reason: 'not_in_required_groups', user, resource, required }
}
