import {
  type GetPromptRequest,
  type GetPromptResult,
  type InputRequiredResult,
  isInputRequiredResult,
  type Server,
} from '@modelcontextprotocol/server'
import { askCluster } from '../ask-cluster.ts'
import { FRESH_MS } from '../calls/member-lists.ts'
import type { Fleet } from '../fleet.ts'
import type { ClusterRequest, FleetRequest } from '../fleet-request.ts'
import { blockAt } from '../resources/cluster-content.ts'
import { clustersLeft } from '../tools/cluster-argument.ts'
import { complete } from './complete.ts'
import { promptWithCluster } from './prompt-catalogue.ts'
import { invalid, promptsOf, readClusterPrompt } from './user-prompts.ts'

/** Serves the prompts of the user's clusters, each with the cluster as an argument, and completion. */
export function servePrompts(server: Server, fleet: Fleet, request: FleetRequest): void {
  server.setRequestHandler('prompts/list', async () => {
    const { prompts, argument, names } = await promptsOf(fleet, request)
    const parts = { argument, clusters: names }
    return {
      prompts: prompts.map((prompt) => promptWithCluster(prompt, parts)),
      ttlMs: FRESH_MS,
      cacheScope: 'private',
    }
  })
  server.setRequestHandler('prompts/get', ({ params }, context) =>
    getPrompt({ fleet, request, params, context }),
  )
  server.setRequestHandler('completion/complete', ({ params }, context) =>
    complete({ fleet, request, params, context }),
  )
}

interface GetAsked extends ClusterRequest {
  readonly params: GetPromptRequest['params']
}

/**
 * Gets a prompt of the cluster that its arguments name.
 *
 * @throws ProtocolError also where they name none of the user's, with those that there are
 */
async function getPrompt(asked: GetAsked): Promise<GetPromptResult | InputRequiredResult> {
  const { fleet, request, params } = asked
  const { name } = params
  const read = { name, given: params.arguments ?? {} }
  const { view, cluster, given } = await readClusterPrompt(fleet, request, read)
  if (cluster === undefined) {
    throw invalid(`Name a cluster in "${view.argument}". ${clustersLeft(view.names)}`)
  }
  const answer = await askCluster(
    { ...asked, subject: name },
    view,
    cluster,
    ({ client, options, carried }) => {
      const up = { name, arguments: given, ...carried }
      return client.request({ method: 'prompts/get', params: up }, options)
    },
  )
  if (isInputRequiredResult(answer)) return answer
  // The cluster does not know its name, and what a model does with its prompt is to be done there.
  const heading = { type: 'text', text: `Cluster: ${cluster}` } as const
  return {
    ...answer,
    messages: [
      { role: 'user', content: heading },
      ...answer.messages.map((message) => ({
        ...message,
        content: blockAt(cluster, message.content),
      })),
    ],
  }
}
