import type { Clock } from '../clock.ts'
import type { IssuerEvent } from '../issuer/issuer-event.ts'
import type { GrantOutcome } from '../issuer/token-endpoint/provider-grants.ts'
import { describeExplanation } from '../oauth/provider-explanation.ts'
import { LogRateLimit } from '../observe/log-rate-limit.ts'
import type { Logger } from '../observe/logger.ts'
import type { Metrics } from '../observe/metrics/metrics.ts'
import type { Operation } from './operation.ts'

export interface ReportParts {
  readonly log: Logger
  readonly metrics: Metrics
  readonly clock: Clock
  readonly operation: Pick<Operation, 'credentialRefused'>
}

/** Logs and counts what the identity provider side has to tell. */
export function reportIssuerEvent(
  event: IssuerEvent,
  { log, metrics }: Pick<ReportParts, 'log' | 'metrics'>,
): void {
  const { kind, ...details } = event
  if (kind === 'keys_changed') {
    log.info({ kind: 'identity_provider', ...details }, 'the key set changed')
    return
  }
  const outcome = kind === 'fetched' ? 'ok' : 'failed'
  metrics.providerFetches.inc({ document: event.document, outcome })
  if (kind === 'fetched') log.debug({ kind: 'identity_provider', ...details }, 'fetched')
  else log.warn({ kind: 'identity_provider', ...details }, 'a fetch failed')
}

/** A credential that the provider refuses is told again at most this often, in milliseconds. */
const REPEAT_MS = 10_000

/**
 * Logs and counts what the identity provider's token endpoint answered: loudly when our own
 * credential is wrong, since then nobody can sign in. Codes and trace ids, never a part of a body.
 * So many lines a minute: made-up codes get as far as the provider.
 */
export function grantReporter({
  log,
  metrics,
  clock,
  operation,
}: ReportParts): (grant: string, outcome: GrantOutcome) => void {
  let quietUntil = 0
  const budget = new LogRateLimit(clock, (left) => {
    log.info(
      { kind: 'identity_provider', not_logged: left },
      'answers of the token endpoint were not all logged',
    )
  })
  return (grant, outcome) => {
    metrics.providerGrants.inc({ grant, outcome: outcome.kind })
    if (outcome.kind === 'misconfigured') {
      operation.credentialRefused = { at: clock.now(), what: outcome.explanation }
    } else if (outcome.kind !== 'unavailable') operation.credentialRefused = undefined
    // What a refusal was about is in the line of that step of the sign-in.
    if (outcome.kind === 'tokens' || outcome.kind === 'refused') return
    const line = { kind: 'identity_provider', grant, ...outcome.trace }
    if (outcome.kind === 'unavailable') {
      const level = budget.spend() ? 'warn' : 'debug'
      log[level]({ ...line, reason: outcome.reason }, 'the token endpoint did not decide')
      return
    }
    const text = describeExplanation(outcome.explanation)
    if (clock.now() < quietUntil) return
    quietUntil = clock.now() + REPEAT_MS
    log.error({ ...line, whose: outcome.explanation.whose }, text)
  }
}
