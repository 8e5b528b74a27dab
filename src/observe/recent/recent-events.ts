import type { ProviderExplanation } from '../../oauth/provider-explanation.ts'
import type { LimitName } from '../metrics/limits-reached.ts'
import type { Decision, RequestRecord } from '../record.ts'
import type { SignInStep } from '../sign-in-step.ts'
import { Occurrences } from './occurrences.ts'
import { Traffic } from './traffic.ts'

/** A request to a resource that was not served. */
export interface Refused {
  readonly resource: string
  readonly decision: Decision
  readonly reason: string
}

/** A step of a sign-in that failed. Never whose, and no text but our own. */
export interface SignInFailure {
  readonly step: SignInStep
  readonly reason: string
  readonly resource?: string
  /** Where the identity provider refused: what it means. */
  readonly explanation?: ProviderExplanation
}

/** When an upstream last answered and last failed; milliseconds since the epoch. */
export interface UpstreamContact {
  answeredAt?: number
  failedAt?: number
  /** Why it failed then, as the log has it. */
  reason?: string
}

/**
 * What the status page tells of the last hour. Of bounded size, and without a name or token. Like
 * metrics it outlives a reload.
 */
export class RecentEvents {
  readonly traffic = new Traffic()
  readonly refused = new Occurrences<Refused>(({ resource, reason }) => `${resource} ${reason}`)
  readonly signInFailures = new Occurrences<SignInFailure>(({ step, reason, explanation }) =>
    [step, reason, explanation?.code].join(' '),
  )
  readonly limits = new Occurrences<{ readonly limit: LimitName }>(({ limit }) => limit)
  /** By the resource's name. */
  readonly upstreams = new Map<string, UpstreamContact>()

  /**
   * A request to a resource is over.
   *
   * @param now milliseconds since the epoch
   */
  request(resource: string, record: RequestRecord, now: number): void {
    const { decision, reason, upstream_status: status } = record
    const isUnavailable = decision === 'unavailable'
    if (status !== undefined || isUnavailable) this.#contact(resource, record, now)
    if (decision === 'allow') this.traffic.count('served', now)
    else {
      this.traffic.count(isUnavailable ? 'failed' : 'refused', now)
      this.refused.note({ resource, decision, reason: reason ?? decision }, now)
    }
  }

  #contact(resource: string, { reason = '', upstream_status }: RequestRecord, now: number): void {
    let contact = this.upstreams.get(resource)
    if (contact === undefined) {
      contact = {}
      this.upstreams.set(resource, contact)
    }
    if (reason.startsWith('upstream_')) {
      contact.failedAt = now
      contact.reason = reason
    } else if (upstream_status !== undefined) contact.answeredAt = now
  }
}
