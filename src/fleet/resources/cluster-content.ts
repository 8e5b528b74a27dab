import type {
  CallToolResult,
  ContentBlock,
  ReadResourceResult,
  Resource,
  ResourceTemplateType,
} from '@modelcontextprotocol/server'
import { clusterUri, clusterUriTemplate } from './cluster-uri.ts'

/** A resource as clients of the fleet see it: its URI, and the words beside it, name the cluster. */
export function resourceAt(cluster: string, resource: Resource): Resource {
  return { ...resource, ...wordsAt(cluster, resource), uri: clusterUri(cluster, resource.uri) }
}

/** A resource template, likewise. */
export function templateAt(cluster: string, template: ResourceTemplateType): ResourceTemplateType {
  return {
    ...template,
    ...wordsAt(cluster, template),
    uriTemplate: clusterUriTemplate(cluster, template.uriTemplate),
  }
}

type Words = Pick<Resource, 'name' | 'title' | 'description'>

function wordsAt(cluster: string, { name, title, description }: Words): Words {
  return {
    name: `${name} (${cluster})`,
    ...(title !== undefined && { title: `${title} (${cluster})` }),
    description: description === undefined ? `On ${cluster}.` : `${description} (on ${cluster})`,
  }
}

/** What a member says a resource holds, under the fleet's URIs. */
export function contentsAt(
  cluster: string,
  contents: ReadResourceResult['contents'],
): ReadResourceResult['contents'] {
  return contents.map((content) => ({ ...content, uri: clusterUri(cluster, content.uri) }))
}

/** A tool's result whose links to resources, and resources within, are the fleet's: they can be read. */
export function toolResultAt(cluster: string, result: CallToolResult): CallToolResult {
  return { ...result, content: result.content.map((block) => blockAt(cluster, block)) }
}

/** A block of a result or of a prompt, likewise. */
export function blockAt(cluster: string, block: ContentBlock): ContentBlock {
  if (block.type === 'resource_link') return { ...block, uri: clusterUri(cluster, block.uri) }
  if (block.type !== 'resource') return block
  const { resource } = block
  return { ...block, resource: { ...resource, uri: clusterUri(cluster, resource.uri) } }
}
