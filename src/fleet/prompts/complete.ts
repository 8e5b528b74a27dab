import {
  type CompleteRequest,
  type CompleteResult,
  isInputRequiredResult,
} from '@modelcontextprotocol/server'
import { type AskedMember, askCluster } from '../ask-cluster.ts'
import type { ClusterRequest } from '../fleet-request.ts'
import { readClusterUriTemplate } from '../resources/cluster-uri.ts'
import { clustersLeft } from '../tools/cluster-argument.ts'
import { inQuotes } from '../tools/words.ts'
import { clustersOf, type UserClusters } from '../view.ts'
import { invalid, promptsOf, readClusterPrompt } from './user-prompts.ts'

interface CompleteAsked extends ClusterRequest {
  readonly params: CompleteRequest['params']
}

/** As MCP allows in one answer. */
const MOST_VALUES = 100
const NO_VALUES: CompleteResult = { completion: { values: [] } }

/**
 * Completes an argument of a prompt, or of a resource template, at the cluster that the arguments so
 * far, or the template's URI, name. The cluster itself is completed here.
 *
 * @throws ProtocolError for a cluster that is none of the user's, and what that cluster refuses
 */
export function complete(asked: CompleteAsked): Promise<CompleteResult> {
  const { ref } = asked.params
  return ref.type === 'ref/prompt'
    ? completePrompt(asked, ref.name)
    : completeTemplate(asked, ref.uri)
}

async function completePrompt(asked: CompleteAsked, name: string): Promise<CompleteResult> {
  const { fleet, request, params } = asked
  const { argument, context } = params
  if ([fleet.promptArgument, 'rolecall_cluster'].includes(argument.name)) {
    return clustersBeginning(asked, name)
  }
  const read = { name, given: context?.arguments ?? {} }
  const { view, cluster, given } = await readClusterPrompt(fleet, request, read)
  if (cluster === undefined) return NO_VALUES
  return completeBy(asked, view, {
    cluster,
    completion: { ref: { type: 'ref/prompt', name }, argument, given },
  })
}

/** Those of the user's clusters that have the prompt. Nobody is asked. */
async function clustersBeginning(
  { fleet, request, params: { argument } }: CompleteAsked,
  prompt: string,
): Promise<CompleteResult> {
  const { names, prompts } = await promptsOf(fleet, request, new Set())
  const having = prompts.find(({ shown }) => shown.name === prompt)?.clusters
  const values = names
    .map(({ name }) => name)
    .filter((name) => name.startsWith(argument.value) && having?.includes(name) !== false)
  return {
    completion: {
      values: values.slice(0, MOST_VALUES),
      total: values.length,
      hasMore: values.length > MOST_VALUES,
    },
  }
}

async function completeTemplate(asked: CompleteAsked, shown: string): Promise<CompleteResult> {
  const { fleet, request, params } = asked
  const clusters = await clustersOf(fleet, request)
  const named = readClusterUriTemplate(shown)
  if (named === undefined || !clusters.names.some(({ name }) => name === named.cluster)) {
    throw invalid(`${inQuotes(shown)} is of no cluster. ${clustersLeft(clusters.names)}`)
  }
  const { cluster, uri } = named
  const given = params.context?.arguments ?? {}
  return completeBy(asked, clusters, {
    cluster,
    completion: { ref: { type: 'ref/resource', uri }, argument: params.argument, given },
  })
}

interface MemberCompletion extends Pick<CompleteRequest['params'], 'ref' | 'argument'> {
  /** The arguments so far, as the cluster has them. */
  readonly given: Readonly<Record<string, string>>
}

async function completeBy(
  asked: CompleteAsked,
  clusters: UserClusters,
  { cluster, completion }: { readonly cluster: string; readonly completion: MemberCompletion },
): Promise<CompleteResult> {
  const at = clusters.standings.find(({ member }) => member.resource.name === cluster)
  // What rolecall fills in itself: its values are clusters that may not be this user's.
  if (completion.argument.name === at?.member.resource.clusters_from) return NO_VALUES
  const answer = await askCluster({ ...asked, subject: '' }, clusters, cluster, (member) =>
    completeAt(member, completion),
  )
  return isInputRequiredResult(answer) ? NO_VALUES : answer
}

function completeAt(
  { client, options, capabilities, carried }: AskedMember,
  { ref, argument, given }: MemberCompletion,
): CompleteResult | Promise<CompleteResult> {
  if (capabilities !== undefined && capabilities.completions === undefined) return NO_VALUES
  const context = Object.keys(given).length > 0 ? { context: { arguments: given } } : {}
  const params = { ref, argument, ...context, ...carried }
  return client.request({ method: 'completion/complete', params }, options)
}
