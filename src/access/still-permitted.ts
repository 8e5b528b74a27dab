import { type Authentication, authenticate, type ResourceAccess } from './authenticate.ts'
import { authorize } from './authorize.ts'

/**
 * Whether what opened a stream would open it now: the whole judgement of a request, over again, for
 * a stream that outlives the configuration, the keys or the session that let it in.
 *
 * What cannot be decided at the moment counts as permitted: an identity provider that is away ends no
 * stream, and the token's end does.
 *
 * @param authorization every Authorization value of the request that opened it
 * @param now milliseconds since the epoch; asked again after waiting for a signature
 */
export function stillPermitted(
  authorization: readonly string[],
  access: ResourceAccess,
  now: () => number,
): boolean | Promise<boolean> {
  const verdict = authenticate(authorization, access, now)
  if (verdict instanceof Promise) return verdict.then((settled) => lets(settled, access))
  return lets(verdict, access)
}

function lets(verdict: Authentication, access: ResourceAccess): boolean {
  if (verdict.kind === 'refused') return verdict.refusal.reason === 'unavailable'
  return authorize(verdict.principal, access.policy).kind === 'permit'
}
