import type { CallToolResult } from '@modelcontextprotocol/server'
import { callCluster } from './call-cluster.ts'
import { CLUSTERS_LIST, clustersList } from './clusters-list.ts'
import { fanOut } from './fan-out.ts'
import { auditCall } from './fleet-audit.ts'
import type { ToolCallRequest } from './fleet-request.ts'
import { targetOf } from './tools/cluster-argument.ts'
import { singleAnswer, toolError } from './tools/fan-out-answer.ts'
import { toolsOf } from './view.ts'

/**
 * Calls a tool on the cluster that the call names, or on several for what only reads. What a model can
 * mend, such as an unknown cluster, is a result with `isError` and never an error of the protocol.
 */
export async function callTool(call: ToolCallRequest): Promise<CallToolResult> {
  const { fleet, request, params } = call
  const { record } = request
  const view = await toolsOf(fleet, request)
  if (params.name === CLUSTERS_LIST) {
    await auditCall(request, fleet.requestLog, params.name, { decision: 'allow' })
    return clustersList(view)
  }
  const { [view.argument]: value, ...given } = params.arguments ?? {}
  const target = targetOf(value, view.names)
  if (target.kind === 'none') {
    record.outcome = 'tool_error'
    await auditCall(request, fleet.requestLog, params.name, {
      decision: 'refuse',
      reason: 'no_such_cluster',
    })
    return toolError(target.problem)
  }
  record.cluster = target.kind === 'one' ? target.cluster : String(value)
  record.acts_as = 'caller'
  const answer =
    target.kind === 'one'
      ? singleAnswer(
          target.cluster,
          await callCluster(call, view, {
            cluster: target.cluster,
            given,
            mode: 'single',
          }),
        )
      : await fanOut(call, view, { clusters: target.clusters, given })
  record.outcome = answer.isError === true ? 'tool_error' : 'ok'
  return answer
}
