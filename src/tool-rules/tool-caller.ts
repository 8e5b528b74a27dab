import type { Principal } from '../access/authenticate.ts'
import type { ToolCaller } from './judge-tool.ts'

/**
 * A principal as tool rules ask for it. Clients: the MCP client that a sealed token was handed to, the
 * host of its metadata document where that is its id, and the client that the provider issued the
 * token to. A name that a client gives itself is none of them.
 *
 * @param comparable how ids of the identity provider are compared
 */
export function toolCaller(principal: Principal, comparable: (id: string) => string): ToolCaller {
  const { azp } = principal.identity
  const client = principal.session?.client.id
  return {
    groups: principal.groups.map(comparable),
    groupsLeftOut: principal.groupsKnown === 'left_out',
    clients: [
      ...(client === undefined ? [] : [comparable(client), ...hostOf(client)]),
      ...(azp === undefined ? [] : [comparable(azp)]),
    ],
  }
}

/** An id that is a URL was fetched from that host; nobody else can have it. */
function hostOf(client: string): string[] {
  if (!client.startsWith('https://') || !URL.canParse(client)) return []
  return [new URL(client).host]
}
