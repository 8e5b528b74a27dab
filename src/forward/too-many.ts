import { ErrorAnswer } from '../oauth/error-answer.ts'
import type { ExchangeOwner, UserLimits } from './open-exchanges.ts'

const RETRY_AFTER_SECONDS = 5

/**
 * One user has as much under way as one user may. A stream, and whatever takes no JSON-RPC answer, is
 * refused with 429; for a call the description is what its model reads, in a refusal by policy.
 */
export class TooMany extends ErrorAnswer {
  /** Whether it is answered inside MCP. */
  readonly isCall: boolean

  constructor(owner: ExchangeOwner, limits: UserLimits) {
    const isStream = owner.kind === 'stream'
    const most = isStream
      ? `${limits.streams_per_user} streams (limits.streams_per_user)`
      : `${limits.calls_per_user} calls (limits.calls_per_user)`
    super({
      status: 429,
      error: isStream ? 'too_many_streams' : 'too_many_calls',
      description: `This user has the most that one user may have under way at ${owner.resource}: ${most}; wait until some have ended, and try again in ${RETRY_AFTER_SECONDS} seconds.`,
      headers: { 'retry-after': String(RETRY_AFTER_SECONDS) },
    })
    this.isCall = !isStream && !owner.isOneWay
  }
}
