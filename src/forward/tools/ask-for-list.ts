import { Client } from 'undici'
import type { Permit } from '../../access/authorize.ts'
import type { Clock } from '../../clock.ts'
import type { ResourceConfig } from '../../config/config.ts'
import { type OwnSession, openOwnSession } from '../../mcp-client/own-session.ts'
import { ownTransport } from '../../mcp-client/own-transport.ts'
import { member, text } from '../../oauth/claims.ts'
import type { ListedTool } from '../../tool-rules/tool-hints.ts'
import { upstreamOptions } from '../upstream/upstream.ts'
import { credentialOf, userAgent } from '../upstream-headers.ts'
import { toolIn, versionIn } from './tool-lists.ts'

/** With what an upstream is asked. */
export interface ListQuestion {
  readonly resource: ResourceConfig
  /** Of the user whose call hangs on the answer. */
  readonly permit: Permit
  /** Of that call: the API server's audit log names it. */
  readonly requestId: string
  readonly version: string
  readonly clock: Clock
}

export type ListAnswer =
  | {
      readonly kind: 'list'
      readonly tools: readonly ListedTool[]
      /** Of the server, where it says so. */
      readonly version?: string
    }
  /** `reason` is a short name. */
  | { readonly kind: 'none'; readonly reason: string }

const TIMEOUT_MS = 10_000
const MOST_PAGES = 20

/**
 * Asks an upstream for its whole list of tools, as the user whose permit this is: the question carries
 * exactly one bearer, the validated token of the user whose call it is about, and goes on a connection
 * of its own, in a session of its own where the server needs one.
 *
 * @returns within ten seconds; never rejects
 */
export async function askForList(question: ListQuestion): Promise<ListAnswer> {
  const { resource, permit, requestId, version, clock } = question
  const late = new AbortController()
  const cancel = clock.after(TIMEOUT_MS, () => late.abort())
  const { origin, pathname: path } = new URL(resource.upstream)
  const dispatcher = new Client(origin, upstreamOptions(resource))
  const agent = userAgent(version, requestId)
  const { signal } = late
  try {
    const transport = ownTransport({ dispatcher, path, agent, version, signal })
    const credential = credentialOf(permit, resource) ?? []
    const opening = await openOwnSession(transport, credential)
    if (opening.kind === 'closed') return none(opening.exchange)
    const { session } = opening
    try {
      return await readPages(session)
    } finally {
      await session.end()
    }
  } finally {
    cancel()
    await dispatcher.destroy()
  }
}

/** A list that goes on beyond the pages that are read is none: what follows could say otherwise. */
async function readPages(session: OwnSession): Promise<ListAnswer> {
  const tools: ListedTool[] = []
  let version = session.serverVersion
  let cursor: string | undefined
  for (let page = 0; page < MOST_PAGES; page += 1) {
    const answer = await session.request('tools/list', cursor === undefined ? {} : { cursor })
    if (answer.kind !== 'result') return none(answer)
    const listed = member(answer.result, 'tools')
    if (!Array.isArray(listed)) return { kind: 'none', reason: 'no_list' }
    tools.push(...listed.flatMap((tool: unknown) => toolIn(tool) ?? []))
    version ??= versionIn(member(answer.result, '_meta'))
    cursor = text(answer.result, 'nextCursor')
    if (cursor === undefined) {
      return { kind: 'list', tools, ...(version !== undefined && { version }) }
    }
  }
  return { kind: 'none', reason: 'too_many_pages' }
}

function none(
  answer: { readonly kind: 'status'; readonly status: number } | { readonly kind: string },
): ListAnswer {
  const reason = 'status' in answer ? `status_${answer.status}` : answer.kind
  return { kind: 'none', reason }
}
