import { StreamableHTTPError } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { z } from 'zod'
import { type McpSession, openMcpSession, type ToolAnswer } from '../mcp-session.ts'
import type { Trail } from '../trail/trail.ts'
import type { NamespaceSight, Pod, TracedCall } from './answer.ts'
import { Problem, SHOWN_CHARACTERS } from './problem.ts'
import type { RequestLog } from './request-log.ts'

/** What one person sees through the MCP server. */
export interface ClusterView {
  /** As rolecall knows the person. */
  readonly person?: string
  readonly tools: number
  readonly sights: readonly NamespaceSight[]
  readonly calls: readonly TracedCall[]
}

interface Bearer {
  readonly mcpUrl: string
  readonly accessToken: string
}

/** Whom to ask, and what for. */
export interface ClusterQuestion extends Bearer {
  readonly namespaces: readonly string[]
  /** Absent: calls are not followed. */
  readonly trail?: Trail
}

/** The MCP server did not take the token: HolmesGPT then forgets it. */
export class TokenRefused extends Problem {}

/**
 * Opens an MCP session as the person, lists the tools, and the pods of each namespace.
 *
 * @throws TokenRefused at 401 and 403
 * @throws Problem when the session or the list of tools fails otherwise
 */
export async function viewCluster(
  { mcpUrl, accessToken, namespaces, trail }: ClusterQuestion,
  log: RequestLog,
): Promise<ClusterView> {
  try {
    const session = await openMcpSession(mcpUrl, accessToken, { fetch: log.fetch })
    try {
      const { length: tools } = await session.listTools()
      const answers = await askEach(session, namespaces, log)
      const sights = answers.map(sightOf)
      const calls = trail ? await Promise.all(answers.flatMap((it) => traced(it, trail))) : []
      return { ...(await identify({ mcpUrl, accessToken }, log)), tools, sights, calls }
    } finally {
      await session.close()
    }
  } catch (error) {
    throw problemOf(error)
  }
}

const TOOL = 'pods_list_in_namespace'

interface NamespaceAnswer {
  readonly namespace: string
  readonly answer: ToolAnswer
  readonly requestId: string | undefined
}

async function askEach(
  session: McpSession,
  namespaces: readonly string[],
  log: RequestLog,
): Promise<NamespaceAnswer[]> {
  const answers: NamespaceAnswer[] = []
  for (const namespace of namespaces) {
    const answer = await session.call(TOOL, { namespace })
    // One at a time: the last call that was sent is this one.
    const sent = log.requests.findLast(({ about }) => about === 'tools/call')
    answers.push({ namespace, answer, requestId: sent?.requestId })
  }
  return answers
}

/** The call with its footprints; nothing where no id came back by which to find them. */
function traced(
  { namespace, answer, requestId }: NamespaceAnswer,
  trail: Trail,
): readonly Promise<TracedCall>[] {
  if (requestId === undefined) return []
  const call = { requestId, tool: TOOL, namespace, isRefused: answer.isError }
  return [trail(requestId).then((footprints) => ({ ...call, ...footprints }))]
}

const whoamiSchema = z.object({ user: z.string() })

/** For the page's heading. HolmesGPT does not ask this: it never learns whose token it has. */
async function identify(
  { mcpUrl, accessToken }: Bearer,
  log: RequestLog,
): Promise<{ readonly person?: string }> {
  const headers = { authorization: `Bearer ${accessToken}` }
  const url = new URL('/oauth/whoami', mcpUrl).href
  const answer = await log.send('GET', url, { headers, timeout: 10_000 })
  const whoami = whoamiSchema.safeParse(answer.json)
  return whoami.success ? { person: whoami.data.user } : {}
}

function problemOf(error: unknown): Problem {
  const words = (error instanceof Error ? error.message : String(error)).slice(0, SHOWN_CHARACTERS)
  const status = error instanceof StreamableHTTPError ? error.code : undefined
  if (status === 401 || status === 403) {
    return new TokenRefused({
      title: `The MCP server refused the token (HTTP ${status}).`,
      words,
      remedy: 'Connect again.',
    })
  }
  return new Problem({ title: 'The MCP server did not answer as it should.', words })
}

function sightOf({ namespace, answer }: NamespaceAnswer): NamespaceSight {
  const { isError, text } = answer
  if (!isError) return { namespace, pods: readPods(text) }
  // Without what the MCP server puts before the cluster's words.
  return { namespace, pods: [], refusal: text.replace(/^failed to [^:]*: /, '').trim() }
}

/** Reads the table that kubernetes-mcp-server answers with, by its header. */
export function readPods(table: string): Pod[] {
  const [header = [], ...rows] = table
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => line.trim().split(/ {2,}/))
  const column = (row: readonly string[], name: string) => row[header.indexOf(name)] ?? ''
  return rows.map((row) => ({
    name: column(row, 'NAME'),
    ready: column(row, 'READY'),
    status: column(row, 'STATUS'),
  }))
}
