import { z } from 'zod'
import { Problem } from './problem.ts'
import type { Received, RequestLog } from './request-log.ts'

/** What HolmesGPT learns of an MCP server before anybody signs in. */
export interface Discovered {
  readonly authorizationEndpoint: string
  readonly tokenEndpoint: string
  /** Asked for as they stand; absent: no scope is asked for. */
  readonly scopes?: readonly string[]
}

const TIMEOUT = 10_000

/**
 * Finds the authorization and token endpoints of an MCP server as HolmesGPT does: two probes, the
 * protected resource metadata (RFC 9728) and the authorization server metadata (RFC 8414), each at
 * the first address that answers 200. As in HolmesGPT, `issuer` and `resource` are not compared with
 * anything.
 *
 * @param mcpUrl the endpoint, without a trailing slash
 * @throws Problem when it is not found
 */
export async function discover(mcpUrl: string, log: RequestLog): Promise<Discovered> {
  const probed = await probe(mcpUrl, log)
  const resource = await firstDocument(resourceMetadataUrls(mcpUrl, probed), resourceSchema, log)
  const issuer = resource?.authorization_servers[0]?.replace(/\/+$/, '')
  const urls = serverMetadataUrls(issuer ?? new URL(mcpUrl).origin, issuer !== undefined)
  const server = await firstDocument(urls, serverSchema, log)
  if (!server) {
    throw new Problem({
      title: 'The sign-in of this MCP server was not found.',
      words: `No metadata document at ${urls.join(', ')} names its endpoints.`,
      remedy: 'rolecall’s sign_in.mode must be relay or broker.',
    })
  }
  return {
    authorizationEndpoint: server.authorization_endpoint,
    tokenEndpoint: server.token_endpoint,
    ...(resource?.scopes_supported ? { scopes: resource.scopes_supported } : {}),
  }
}

const resourceSchema = z.object({
  authorization_servers: z.array(z.string()).min(1),
  scopes_supported: z.array(z.string()).optional(),
})

const serverSchema = z.object({
  authorization_endpoint: z.url(),
  token_endpoint: z.url(),
})

/** Both probes are always sent; the first answer with a challenge is the one that counts. */
async function probe(mcpUrl: string, log: RequestLog): Promise<Received> {
  const probes = [
    await tryTo(log.send('GET', `${mcpUrl}/.well-known/oauth-protected-resource`, quick)),
    await tryTo(log.send('POST', mcpUrl, quick)),
  ].filter((answer) => answer !== undefined)
  const chosen = probes.find(({ headers }) => headers.has('www-authenticate')) ?? probes[0]
  if (chosen) return chosen
  throw new Problem({
    title: 'The MCP server cannot be reached.',
    words: `No HTTP response from ${mcpUrl}.`,
    remedy: 'Look whether rolecall runs, and whether this is its address.',
  })
}

function resourceMetadataUrls(mcpUrl: string, probed: Received): string[] {
  const { origin, pathname } = new URL(mcpUrl)
  const wellKnown = `${origin}/.well-known/oauth-protected-resource`
  const named = /resource_metadata="([^"]+)"/.exec(probed.headers.get('www-authenticate') ?? '')
  const hint = probed.status === 401 ? named?.[1] : undefined
  return [...new Set([...(hint ? [hint] : []), `${wellKnown}${pathname}`, wellKnown])]
}

/** RFC 8414 §3.1 and OpenID Connect Discovery; with nothing but the MCP server, its origin alone. */
function serverMetadataUrls(issuer: string, isNamed: boolean): string[] {
  const { origin, pathname } = new URL(issuer)
  const path = pathname === '/' ? '' : pathname
  const oauth = `${origin}/.well-known/oauth-authorization-server${path}`
  if (!isNamed) return [oauth]
  const openid = `${origin}/.well-known/openid-configuration${path}`
  return [
    ...new Set([oauth, openid, ...(path ? [`${issuer}/.well-known/openid-configuration`] : [])]),
  ]
}

const quick = { timeout: TIMEOUT }

async function firstDocument<T>(
  urls: readonly string[],
  schema: z.ZodType<T>,
  log: RequestLog,
): Promise<T | undefined> {
  for (const url of urls) {
    const answer = await tryTo(log.send('GET', url, quick))
    if (answer?.status !== 200) continue
    const document = schema.safeParse(answer.json)
    if (document.success) return document.data
  }
  return undefined
}

async function tryTo<T>(sent: Promise<T>): Promise<T | undefined> {
  return await sent.catch(() => undefined)
}
