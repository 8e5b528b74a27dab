import type { CallToolResult, InputRequiredResult } from '@modelcontextprotocol/server'
import { type Answers, answersFor } from './asking/put-to-client.ts'
import { callCluster, noteUnavailable, UNAUDITED } from './call-cluster.ts'
import { CLUSTERS_LIST, clustersList } from './clusters-list.ts'
import { fanOut } from './fan-out.ts'
import type { ToolCallRequest } from './fleet-request.ts'
import { splitArguments, type Target, targetOf } from './tools/cluster-argument.ts'
import { singleAnswer, toolError } from './tools/fan-out-answer.ts'
import { clustersOf, toolsOf, type UserClusters } from './view.ts'

/**
 * Calls a tool on the cluster that the call names, or on several for what only reads. What a model can
 * mend, such as an unknown cluster, is a result with `isError` and never an error of the protocol.
 */
export async function callTool(
  call: ToolCallRequest,
): Promise<CallToolResult | InputRequiredResult> {
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
  const answers = await readAnswers(call, target)
  if (target.kind === 'many') return fanOut(call, view, { clusters: target.clusters, given })
  const { cluster } = target
  const outcome = await callCluster(call, view, {
    cluster,
    given,
    mode: 'single',
    ...(answers && { answers }),
  })
  return outcome.outcome === 'asks' ? outcome.question : singleAnswer(cluster, outcome)
}

/** @throws ProtocolError, its audit line first, for a `requestState` that is not this call's */
async function readAnswers(call: ToolCallRequest, target: Target): Promise<Answers | undefined> {
  try {
    return await answersFor(
      { ...call, subject: call.params.name },
      target.kind === 'one' ? target.cluster : undefined,
    )
  } catch (error) {
    await call.audit({ decision: 'refuse', reason: 'bad_request_state' })
    throw error
  }
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
