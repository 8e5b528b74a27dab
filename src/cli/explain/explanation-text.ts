import type { ExplainedCheck, TokenExplanation } from '../../access/explain-token.ts'
import { refusalResponse } from '../../access/refusal-response.ts'
import type { ProtectedResource } from '../../config/config.ts'
import { printable } from '../../oauth/printable.ts'

/**
 * An explanation for a terminal: whose token, for which resource, its times, each check, and the
 * reason.
 *
 * @param now milliseconds since the epoch
 */
export function explanationText(
  explanation: TokenExplanation,
  resource: ProtectedResource,
  now: number,
): string {
  const lines = [
    `resource  ${resource.name} (${resource.path})`,
    ...aboutToken(explanation, now),
    '',
    ...explanation.checks.flatMap(checkLines),
    '',
    ...conclusion(explanation),
  ]
  return `${lines.join('\n')}\n`
}

/** Why a token is not accepted, in one sentence; nothing when it is. */
export function refusalWords({ refusal }: TokenExplanation): string | undefined {
  return refusal && refusalResponse(refusal).description
}

/** The check that did not pass. */
export function failedCheck({ checks }: TokenExplanation): ExplainedCheck | undefined {
  return checks.find(isFailed)
}

function isFailed({ verdict }: ExplainedCheck): boolean {
  return verdict === 'failed' || verdict === 'undecided'
}

function aboutToken({ token, verdict }: TokenExplanation, now: number): string[] {
  if (token === undefined) return []
  const user = token.user === '' ? 'no user' : printable(token.user)
  const words =
    verdict === 'accepted' ? `the cluster will know this user as ${user}` : `it says ${user}`
  const labels: readonly (readonly [string, string])[] = [
    ['issued', 'iat'],
    ['begins', 'nbf'],
    ['ends', 'exp'],
  ]
  const times = labels.flatMap(([label, claim]) => {
    const seconds = token.times[claim]
    return seconds === undefined ? [] : [`${label.padEnd(8)}  ${timeText(seconds, now)}`]
  })
  return [`user      ${words}`, ...times]
}

const units: readonly (readonly [Intl.RelativeTimeFormatUnit, number])[] = [
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
  ['second', 1],
]

/**
 * A moment in UTC, and how far from now it is.
 *
 * @param seconds since the epoch
 * @param now milliseconds since the epoch
 */
export function timeText(seconds: number, now: number): string {
  const date = new Date(seconds * 1000)
  if (Number.isNaN(date.getTime())) return 'not a time'
  const distance = Math.trunc(seconds - now / 1000)
  const [unit, size] = units.find(([, size]) => Math.abs(distance) >= size) ?? ['second', 1]
  const words = new Intl.RelativeTimeFormat('en').format(Math.trunc(distance / size), unit)
  return `${date.toISOString().replace('.000Z', 'Z')}, ${words}`
}

const INDENT = ' '.repeat(13)

function checkLines({ name, verdict, setting, expected, found }: ExplainedCheck): string[] {
  const title = setting === undefined ? name : `${name} (${setting})`
  return [
    `${verdict.padEnd(INDENT.length)}${title}`,
    `${INDENT}expected  ${expected}`,
    `${INDENT}found     ${found}`,
  ]
}

/** What else is to be said of a token of the provider's where only sealed ones are taken. */
function ifSealed({ refusal, checks }: TokenExplanation): string[] {
  const isJudged = checks.some(({ verdict }) => verdict === 'passed')
  if (refusal?.reason !== 'not_sealed' || !isJudged) return []
  const [, other] = checks.filter(isFailed)
  return [
    other === undefined
      ? 'Nothing else is wrong with it: once the client signs in through rolecall, the same token inside a sealed one is accepted.'
      : `Inside a sealed one it is ${other.verdict === 'undecided' ? 'undecided' : 'refused'} too, at: ${other.name}.`,
  ]
}

function conclusion(explanation: TokenExplanation): string[] {
  const { refusal } = explanation
  if (refusal === undefined) return ['Accepted.']
  const check = failedCheck(explanation)
  const { kind, status, error, description } = refusalResponse(refusal)
  const answer = kind === 'policy' ? 'a JSON-RPC error, -32003' : `${status} ${error}`
  const began = explanation.verdict === 'undecided' ? 'Cannot be decided' : 'Refused'
  const setting = check?.setting === undefined ? [] : [`Setting: ${check.setting}`]
  return [
    `${began} at: ${check?.name ?? 'form'}`,
    description,
    ...setting,
    `A request with it is answered ${answer}.`,
    ...ifSealed(explanation),
  ]
}
