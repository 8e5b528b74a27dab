import type { Clock } from '../clock.ts'
import { ErrorAnswer, ExplainedAnswer, UnusableTokens } from '../oauth/error-answer.ts'
import type { Identity } from '../oauth/identity.ts'
import { printable } from '../oauth/printable.ts'
import {
  describeExplanation,
  type ProviderExplanation,
  type ProviderTrace,
} from '../oauth/provider-explanation.ts'
import { LogRateLimit } from './log-rate-limit.ts'
import type { Logger } from './logger.ts'
import type { Metrics } from './metrics/metrics.ts'
import type { RecentEvents } from './recent/recent-events.ts'
import type { Decision, RequestRecord } from './record.ts'
import type { SignInStep } from './sign-in-step.ts'

/** One step, as far as it is known. */
export interface SignInFacts {
  readonly step: SignInStep
  /** The MCP client; the name as it claims. */
  readonly client?: { readonly id: string; readonly name?: string | undefined } | undefined
  /** What the cluster calls the user. */
  readonly user?: string | undefined
  readonly resource?: string | undefined
}

/** What came of it. */
export interface SignInOutcome {
  readonly decision: Decision
  /** In a few words: of a refusal why, of the rest what comes next. */
  readonly reason?: string | undefined
  readonly identity?: Identity
  /** Where the identity provider refused. */
  readonly explanation?: ProviderExplanation
  readonly trace?: ProviderTrace
}

export interface SignInLogParts {
  readonly log: Logger
  readonly clock: Clock
  readonly metrics: Pick<Metrics, 'signInSteps' | 'signInFailures'>
  readonly recent: Pick<RecentEvents, 'signInFailures'>
}

interface CountedStep {
  readonly facts: SignInFacts
  readonly outcome: SignInOutcome
  /** Who has to act on a refusal that is not the provider's. */
  readonly whose?: string | undefined
}

/** Refusals of our own that a setting of ours mends; what the client is told names it. */
const MENDED_BY_OPERATOR: ReadonlySet<string> = new Set([
  'invalid_redirect_uri',
  'redirect_uri_not_allowed',
  'metadata_document:host',
  'metadata_document:redirect_uris',
  'no_provider_refresh_token',
])

const LONGEST_CLIENT_ID = 1_000
const LONGEST_NAME = 100

/**
 * Writes one line of kind `sign_in` for each step of a sign-in. Level `warn` where an administrator or
 * the operator has to act, with the remedy: those have a rate limit of their own, so that a flood of
 * other refusals does not hide them. Never a code, token, verifier or state.
 */
export class SignInLog {
  readonly #parts: SignInLogParts
  readonly #log: Logger
  readonly #refusals: LogRateLimit
  readonly #warnings: LogRateLimit

  constructor(parts: SignInLogParts) {
    const { log, clock } = parts
    this.#parts = parts
    this.#log = log
    const limit = (what: string) =>
      new LogRateLimit(clock, (left) => {
        log.info({ kind: 'sign_in', not_logged: left }, `${what} were not all logged`)
      })
    this.#refusals = limit('refused steps of sign-ins')
    this.#warnings = limit('sign-ins that somebody has to mend')
  }

  /** A step that came to an answer, also one that refuses. */
  write(record: RequestRecord, facts: SignInFacts, outcome: SignInOutcome): void {
    const { explanation } = outcome
    const mended =
      explanation && isMended(explanation)
        ? { whose: explanation.whose, remedy: explanation.remedy }
        : undefined
    const words = explanation && describeExplanation(explanation)
    this.#count(record, { facts, outcome, whose: mended?.whose })
    this.#write(lineOf(record, facts, outcome), { decision: outcome.decision, mended, words })
  }

  /** A step that ended in an error. */
  writeError(record: RequestRecord, facts: SignInFacts, error: unknown): void {
    if (!(error instanceof ErrorAnswer)) {
      const outcome = { decision: 'unavailable', reason: 'server_error' } as const
      this.#count(record, { facts, outcome })
      this.#write(lineOf(record, facts, outcome), { decision: 'unavailable' })
      return
    }
    const outcome: SignInOutcome = {
      decision: error.status >= 500 ? 'unavailable' : 'refuse',
      reason: error.reason,
      ...(error instanceof ExplainedAnswer && { explanation: error.explanation }),
      ...(error.trace && { trace: error.trace }),
    }
    if (outcome.explanation) {
      this.write(record, facts, outcome)
      return
    }
    const mended =
      error instanceof UnusableTokens || MENDED_BY_OPERATOR.has(error.reason)
        ? { whose: 'operator', remedy: error.message }
        : undefined
    this.#count(record, { facts, outcome, whose: mended?.whose })
    const line = lineOf(record, facts, outcome)
    this.#write(line, { decision: outcome.decision, mended, words: error.message })
  }

  #count(record: RequestRecord, { facts, outcome, whose = '' }: CountedStep): void {
    const { step, resource } = facts
    const { decision, reason = decision, explanation } = outcome
    const { metrics, recent, clock } = this.#parts
    metrics.signInSteps.inc({ step, decision })
    const aadsts = numberOf(explanation)
    record.trace?.step(step, record, {
      'rolecall.decision': decision,
      'rolecall.reason': reason,
      'rolecall.resource': resource,
      'rolecall.aadsts': aadsts,
    })
    if (decision === 'allow') return
    const digits = String(aadsts ?? '').slice(0, 2)
    metrics.signInFailures.inc({ step, whose: explanation?.whose ?? whose, aadsts: digits })
    const of = { ...(resource !== undefined && { resource }), ...(explanation && { explanation }) }
    recent.signInFailures.note({ step, reason, ...of }, clock.now())
  }

  #write(
    line: object,
    {
      decision,
      mended,
      words = '',
    }: {
      readonly decision: Decision
      readonly mended?: object | undefined
      readonly words?: string | undefined
    },
  ): void {
    if (mended) this.#log[this.#warnings.spend() ? 'warn' : 'debug']({ ...line, ...mended }, words)
    else if (decision === 'allow') this.#log.info(line)
    else this.#log[this.#refusals.spend() ? 'info' : 'debug'](line, words)
  }
}

function isMended({ whose }: ProviderExplanation): boolean {
  return whose === 'administrator' || whose === 'operator'
}

function lineOf(
  { request_id, client_ip }: RequestRecord,
  { step, client, user, resource }: SignInFacts,
  { decision, reason, identity, explanation, trace }: SignInOutcome,
): object {
  const { codes, ...ids } = trace ?? {}
  return {
    kind: 'sign_in',
    step,
    request_id,
    client_ip,
    ...(user !== undefined && { user: printable(user, LONGEST_NAME) }),
    ...identity,
    client_id: client && printable(client.id, LONGEST_CLIENT_ID),
    client_name: client?.name,
    resource,
    decision,
    reason,
    aadsts: numberOf(explanation) ?? codes?.[0],
    ...ids,
  }
}

/** `AADSTS65001` is 65001; absent for other providers. */
function numberOf({ code }: Partial<ProviderExplanation> = {}): number | undefined {
  const [, digits] = /^AADSTS(\d+)$/.exec(code ?? '') ?? []
  return digits === undefined ? undefined : Number(digits)
}
