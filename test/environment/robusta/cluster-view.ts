import { StreamableHTTPError } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { z } from 'zod'
import { type McpSession, openMcpSession, type ToolAnswer } from '../mcp-session.ts'
import type { NamespaceSight, Pod } from './answer.ts'
import { Problem, SHOWN_CHARACTERS } from './problem.ts'
import type { RequestLog } from './request-log.ts'

/** What one person sees through the MCP server. */
export interface ClusterView {
  /** As rolecall knows the person. */
  readonly person?: string
  readonly tools: number
  readonly sights: readonly NamespaceSight[]
}

interface Bearer {
  readonly mcpUrl: string
  readonly accessToken: string
}

/** Whom to ask, and what for. */
export interface ClusterQuestion extends Bearer {
  readonly namespaces: readonly string[]
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
  { mcpUrl, accessToken, namespaces }: ClusterQuestion,
  log: RequestLog,
): Promise<ClusterView> {
  try {
    const session = await openMcpSession(mcpUrl, accessToken, { fetch: log.fetch })
    try {
      const { length: tools } = await session.listTools()
      const sights = await sightsIn(session, namespaces)
      return { ...(await identify({ mcpUrl, accessToken }, log)), tools, sights }
    } finally {
      await session.close()
    }
  } catch (error) {
    throw problemOf(error)
  }
}

async function sightsIn(
  session: McpSession,
  namespaces: readonly string[],
): Promise<NamespaceSight[]> {
  const sights: NamespaceSight[] = []
  for (const namespace of namespaces) {
    const answer = await session.call('pods_list_in_namespace', { namespace })
    sights.push(sightOf(namespace, answer))
  }
  return sights
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

function sightOf(namespace: string, { isError, text }: ToolAnswer): NamespaceSight {
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
