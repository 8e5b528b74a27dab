import type { OwnAnswer } from '../mcp-client/own-request.ts'
import { member } from '../oauth/claims.ts'
import { parseObject } from '../oauth/json.ts'
import { printable } from '../oauth/printable.ts'
import type { CallOutcome } from './upstream-proof.ts'

/**
 * How a `tools/call` ended, of a tool that the upstream lists and that needs no argument.
 *
 * @param exchange what the upstream answered
 */
export function callOutcome(exchange: OwnAnswer): CallOutcome {
  switch (exchange.kind) {
    case 'result':
      return resultOutcome(exchange.result)
    case 'error':
      return errorOutcome(exchange)
    case 'status':
      return statusOutcome(exchange.status)
    case 'failed':
      return { kind: 'unclear', why: exchange.why, passing: exchange.passing }
  }
}

/** A status in place of a JSON-RPC answer. */
export function statusOutcome(status: number): CallOutcome {
  if (status === 401 || status === 403) return { kind: 'refused' }
  const passing = status >= 500 || status === 429
  return { kind: 'unclear', why: `it answered ${status}`, passing }
}

function resultOutcome(result: Readonly<Record<string, unknown>>): CallOutcome {
  if (member(result, 'isError') === true) return textOutcome(textOf(result))
  const complete = (member(result, 'resultType') ?? 'complete') === 'complete'
  const hasContent = Array.isArray(member(result, 'content'))
  if (complete && (hasContent || Object.hasOwn(result, 'structuredContent'))) {
    return isUnauthenticated(textOf(result)) ? { kind: 'refused' } : { kind: 'succeeded' }
  }
  return { kind: 'unclear', why: 'its answer is not the result of a tool', passing: false }
}

/**
 * A result that is the error body of the API behind, passed on as if it were an answer: argocd-mcp
 * does that. 16 is gRPC's UNAUTHENTICATED; Kubernetes says 401 in the same place.
 */
function isUnauthenticated(text: string): boolean {
  const body = parseObject(text) ?? {}
  const worded = 'error' in body || 'message' in body
  return worded && (body['code'] === 16 || body['code'] === 401)
}

const METHOD_NOT_FOUND = -32601

function errorOutcome(error: { readonly code: unknown; readonly message: string }): CallOutcome {
  const unknownTool = /unknown tool|tool\b.{0,80}\bnot found|no such tool/is.test(error.message)
  if (error.code === METHOD_NOT_FOUND || unknownTool) {
    return { kind: 'unclear', why: 'it does not know the tool that it lists', passing: false }
  }
  return textOutcome(error.message)
}

/** What the API server says to whom it knows (Kubernetes' own words for 403). */
const knownUser = /\bUser "([^"]{1,200})" cannot\b/

const clusterAway =
  /connection refused|no such host|no route to host|i\/o timeout|deadline exceeded|network is unreachable|ECONNREFUSED|ENOTFOUND|ETIMEDOUT|EAI_AGAIN|x509:|certificate signed by unknown/i

/** An error in a tool's own words: of the credential, unless it says something else. */
function textOutcome(text: string): CallOutcome {
  const user = knownUser.exec(text)?.[1]
  if (user !== undefined && user !== 'system:anonymous') {
    return { kind: 'refused_as', user: printable(user) }
  }
  if (clusterAway.test(text)) {
    return { kind: 'unclear', why: 'it could not reach its cluster', passing: true }
  }
  return { kind: 'refused' }
}

function textOf(result: Readonly<Record<string, unknown>>): string {
  const content = member(result, 'content')
  const parts: readonly unknown[] = Array.isArray(content) ? content : []
  return parts
    .map((part) => {
      if (typeof part !== 'object' || part === null || !('text' in part)) return ''
      return typeof part.text === 'string' ? part.text : ''
    })
    .join('\n')
    .slice(0, 10_000)
}
