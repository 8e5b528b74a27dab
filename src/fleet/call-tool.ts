import type { CallToolResult } from '@modelcontextprotocol/server'
import { callCluster, noteUnavailable, UNAUDITED } from './call-cluster.ts'
import { CLUSTERS_LIST, clustersList } from './clusters-list.ts'
import { fanOut } from './fan-out.ts'
import type { ToolCallRequest } from './fleet-request.ts'
import { splitArguments, targetOf } from './tools/cluster-argument.ts'
import { singleAnswer, toolError } from './tools/fan-out-answer.ts'
import { clustersOf, toolsOf, type UserClusters } from './view.ts'

/**
 * Calls a tool on the cluster that the call names, or on several for what only reads. What a model can
 * mend, such as an unknown cluster, is a result with `isError` and never an error of the protocol.
 */
export async function callTool(call: ToolCallRequest): Promise<CallToolResult> {
  const { fleet, request, params } = call
  const { record } = request
  const clusters = await clustersOf(fleet, request)
  if (params.name === CLUSTERS_LIST) {
    if (!(await call.audit({ decision: 'allow' }))) {
      noteUnavailable(call)
      return toolError(`The clusters were ${UNAUDITED}.`)
    }
    return clustersList(await toolsOf(fleet, request, clusters))
  }
  const { view, target, value, given } = await readCall(call, clusters)
  if (target.kind === 'none') {
    await call.audit({ decision: 'refuse', reason: 'no_such_cluster' })
    return toolError(target.problem)
  }
  record.cluster = target.kind === 'one' ? target.cluster : String(value)
  record.acts_as = 'caller'
  if (target.kind === 'many') return fanOut(call, view, { clusters: target.clusters, given })
  const { cluster } = target
  return singleAnswer(cluster, await callCluster(call, view, { cluster, given, mode: 'single' }))
}

/**
 * Reads which clusters a call names, and waits for their tools alone: one that hangs costs calls to the
 * others nothing. Those tools may have a `cluster` of their own, and then ours was another argument.
 */
async function readCall(call: ToolCallRequest, clusters: UserClusters) {
  const { fleet, request, params } = call
  const read = () => {
    const { value, rest } = splitArguments(params.arguments ?? {}, fleet.argument)
    return { value, given: rest, target: targetOf(value, clusters.names, fleet.argument) }
  }
  const { target } = read()
  const names = target.kind === 'many' ? target.clusters : []
  const wanted = target.kind === 'one' ? [target.cluster] : names
  const view = await toolsOf(fleet, request, clusters, new Set(wanted))
  return { view, ...read() }
}
