import type { CallToolResult } from '@modelcontextprotocol/server'
import { type Arguments, callCluster } from './call-cluster.ts'
import { CLUSTERS_LIST } from './clusters-list.ts'
import { mapAtMost } from './concurrency.ts'
import type { ToolCallRequest } from './fleet-request.ts'
import { reportProgress } from './notices/progress.ts'
import { fanOutAnswer, toolError } from './tools/fan-out-answer.ts'
import { inQuotes, toolNames } from './tools/words.ts'
import type { UserTools } from './view.ts'

const MOST_CLUSTERS = 16
const CLUSTERS_AT_ONCE = 8
const ONE_CLUSTER_MS = 10_000
const WHOLE_FAN_OUT_MS = 25_000
const MOST_BYTES = 8 * 1024 * 1024

/**
 * Calls a tool that only reads on several clusters, and answers with what each said and who is missing.
 * A cluster that is slow, away or refuses costs the others nothing. Nothing is repeated.
 *
 * @param clusters of the user's
 */
export async function fanOut(
  call: ToolCallRequest,
  view: UserTools,
  { clusters, given }: { readonly clusters: readonly string[]; readonly given: Arguments },
): Promise<CallToolResult> {
  const { request } = call
  const problem = whyNotMany(call, view, clusters)
  if (problem !== undefined) {
    await call.audit({ decision: 'refuse', reason: problem.reason })
    return toolError(problem.words)
  }
  const until = performance.now() + WHOLE_FAN_OUT_MS
  const signal = AbortSignal.any([
    request.signal,
    call.context.mcpReq.signal,
    AbortSignal.timeout(WHOLE_FAN_OUT_MS),
  ])
  const mostBytes = Math.floor(MOST_BYTES / clusters.length)
  const each = { ...call, request: { ...request, signal } }
  let done = 0
  const outcomes = await mapAtMost(clusters, CLUSTERS_AT_ONCE, async (cluster) => {
    const outcome = signal.aborted
      ? ({ outcome: 'timeout', after_ms: WHOLE_FAN_OUT_MS } as const)
      : await callCluster(each, view, {
          cluster,
          given,
          mode: 'fan-out',
          timeoutMs: Math.min(ONE_CLUSTER_MS, Math.max(1, until - performance.now())),
          mostBytes,
        })
    done += 1
    await reportProgress(call, { progress: done, total: clusters.length, message: cluster })
    return [cluster, outcome] as const
  })
  return fanOutAnswer(outcomes)
}

/** Why a call may not go to several clusters; `undefined`: it may. */
function whyNotMany(
  { fleet, params: { name } }: ToolCallRequest,
  { tools, lists, argument }: UserTools,
  clusters: readonly string[],
): { readonly reason: string; readonly words: string } | undefined {
  const notForMany = (words: string) => ({ reason: 'not_for_many_clusters', words })
  if (!fleet.fansOut) {
    return notForMany(`Name one cluster in "${argument}": several at once are turned off here.`)
  }
  const tool = tools.find((one) => one.name === name)
  if (tool === undefined) {
    const asked = lists.filter(({ cluster }) => clusters.includes(cluster))
    // None of them can be reached, and each part says so.
    if (asked.every((list) => list.tools === undefined)) return undefined
    const isThere = asked.some((list) => list.tools?.some((one) => one.name === name))
    const names = toolNames([CLUSTERS_LIST, ...tools.map((one) => one.name)])
    return isThere
      ? {
          reason: 'tool_not_allowed',
          words: `The rules of these clusters do not let you call ${inQuotes(name)}. You may call: ${names}.`,
        }
      : {
          reason: 'no_such_tool',
          words: `There is no tool ${inQuotes(name)}. There are: ${names}.`,
        }
  }
  if (!tool.isReadOnly) {
    return notForMany(
      `${inQuotes(name)} may change something, so it goes to one cluster at a time: name it in "${argument}".`,
    )
  }
  return clusters.length > MOST_CLUSTERS
    ? notForMany(
        `These are ${clusters.length} clusters, and at most ${MOST_CLUSTERS} are asked at once: choose by a label ("label=value"), or ask one after the other.`,
      )
    : undefined
}
