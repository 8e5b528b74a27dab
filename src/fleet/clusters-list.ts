import type { CallToolResult, Tool } from '@modelcontextprotocol/server'
import type { UserTools } from './view.ts'

export const CLUSTERS_LIST = 'clusters_list'

/** The one tool that is the fleet's own. */
export const clustersListTool: Tool = {
  name: CLUSTERS_LIST,
  title: 'List the clusters',
  description:
    'The Kubernetes clusters that you can call, whether each can be reached now, who you are there, and which of its tools differ from those shown.',
  inputSchema: { type: 'object', properties: {} },
  annotations: {
    readOnlyHint: true,
    destructiveHint: false,
    idempotentHint: true,
    openWorldHint: false,
  },
}

/** What `clusters_list` answers. */
export function clustersList({ standings, names, lists, tools }: UserTools): CallToolResult {
  const clusters = names.map(({ name, description, labels }, index) => {
    const standing = standings[index]
    const list = lists[index]
    const differing = tools
      .filter(({ differsOn }) => differsOn.includes(name))
      .map((tool) => tool.name)
    const known = list?.tools !== undefined
    return {
      name,
      ...(description !== undefined && { description }),
      ...(Object.keys(labels).length > 0 && { labels }),
      signed_in: standing?.kind === 'permitted',
      reachable: known && standing?.member.health.isLeftAlone === false,
      ...(standing?.kind === 'permitted' && {
        you_are: standing.permit.principal.identity.user,
      }),
      ...(list?.serverVersion !== undefined && { server_version: list.serverVersion }),
      ...(differing.length > 0 && { tools_that_differ: differing }),
    }
  })
  const lines = clusters.map((cluster) => {
    const { name, description, labels = {}, reachable, signed_in, you_are } = cluster
    const pairs = Object.entries(labels).map(([key, value]) => `${key}=${value}`)
    const about = [...(description === undefined ? [] : [description]), pairs.join(', ')]
    const told = about.filter((text) => text !== '').join('; ')
    const title = told === '' ? name : `${name} (${told})`
    const differ =
      cluster.tools_that_differ === undefined
        ? ''
        : `; not to be called as shown: ${cluster.tools_that_differ.join(', ')}`
    if (!signed_in) return `- ${title}: does not take your sign-in now`
    return `- ${title}: ${reachable ? 'reachable' : 'not reachable now'}, you are ${you_are ?? 'unnamed'}${differ}`
  })
  const text = lines.length === 0 ? 'You may use none of the clusters here.' : lines.join('\n')
  return { content: [{ type: 'text', text }], structuredContent: { clusters } }
}
