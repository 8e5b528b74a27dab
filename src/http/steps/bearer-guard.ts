import type { Socket } from 'node:net'
import type { FastifyRequest } from 'fastify'
import {
  type Authentication,
  authenticate,
  type ResourceAccess,
} from '../../access/authenticate.ts'
import { authorize } from '../../access/authorize.ts'
import type { ClusterRefusals } from '../../access/cluster-refusals.ts'
import type { Refusal } from '../../access/refusal.ts'
import { refusalResponse } from '../../access/refusal-response.ts'
import type { Clock } from '../../clock.ts'
import type { ErrorAnswer } from '../../oauth/error-answer.ts'
import { type Digest, rememberingDigest } from '../../sealing/digest.ts'
import { valuesOf } from './raw-request.ts'
import type { Hook } from './step.ts'

/** What the guard of one resource works with. */
export interface Guard {
  readonly access: ResourceAccess
  readonly clock: Clock
  /** Tokens that the cluster refused; absent: the guarded endpoint calls no cluster itself. */
  readonly clusterRefusals?: ClusterRefusals
  /** The answer to a refusal, with this resource's challenge. */
  refuse(refusal: Refusal): ErrorAnswer
}

/**
 * Lets a request through to the forwarder with an `AccessDecision`, or ends it. A token seen before is
 * judged in the same turn, without a promise.
 */
export function guardHook(guard: Guard): Hook {
  const now = () => guard.clock.now()
  return (request, _reply, done) => {
    // Not `headers.authorization`: of several lines node:http keeps the first without a word.
    const values = valuesOf(request.raw.rawHeaders, 'authorization')
    const verdict = authenticate(values, guard.access, now, digestOn(request.raw.socket))
    if (verdict instanceof Promise) {
      verdict.then((settled) => done(conclude(settled, request, guard)), done)
    } else done(conclude(verdict, request, guard))
  }
}

function digestOn(socket: Socket): Digest {
  const known = digests.get(socket)
  if (known !== undefined) return known
  const digest = rememberingDigest()
  digests.set(socket, digest)
  return digest
}

/** Each connection whose last token was good has its own. */
const digests = new WeakMap<Socket, Digest>()

function conclude(
  verdict: Authentication,
  request: FastifyRequest,
  guard: Guard,
): ErrorAnswer | undefined {
  const { record } = request
  if (verdict.kind === 'refused') {
    // A stranger's idle connections would keep the largest header there may be (denial of service).
    digests.delete(request.raw.socket)
    if (verdict.claimed) record.identity = verdict.claimed
    return guard.refuse(verdict.refusal)
  }
  record.identity = verdict.principal.identity
  const client = verdict.principal.session?.client
  if (client) {
    const { id: client_id, name: client_name } = client
    record.client = { client_id, ...(client_name !== undefined && { client_name }) }
  }
  if (guard.clusterRefusals?.take(verdict.principal)) {
    return guard.refuse({ reason: 'refused_by_cluster' })
  }
  const authorization = authorize(verdict.principal, guard.access.policy)
  if (authorization.kind === 'permit') {
    const { permit } = authorization
    record.acts_as = permit.actsAs
    const { rawHeaders } = request.raw
    record.judged_at = performance.now()
    request.accessDecision = {
      kind: 'permit',
      permit,
      authorization: () => valuesOf(rawHeaders, 'authorization'),
    }
    return undefined
  }
  const answer = refusalResponse(authorization.refusal)
  if (answer.kind === 'http') return guard.refuse(authorization.refusal)
  record.reason = authorization.refusal.reason
  request.accessDecision = { kind: 'policy', answer }
  return undefined
}
