import { headerSays } from '../forward/body/mirrored-headers.ts'
import { isJsonObject } from '../oauth/json.ts'

/** As the tools' schemas name it (`x-mcp-header`, MCP 2026-07-28). */
export const CLUSTER_HEADER = 'mcp-param-cluster'

/**
 * Whether the header names another cluster than the call: a hop that believes it would judge or log a
 * call to another one (request smuggling by disagreement). An absent header disagrees with nothing.
 *
 * @param body parsed JSON
 */
export function namesOtherCluster(header: string | undefined, body: unknown): boolean {
  if (header === undefined) return false
  const parameters = isJsonObject(body) ? body['params'] : undefined
  const given = isJsonObject(parameters) ? parameters['arguments'] : undefined
  if (!isJsonObject(given)) return true
  const cluster = given['rolecall_cluster'] ?? given['cluster']
  return !headerSays(header, typeof cluster === 'string' ? cluster : undefined)
}
