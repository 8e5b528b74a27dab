import { headerSays } from '../forward/body/mirrored-headers.ts'
import { isJsonObject } from '../oauth/json.ts'
import { type ArgumentName, splitArguments } from './tools/cluster-argument.ts'

/** As the tools' schemas name it (`x-mcp-header`, MCP 2026-07-28). */
export const CLUSTER_HEADER = 'mcp-param-cluster'

/**
 * Whether the header names another cluster than the call: a hop that believes it would judge or log a
 * call to another one (request smuggling by disagreement). An absent header disagrees with nothing.
 *
 * @param body parsed JSON
 * @param argument what the fleet calls the cluster
 */
export function namesOtherCluster(
  header: string | undefined,
  body: unknown,
  argument: ArgumentName,
): boolean {
  if (header === undefined) return false
  const parameters = isJsonObject(body) ? body['params'] : undefined
  const given = isJsonObject(parameters) ? parameters['arguments'] : undefined
  if (!isJsonObject(given)) return true
  const { value } = splitArguments(given, argument)
  return !headerSays(header, typeof value === 'string' ? value : undefined)
}
