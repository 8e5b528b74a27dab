import { Pool } from 'undici'
import type { Clock } from '../clock.ts'
import type { ResourceConfig } from '../config/config.ts'
import { upstreamOptions } from '../forward/upstream/upstream.ts'
import type { OwnAnswer } from '../mcp-client/own-request.ts'
import { type OwnSession, type OwnTransport, openOwnSession } from '../mcp-client/own-session.ts'
import { ownTransport } from '../mcp-client/own-transport.ts'
import { text } from '../oauth/claims.ts'
import { callOutcome, statusOutcome } from './call-outcome.ts'
import { judgeCalls, notShown } from './judge-calls.ts'
import { type ChosenTool, chooseTool, type ListedTool, readTools } from './probe-tool.ts'
import { type TokenShape, untrustedToken } from './untrusted-token.ts'
import { upstreamFault } from './upstream-fault.ts'
import type { CallOutcome, UpstreamProof } from './upstream-proof.ts'

/** What is asked about. */
export interface ProvedResource {
  readonly resource: ResourceConfig
  /** What this provider's tokens look like, but for the audience, which is the resource's. */
  readonly tokens: Omit<TokenShape, 'audience'>
}

export interface ProofOptions {
  readonly clock: Clock
  readonly version: string
  /** For all of it, milliseconds; default 10 s. */
  readonly timeout?: number
  /** Ends it early. */
  readonly signal?: AbortSignal
}

const DEFAULT_TIMEOUT_MS = 10_000
const MOST_PAGES = 10

/**
 * Asks an upstream as whom it acts in the cluster: one read-only tool is called twice, with a
 * well-formed token that nobody signed, and with no token.
 *
 * The promise that every request which reaches an upstream carries exactly one bearer, the validated
 * token of the user who made it, is about users' requests, and stands. Nobody makes these: they
 * are rolecall's own question, on connections of its own. No part of any request and no user's
 * token goes into them, since none is at hand here; the token is made up, and nobody signed it, so
 * that it opens nothing anywhere; and their User-Agent says `(probe)` where a user's says `(req=…)`.
 * What the upstream answers is judged and given to nobody.
 *
 * Sends no request twice. Not shown: what `judge-calls.ts` says.
 *
 * @returns within `timeout` and a moment; never rejects
 */
export async function proveUpstream(
  { resource, tokens }: ProvedResource,
  options: ProofOptions,
): Promise<UpstreamProof> {
  if (resource.upstream_identity === 'own') return ownByConfiguration
  const { clock, timeout = DEFAULT_TIMEOUT_MS } = options
  const audience = resource.audiences[0] ?? 'nobody'
  const issuer = resource.token_issuers?.[0] ?? tokens.issuer
  const token = untrustedToken({ ...tokens, issuer, audience }, clock.now())
  const late = new AbortController()
  const cancel = clock.after(timeout, () => late.abort())
  const signal = options.signal ? AbortSignal.any([late.signal, options.signal]) : late.signal
  const { origin, pathname: path } = new URL(resource.upstream)
  const pool = new Pool(origin, upstreamOptions(resource))
  try {
    const { version } = options
    const agent = `rolecall/${version} (probe)`
    const transport = ownTransport({ dispatcher: pool, path, agent, version, signal })
    return await probe(transport, resource, token)
  } finally {
    cancel()
    await pool.destroy()
  }
}

const ownByConfiguration: UpstreamProof = {
  verdict: 'configured_own',
  sentence:
    'It acts as itself, as upstream_identity = "own" says: no credential of anybody goes up, and the cluster does not tell users apart.',
  passing: false,
}

async function probe(
  transport: OwnTransport,
  resource: ResourceConfig,
  token: string,
): Promise<UpstreamProof> {
  const credential = credentialLines(resource, token)
  const opening = await openOwnSession(transport, credential)
  if (opening.kind === 'closed') return withoutSession(resource, opening.exchange, 'initialize')
  const { session } = opening
  try {
    const chosen = await findTool(session, resource.probe_tool)
    if (chosen.kind === 'closed') return withoutSession(resource, chosen.exchange, 'tools/list')
    if (chosen.kind === 'none') return notShown(chosen.why, false, 'Name another in probe_tool.')
    const { name: tool } = chosen
    const nobody = callOutcome(await session.request('tools/call', { name: tool, arguments: {} }))
    const none = await callWithNone(transport, tool, session.initialized)
    return judgeCalls({ tool, nobody, none })
  } finally {
    await session.end()
  }
}

/** The same as for a user's token, see `upstream_token_header`. */
function credentialLines({ upstream_token_header: name }: ResourceConfig, token: string): string[] {
  return name === 'authorization' ? [name, `Bearer ${token}`] : [name, token]
}

/**
 * The call without a token, in a session of its own: some servers keep the token that a session began
 * with. Where the same was just taken with a token, a 400 is a refusal for want of one.
 */
async function callWithNone(
  transport: OwnTransport,
  tool: string,
  initialize: boolean,
): Promise<CallOutcome> {
  const opening = await openOwnSession(transport, [], initialize)
  if (opening.kind === 'closed') return refusedWithNone(opening.exchange)
  const { session } = opening
  try {
    return refusedWithNone(await session.request('tools/call', { name: tool, arguments: {} }))
  } finally {
    await session.end()
  }
}

function refusedWithNone(answer: OwnAnswer): CallOutcome {
  if (answer.kind === 'status' && answer.status === 400) return { kind: 'refused' }
  return callOutcome(answer)
}

type FoundTool = ChosenTool | { readonly kind: 'closed'; readonly exchange: OwnAnswer }

async function findTool(session: OwnSession, configured: string | undefined): Promise<FoundTool> {
  const listed: ListedTool[] = []
  let cursor: string | undefined
  for (let page = 0; page < MOST_PAGES; page += 1) {
    const answer = await session.request('tools/list', cursor === undefined ? {} : { cursor })
    if (answer.kind !== 'result') return { kind: 'closed', exchange: answer }
    listed.push(...readTools(answer.result))
    cursor = text(answer.result, 'nextCursor')
    if (cursor === undefined) break
  }
  return chooseTool(listed, configured)
}

/**
 * Without a list of tools nothing can be called that is known to be there, and an error would prove
 * nothing. A server that refuses nobody's token at the door checks tokens itself, which is safe where
 * it also passes them on; that is what cannot be seen.
 */
function withoutSession(
  { upstream }: ResourceConfig,
  answer: OwnAnswer,
  method: string,
): UpstreamProof {
  const fault = upstreamFault(upstream, answer)
  if (fault) {
    const passing = answer.kind === 'failed' ? answer.passing : statusPasses(answer)
    const sentence = `No call can succeed: ${fault.why}.`
    return { verdict: 'not_shown', sentence, remedy: fault.remedy, passing, unusable: true }
  }
  if (answer.kind === 'status' && statusOutcome(answer.status).kind === 'refused') {
    const why = `it answers ${method} with ${answer.status} before any tool is called`
    return notShown(
      why,
      false,
      'It seems to check tokens by itself, to be no MCP server (the API server itself?), or not to get the Authorization header. Let it leave tokens to rolecall and the API server (kubernetes-mcp-server: skip_jwt_verification = true and no authorization_url), name the MCP server in upstream, and let every hop before it pass the header on.',
    )
  }
  const outcome = answer.kind === 'error' ? undefined : callOutcome(answer)
  const words = outcome?.kind === 'unclear' ? outcome.why : 'it answered an error'
  const passing = outcome?.kind === 'unclear' && outcome.passing
  return { ...notShown(`at ${method} ${words}`, passing), ...(passing && { unusable: true }) }
}

function statusPasses(answer: OwnAnswer): boolean {
  return answer.kind === 'status' && answer.status >= 500
}
