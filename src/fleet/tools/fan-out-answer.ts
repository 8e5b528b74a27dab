import type { CallToolResult, TextContent } from '@modelcontextprotocol/server'

/** What became of a call at one cluster. */
export type ClusterOutcome =
  | { readonly outcome: 'ok' | 'tool_error'; readonly result: CallToolResult }
  | { readonly outcome: 'forbidden'; readonly result: CallToolResult }
  | { readonly outcome: 'timeout'; readonly after_ms: number }
  | { readonly outcome: 'not_allowed'; readonly why: string }
  | {
      readonly outcome:
        | 'forbidden'
        | 'sign_in_needed'
        | 'unreachable'
        | 'no_such_tool'
        | 'too_large'
      /** In place of the words for all of its kind. */
      readonly why?: string
    }

/** The outcome at each cluster, in the order in which they were asked for. */
export type ClusterOutcomes = readonly (readonly [cluster: string, outcome: ClusterOutcome])[]

/** Where an answer of many has the outcome at each cluster, for programs. */
export const OUTCOMES = 'rolecall/clusters'

/**
 * One answer of many: what each cluster said under its name, and, always last, how many answered and
 * who is missing, so that no model takes a part for the whole. No text of ours holds a status number
 * or its name: some clients sign users out on those words.
 *
 * Structured content only where a cluster's answer has some: some clients give models that alone, and
 * others both, so that each says all, and nothing is said twice without need.
 *
 * @param outcomes one at least
 */
export function fanOutAnswer(outcomes: ClusterOutcomes): CallToolResult {
  const missing = outcomes.filter(([, { outcome }]) => outcome !== 'ok')
  const inShort = summary(outcomes, missing)
  const names = new Set(outcomes.map(([cluster]) => cluster))
  const hasStructure = outcomes.some(
    ([, outcome]) => 'result' in outcome && outcome.result.structuredContent !== undefined,
  )
  return {
    isError: missing.length === outcomes.length,
    content: [
      ...outcomes.flatMap(([cluster, outcome]) => blocksOf(cluster, unlikeOurs(outcome, names))),
      { type: 'text', text: inShort },
    ],
    ...(hasStructure && {
      structuredContent: { clusters: byName(outcomes, structured), summary: inShort },
    }),
    _meta: { [OUTCOMES]: byName(outcomes, withoutResult) },
  }
}

function byName(
  outcomes: ClusterOutcomes,
  say: (outcome: ClusterOutcome) => object,
): Record<string, object> {
  return Object.fromEntries(outcomes.map(([cluster, outcome]) => [cluster, say(outcome)]))
}

const LIKE_HEADING = /^[ \t]*#+[ \t]*([a-z0-9-]+)(?=[:\s]|$)/gm
const LIKE_SUMMARY = /^[ \t]*\d+ of \d+ clusters answered/gm

/** What a cluster says under another's name, or as the last word on all, is quoted (spoofing). */
function unlikeOurs(outcome: ClusterOutcome, names: ReadonlySet<string>): ClusterOutcome {
  if (!('result' in outcome)) return outcome
  const content = outcome.result.content.map((block) => {
    if (block.type !== 'text') return block
    const text = block.text
      .replace(LIKE_HEADING, (whole, name: string) => (names.has(name) ? `> ${whole}` : whole))
      .replace(LIKE_SUMMARY, (whole) => `> ${whole}`)
    return { ...block, text }
  })
  return { ...outcome, result: { ...outcome.result, content } }
}

function blocksOf(cluster: string, outcome: ClusterOutcome): CallToolResult['content'] {
  const heading = `## ${cluster}`
  if (!('result' in outcome)) return [line(`${heading}: ${said(outcome)}`)]
  const title = outcome.outcome === 'ok' ? heading : `${heading}: ${said(outcome)}`
  const [first, ...rest] = outcome.result.content
  if (first?.type !== 'text') return [line(title), ...outcome.result.content]
  return [{ ...first, ...line(`${title}\n${first.text}`) }, ...rest]
}

/** Some clients put a space between blocks: the next heading begins a line all the same. */
function line(text: string): TextContent {
  return { type: 'text', text: text.endsWith('\n') ? text : `${text}\n` }
}

function structured(outcome: ClusterOutcome): object {
  if (!('result' in outcome)) return outcome
  const { structuredContent, content } = outcome.result
  return { outcome: outcome.outcome, result: structuredContent ?? { content } }
}

function withoutResult(outcome: ClusterOutcome): object {
  return 'result' in outcome ? { outcome: outcome.outcome } : outcome
}

function summary(outcomes: ClusterOutcomes, missing: ClusterOutcomes): string {
  const answered = outcomes.length - missing.length
  const noun = outcomes.length === 1 ? 'cluster' : 'clusters'
  const count = `${answered} of ${outcomes.length} ${noun} answered.`
  if (missing.length === 0) return count
  const names = missing.map(([cluster, outcome]) => `${cluster} (${inShort(outcome)})`)
  return `${count} Not in this answer: ${names.join(', ')}.`
}

/** The words beside a cluster's name. */
export function said(outcome: ClusterOutcome): string {
  switch (outcome.outcome) {
    case 'ok':
      return 'answered'
    case 'tool_error':
      return 'the tool failed'
    case 'forbidden':
      return 'refused by the cluster'
    case 'timeout':
      return `no answer within ${Math.max(1, Math.round(outcome.after_ms / 1000))} s`
    case 'not_allowed':
      return outcome.why
    case 'sign_in_needed':
      return 'the cluster does not take your sign-in; sign in again, and if that does not help, its administrator has to look'
    case 'unreachable':
      return outcome.why ?? 'cannot be reached now'
    case 'no_such_tool':
      return 'has no such tool'
    case 'too_large':
      return 'the answer is too large; ask this cluster alone, or for less'
  }
}

function inShort({ outcome }: ClusterOutcome): string {
  switch (outcome) {
    case 'ok':
      return 'answered'
    case 'tool_error':
      return 'tool failed'
    case 'forbidden':
    case 'not_allowed':
      return 'not allowed for you'
    case 'timeout':
      return 'no answer'
    case 'sign_in_needed':
      return 'sign-in needed'
    case 'unreachable':
      return 'unreachable'
    case 'no_such_tool':
      return 'no such tool'
    case 'too_large':
      return 'too large'
  }
}

/** One cluster's answer by itself: as it came, or what went wrong as a tool error. */
export function singleAnswer(cluster: string, outcome: ClusterOutcome): CallToolResult {
  if ('result' in outcome) return outcome.result
  const words = said(outcome)
  return toolError(`${cluster}: ${words.endsWith('.') ? words : `${words}.`}`)
}

/** What a model reads, and can act on. */
export function toolError(text: string): CallToolResult {
  return { isError: true, content: [{ type: 'text', text }] }
}

const IS_FORBIDDEN = /\bforbidden\b/i
/** The last are client-go's words, where the API server has none of its own. */
const NEEDS_SIGN_IN =
  /\b401\b|\bunauthorized\b|\bserver has asked for the client to provide credentials\b/i

/**
 * What a cluster's result says beside other clusters'. A refusal of the API server's RBAC and one of
 * its authentication come as tool errors, in words.
 */
export function outcomeOf(result: CallToolResult): ClusterOutcome {
  if (result.isError !== true) return { outcome: 'ok', result }
  const text = result.content.map((block) => (block.type === 'text' ? block.text : '')).join('\n')
  if (IS_FORBIDDEN.test(text)) return { outcome: 'forbidden', result }
  if (NEEDS_SIGN_IN.test(text)) return { outcome: 'sign_in_needed' }
  return { outcome: 'tool_error', result }
}
