import { headerSays } from '../forward/body/mirrored-headers.ts'
import { isJsonObject } from '../oauth/json.ts'
import { type ArgumentName, splitArguments } from './tools/cluster-argument.ts'

/** As the tools' schemas name it (`x-mcp-header`, MCP 2026-07-28). */
export const CLUSTER_HEADER = 'mcp-param-cluster'

/** The first revision whose clients must send it, and whose servers must refuse a call without it. */
const FIRST_WITH_HEADER = '2026-07-28'

/** What a client says of its call in headers. */
export interface ClusterHeaders {
  readonly cluster: string | undefined
  /** `MCP-Protocol-Version` */
  readonly protocolVersion: string | undefined
}

/**
 * Whether the header names another cluster than the call: a hop that believes it would judge or log a
 * call to another one (request smuggling by disagreement). An absent header disagrees with a call to a
 * cluster from MCP 2026-07-28 on (SEP-2243), where it says that there is none; before, with nothing.
 *
 * @param body parsed JSON
 * @param argument what the fleet calls the cluster
 */
export function namesOtherCluster(
  { cluster: header, protocolVersion = '' }: ClusterHeaders,
  body: unknown,
  argument: ArgumentName,
): boolean {
  const message = isJsonObject(body) ? body : {}
  const parameters = message['params']
  const given = isJsonObject(parameters) ? parameters['arguments'] : undefined
  const { value } = splitArguments(isJsonObject(given) ? given : {}, argument)
  if (header !== undefined)
    return !headerSays(header, typeof value === 'string' ? value : undefined)
  const isNeeded = message['method'] === 'tools/call' && protocolVersion >= FIRST_WITH_HEADER
  return isNeeded && typeof value === 'string'
}
