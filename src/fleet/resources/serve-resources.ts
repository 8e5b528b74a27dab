import {
  type InputRequiredResult,
  isInputRequiredResult,
  ProtocolError,
  ProtocolErrorCode,
  type ReadResourceRequest,
  type ReadResourceResult,
  ResourceNotFoundError,
  type Server,
} from '@modelcontextprotocol/server'
import { askCluster } from '../ask-cluster.ts'
import { FRESH_MS, type MemberLists } from '../calls/member-lists.ts'
import type { Fleet } from '../fleet.ts'
import type { ClusterRequest, FleetRequest } from '../fleet-request.ts'
import { clustersLeft } from '../tools/cluster-argument.ts'
import { inQuotes } from '../tools/words.ts'
import { clustersOf, listsOf } from '../view.ts'
import { contentsAt, resourceAt, templateAt } from './cluster-content.ts'
import { readClusterUri } from './cluster-uri.ts'
import { type CursorOwner, pageOf } from './pages.ts'

/** Serves the resources of the user's clusters, each under a URI that names its cluster. */
export function serveResources(server: Server, fleet: Fleet, request: FleetRequest): void {
  server.setRequestHandler('resources/list', async ({ params }) => {
    const page = await list(fleet.resources, 'resources', { fleet, request, ...params })
    return { resources: page.items.map(([cluster, item]) => resourceAt(cluster, item)), ...page.of }
  })
  server.setRequestHandler('resources/templates/list', async ({ params }) => {
    const asked = { fleet, request, ...params }
    const page = await list(fleet.resourceTemplates, 'resourceTemplates', asked)
    return {
      resourceTemplates: page.items.map(([cluster, item]) => templateAt(cluster, item)),
      ...page.of,
    }
  })
  server.setRequestHandler('resources/read', ({ params }, context) =>
    readResource({ fleet, request, params, context }),
  )
}

interface ListAsked {
  readonly fleet: Fleet
  readonly request: FleetRequest
  readonly cursor?: string | undefined
}

async function list<Item extends object>(
  lists: MemberLists<Item>,
  name: CursorOwner['list'],
  { fleet, request, cursor }: ListAsked,
) {
  const clusters = await clustersOf(fleet, request)
  const { items, ...next } = await pageOf(
    await listsOf(lists, { fleet, request, clusters }),
    cursor,
    { list: name, user: request.principal.userKey, keys: fleet.cursorKeys },
  )
  return { items, of: { ...next, ttlMs: FRESH_MS, cacheScope: 'private' as const } }
}

interface ReadAsked extends ClusterRequest {
  readonly params: ReadResourceRequest['params']
}

/** A resource that a cluster does not have (SEP-2164) is named as its client names it. */
function notFoundAt(uri: string, error: unknown): unknown {
  const { InvalidParams, ResourceNotFound } = ProtocolErrorCode
  const isNotFound =
    error instanceof ProtocolError && [InvalidParams, ResourceNotFound].includes(error.code)
  return isNotFound ? new ProtocolError(error.code, error.message, { uri }) : error
}

/**
 * Reads a resource of the cluster that its URI names.
 *
 * @throws ProtocolError also for a URI that names no cluster of the user's, with those that there are
 */
async function readResource(asked: ReadAsked): Promise<ReadResourceResult | InputRequiredResult> {
  const { fleet, request, params } = asked
  const clusters = await clustersOf(fleet, request)
  const named = readClusterUri(params.uri)
  if (named === undefined || !clusters.names.some(({ name }) => name === named.cluster)) {
    const problem = named
      ? `There is no cluster ${inQuotes(named.cluster)} for you.`
      : 'A resource here is named as in resources/list: rolecall://<cluster>/<its URI there>.'
    throw new ResourceNotFoundError(params.uri, `${problem} ${clustersLeft(clusters.names)}`)
  }
  const { cluster, uri } = named
  const answer = await askCluster(
    { ...asked, subject: params.uri },
    clusters,
    cluster,
    ({ client, options, carried }) =>
      client.request({ method: 'resources/read', params: { uri, ...carried } }, options),
  ).catch((error: unknown) => {
    throw notFoundAt(params.uri, error)
  })
  if (isInputRequiredResult(answer)) return answer
  // It was read as this user: no cache may hand it to another.
  const contents = contentsAt(cluster, answer.contents)
  return { ...answer, contents, cacheScope: 'private' }
}
