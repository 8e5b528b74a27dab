import { randomUUID } from 'node:crypto'
import type { ClusterContents, KubernetesObject, ObjectMetadata } from '../contents.ts'
import { field } from '../object-field.ts'
import type { RequestInfo, ResourceRequest } from '../request-info.ts'
import { API_RESOURCES, type ApiResource, apiVersionOf } from './resources.ts'

/** An object with what an API server adds to it. */
export interface StoredObject extends KubernetesObject {
  readonly metadata: ObjectMetadata & {
    readonly uid: string
    readonly resourceVersion: string
    readonly creationTimestamp: string
  }
}

/** Gives the cluster's objects what an API server adds at creation. */
export function storeObjects(contents: ClusterContents): readonly StoredObject[] {
  const creationTimestamp = new Date().toISOString().replace(/\.\d+Z$/, 'Z')
  const objects = [...contents.objects, ...contents.roles, ...contents.bindings]
  return objects.map((object, index) => ({
    ...object,
    ...(object.kind === 'Event' && {
      firstTimestamp: creationTimestamp,
      lastTimestamp: creationTimestamp,
    }),
    metadata: {
      ...object.metadata,
      uid: randomUUID(),
      resourceVersion: String(index + 1),
      creationTimestamp,
    },
  }))
}

/** The served kind that a request is about. */
export function findResource(request: RequestInfo): ApiResource | undefined {
  if (request.kind === 'path') return undefined
  return API_RESOURCES.find(
    (resource) =>
      resource.group === request.apiGroup &&
      resource.version === request.apiVersion &&
      resource.resource === request.resource,
  )
}

/** The objects of a kind in the request's namespace, or in all. */
export function objectsOf(
  objects: readonly StoredObject[],
  resource: ApiResource,
  request: ResourceRequest,
): readonly StoredObject[] {
  const apiVersion = apiVersionOf(resource)
  return objects.filter(
    (object) =>
      object.kind === resource.kind &&
      object.apiVersion === apiVersion &&
      (!resource.namespaced ||
        request.namespace === undefined ||
        object.metadata.namespace === request.namespace),
  )
}

/** A label or field selector of equalities; `undefined`: a form that the stand-in does not know. */
export type Selector = (object: StoredObject) => boolean

/**
 * Reads `labelSelector` and `fieldSelector`. Known: `name=value`, `name==value` and `name!=value`,
 * joined by commas. Not known: sets, existence.
 */
export function readSelector(parameters: URLSearchParams): Selector | undefined {
  const labels = readTerms(parameters.get('labelSelector'), (object, name) =>
    field(object, 'metadata', 'labels', name),
  )
  const fields = readTerms(parameters.get('fieldSelector'), (object, name) =>
    field(object, ...name.split('.')),
  )
  const terms = [...labels, ...fields]
  const known = terms.filter((term) => term !== undefined)
  if (known.length < terms.length) return undefined
  return (object) => known.every((term) => term(object))
}

function readTerms(
  selector: string | null,
  read: (object: StoredObject, name: string) => unknown,
): (Selector | undefined)[] {
  if (!selector) return []
  return selector.split(',').map((term) => {
    const [, name, operator, value] = /^([^=!,()\s]+)(!=|==?)([^=!,()\s]*)$/.exec(term) ?? []
    if (name === undefined) return undefined
    return (object) => (String(read(object, name) ?? '') === value) === (operator !== '!=')
  })
}
