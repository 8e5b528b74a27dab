import type { ClusterContents, KubernetesObject } from '../contents.ts'
import { API_RESOURCES, apiVersionOf } from '../stand-in/resources.ts'
import type { ClusterAdmin } from './admin.ts'

/**
 * Creates everything in an empty cluster, in the order of the contents, and sets each status as a
 * kubelet would: no node runs here, and nobody corrects it. Pod logs are not created: a real API
 * server asks a node for them.
 *
 * @throws with the API server's words for what it does not take
 */
export async function createContents(
  admin: ClusterAdmin,
  { objects, roles, bindings }: ClusterContents,
): Promise<void> {
  for (const object of [...objects, ...roles, ...bindings]) {
    const { status, ...created } = object
    const collection = collectionPath(object)
    await admin.send('POST', collection, { ...created, ...eventTimes(object) })
    if (status === undefined) continue
    await admin.send('PATCH', `${collection}/${object.metadata.name}/status`, { status })
  }
}

function collectionPath({ apiVersion, kind, metadata: { namespace } }: KubernetesObject): string {
  const served = API_RESOURCES.find(
    (resource) => resource.kind === kind && apiVersionOf(resource) === apiVersion,
  )
  if (!served) throw new Error(`${apiVersion} ${kind}: its path is not known`)
  const group = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`
  const scope = namespace === undefined ? '' : `/namespaces/${namespace}`
  return `${group}${scope}/${served.resource}`
}

function eventTimes({ kind }: KubernetesObject): object {
  const now = new Date().toISOString().replace(/\.\d+Z$/, 'Z')
  return kind === 'Event' ? { firstTimestamp: now, lastTimestamp: now } : {}
}
