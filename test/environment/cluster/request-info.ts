/** What a request asks of an API server: an object or collection, or a path of another kind. */
export type RequestInfo = ResourceRequest | PathRequest

export interface ResourceRequest {
  readonly kind: 'resource'
  readonly verb: string
  readonly apiGroup: string
  readonly apiVersion: string
  readonly resource: string
  readonly subresource?: string
  readonly namespace?: string
  readonly name?: string
}

export interface PathRequest {
  readonly kind: 'path'
  readonly verb: string
  readonly path: string
}

const OBJECT_VERBS: Readonly<Record<string, string>> = {
  GET: 'get',
  HEAD: 'get',
  POST: 'create',
  PUT: 'update',
  PATCH: 'patch',
  DELETE: 'delete',
}

/**
 * Reads method and path as the API server's RequestInfoFactory does (k8s.io/apiserver,
 * pkg/endpoints/request): `/api/v1/…` and `/apis/<group>/<version>/…` name resources, `GET` of a
 * collection is `list` or, with `watch`, `watch`.
 *
 * @returns `undefined` when a segment of the path is not valid percent-encoding
 */
export function readRequestInfo(method: string, url: URL): RequestInfo | undefined {
  const segments = decodeSegments(url.pathname)
  if (!segments) return undefined
  const [root, ...rest] = segments
  const grouped = root === 'apis'
  const [apiGroup = '', apiVersion = '', ...parts] = grouped ? rest : ['', ...rest]
  if (!(grouped || root === 'api') || parts.length === 0) {
    return { kind: 'path', verb: method.toLowerCase(), path: url.pathname }
  }
  const target = readTarget(parts)
  return {
    kind: 'resource',
    verb: verbOf(method, url, target.name),
    apiGroup,
    apiVersion,
    ...target,
  }
}

function decodeSegments(path: string): string[] | undefined {
  try {
    return path
      .split('/')
      .filter((segment) => segment !== '')
      .map(decodeURIComponent)
  } catch {
    return undefined
  }
}

interface Target {
  readonly resource: string
  readonly subresource?: string
  readonly namespace?: string
  readonly name?: string
}

function readTarget(parts: readonly string[]): Target {
  const [first = '', namespace, ...inNamespace] = parts
  const namespaced = first === 'namespaces' && namespace !== undefined
  const [resource = first, name, subresource] =
    namespaced && inNamespace.length > 0 ? inNamespace : parts
  return {
    resource,
    ...(namespaced && { namespace }),
    ...(name !== undefined && { name }),
    ...(subresource !== undefined && { subresource }),
  }
}

function verbOf(method: string, url: URL, name: string | undefined): string {
  const verb = OBJECT_VERBS[method] ?? method.toLowerCase()
  if (name !== undefined) return verb
  if (verb === 'delete') return 'deletecollection'
  if (verb !== 'get') return verb
  return ['1', 'true'].includes(url.searchParams.get('watch') ?? '') ? 'watch' : 'list'
}
