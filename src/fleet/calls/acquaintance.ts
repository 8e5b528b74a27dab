import type {
  Client,
  DiscoverResult,
  ServerCapabilities,
  StreamableHTTPClientTransport,
} from '@modelcontextprotocol/client'
import type { KnownMember } from './known-members.ts'

const LONGEST_VERSION = 100
const MOST_REVISIONS = 16

/**
 * What is kept of a member that has said who it is: what is used of it, and bounded, since it is kept
 * for every session of every user (memory exhaustion).
 */
export function acquaintance(
  client: Client,
  { sessionId, protocolVersion }: StreamableHTTPClientTransport,
): KnownMember {
  const said = {
    serverVersion: serverVersionOf(client),
    capabilities: keptOf(client.getServerCapabilities()),
  }
  const discover = client.getDiscoverResult()
  if (client.getProtocolEra() === 'modern' && discover !== undefined) {
    return { ...said, era: 'modern', discover: keptDiscovery(discover) }
  }
  return {
    ...said,
    era: 'legacy',
    ...(sessionId !== undefined && { sessionId }),
    ...(protocolVersion !== undefined && { protocolVersion }),
  }
}

/** As the member says of itself; one that is no version counts as none. */
export function serverVersionOf(client: Client): string | undefined {
  const version = client.getServerVersion()?.version
  return version !== undefined && version.length <= LONGEST_VERSION ? version : undefined
}

/** Without its instructions, its names and its extensions. */
function keptDiscovery(said: DiscoverResult): DiscoverResult {
  return {
    capabilities: keptOf(said.capabilities) ?? {},
    supportedVersions: said.supportedVersions
      .filter((revision) => revision.length <= LONGEST_VERSION)
      .slice(0, MOST_REVISIONS),
  }
}

function keptOf(said: ServerCapabilities | undefined): ServerCapabilities | undefined {
  if (said === undefined) return undefined
  const { tools, resources, prompts, completions, logging } = said
  return {
    ...(tools && { tools: { listChanged: tools.listChanged === true } }),
    ...(resources && { resources: {} }),
    ...(prompts && { prompts: {} }),
    ...(completions && { completions: {} }),
    ...(logging && { logging: {} }),
  }
}
