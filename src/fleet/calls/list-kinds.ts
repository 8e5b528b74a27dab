import type {
  Client,
  Prompt,
  RequestOptions,
  Resource,
  ResourceTemplateType,
  ServerCapabilities,
  Tool,
} from '@modelcontextprotocol/client'
import type { ListedTool } from '../../tool-rules/tool-hints.ts'
import type { PermittedMember } from './member.ts'

/** The methods of MCP that list. */
export type ListMethod =
  | 'tools/list'
  | 'resources/list'
  | 'resources/templates/list'
  | 'prompts/list'

/** What of a member's is listed, and how a page of it is asked for. */
export interface ListKind<Item> {
  readonly method: ListMethod
  /** Of the member that offers such lists at all; absent: each is asked. */
  readonly capability?: keyof ServerCapabilities
  /** Of all members' lists together, in memory. */
  readonly mostKeptBytes: number
  /** Of one member's list: what is merged for every request of a user, and sent to its client. */
  readonly mostItems: number
  page(client: Client, params: { cursor?: string }, options: RequestOptions): Promise<Page<Item>>
  /** What else a list that came is good for. */
  learn?(list: LearntFrom<Item>): void
}

interface LearntFrom<Item> {
  readonly call: PermittedMember
  readonly items: readonly Item[]
  readonly serverVersion: string | undefined
  /** Milliseconds since the epoch. */
  readonly now: number
}

interface Page<Item> {
  readonly items: readonly Item[]
  readonly nextCursor?: string | undefined
}

/**
 * Not the SDK's `listTools`: in a session that goes on it knows no capabilities, and says that there
 * are no tools.
 */
export const TOOLS: ListKind<Tool> = {
  method: 'tools/list',
  mostItems: 2_000,
  mostKeptBytes: 64 * 1024 * 1024,
  async page(client, params, options) {
    const { tools, nextCursor } = await client.request({ method: 'tools/list', params }, options)
    return { items: tools, nextCursor }
  },
  learn({ call: { member, permit }, items, serverVersion, now }) {
    const { hints } = member.upstream
    hints.sawVersion(serverVersion, now)
    hints.learn(permit.principal.userKey, items.map(listedTool), now)
  },
}

function listedTool({ name, annotations }: Tool): ListedTool {
  return { name, readOnly: annotations?.readOnlyHint === true }
}

export const RESOURCES: ListKind<Resource> = {
  method: 'resources/list',
  capability: 'resources',
  mostItems: 20_000,
  mostKeptBytes: 32 * 1024 * 1024,
  async page(client, params, options) {
    const answer = await client.request({ method: 'resources/list', params }, options)
    return { items: answer.resources, nextCursor: answer.nextCursor }
  },
}

export const RESOURCE_TEMPLATES: ListKind<ResourceTemplateType> = {
  method: 'resources/templates/list',
  capability: 'resources',
  mostItems: 2_000,
  mostKeptBytes: 8 * 1024 * 1024,
  async page(client, params, options) {
    const answer = await client.request({ method: 'resources/templates/list', params }, options)
    return { items: answer.resourceTemplates, nextCursor: answer.nextCursor }
  },
}

export const PROMPTS: ListKind<Prompt> = {
  method: 'prompts/list',
  capability: 'prompts',
  mostItems: 2_000,
  mostKeptBytes: 8 * 1024 * 1024,
  async page(client, params, options) {
    const answer = await client.request({ method: 'prompts/list', params }, options)
    return { items: answer.prompts, nextCursor: answer.nextCursor }
  },
}
