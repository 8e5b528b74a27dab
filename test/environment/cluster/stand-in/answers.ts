import type { ClusterUser } from '../authentication.ts'
import { isAllowed, objectName, refusalWords } from '../authorization.ts'
import type { ClusterContents } from '../contents.ts'
import { field } from '../object-field.ts'
import type { RequestInfo, ResourceRequest } from '../request-info.ts'
import { acceptsParameters, answerPath } from './discovery.ts'
import type { ApiResource } from './resources.ts'
import { type Answer, failure, jsonAnswer, textAnswer } from './status.ts'
import { findResource, objectsOf, readSelector, type StoredObject } from './store.ts'
import { asTable } from './table.ts'

/** A request of an authenticated person. */
export interface ClusterRequest {
  readonly user: ClusterUser
  readonly info: RequestInfo
  readonly parameters: URLSearchParams
  readonly accept: string
  /** The parsed body; `undefined` when there is none or its form is not known. */
  readonly body: unknown
}

/** What the stand-in holds: roles and logs as given, objects as an API server keeps them. */
export interface ClusterState {
  readonly contents: ClusterContents
  readonly objects: readonly StoredObject[]
}

/** Answers one request of an authenticated person: first the roles, then the objects. */
export function answer(request: ClusterRequest, state: ClusterState): Answer {
  const { info, user } = request
  if (!isAllowed(user, info, state.contents)) return forbidden(user, info)
  if (info.kind === 'path') return answerPath(info.path, request.accept)
  const resource = findResource(info)
  if (!resource) return failure('NotFound', 'the server could not find the requested resource', {})
  if (info.verb === 'create') return answerReview(request, resource, state)
  if (info.subresource === 'log') return answerLog(info, state)
  if (info.verb === 'get') return answerGet(request, info, resource, state)
  if (info.verb === 'list') return answerList(request, info, resource, state)
  return failure('MethodNotAllowed', 'the stand-in cluster does not allow this method', {})
}

/** The refusal of a request by the roles, as a Status. */
export function forbidden(user: ClusterUser, info: RequestInfo): Answer {
  const details =
    info.kind === 'path'
      ? {}
      : {
          ...(info.name && { name: info.name }),
          ...(info.apiGroup && { group: info.apiGroup }),
          kind: info.resource,
        }
  return failure('Forbidden', refusalWords(user, info), details)
}

function notFound(info: ResourceRequest): Answer {
  const name = info.name ?? ''
  return failure('NotFound', `${objectName(info)} not found`, { name, kind: info.resource })
}

function answerGet(
  request: ClusterRequest,
  info: ResourceRequest,
  resource: ApiResource,
  state: ClusterState,
): Answer {
  const found = objectsOf(state.objects, resource, info).find(
    (object) => object.metadata.name === info.name,
  )
  if (!found) return notFound(info)
  return wantsTable(request.accept)
    ? jsonAnswer(200, asTable(resource.kind, [found], {}, Date.now()))
    : jsonAnswer(200, found)
}

function answerList(
  request: ClusterRequest,
  info: ResourceRequest,
  resource: ApiResource,
  state: ClusterState,
): Answer {
  const selected = readSelector(request.parameters)
  if (!selected) {
    return failure('BadRequest', 'the stand-in cluster knows only selectors of equality')
  }
  const items = objectsOf(state.objects, resource, info).filter(selected)
  const metadata = { resourceVersion: String(state.objects.length) }
  if (wantsTable(request.accept)) {
    return jsonAnswer(200, asTable(resource.kind, items, metadata, Date.now()))
  }
  const apiVersion = items[0]?.apiVersion ?? 'v1'
  return jsonAnswer(200, { kind: `${resource.kind}List`, apiVersion, metadata, items })
}

function wantsTable(accept: string): boolean {
  return acceptsParameters(accept, { as: 'Table', g: 'meta.k8s.io', v: 'v1' })
}

function answerLog(info: ResourceRequest, state: ClusterState): Answer {
  const log = state.contents.podLogs.get(`${info.namespace}/${info.name}`)
  return log === undefined ? notFound(info) : textAnswer(log)
}

function answerReview(request: ClusterRequest, resource: ApiResource, state: ClusterState): Answer {
  const { user, body } = request
  if (typeof body !== 'object' || body === null) {
    return failure(
      'UnsupportedMediaType',
      'the stand-in cluster reads JSON, and reviews also in protobuf',
    )
  }
  if (resource.kind === 'SelfSubjectReview') {
    const { username, uid, groups, extra } = user
    return jsonAnswer(201, { ...body, status: { userInfo: { username, uid, groups, extra } } })
  }
  const asked = readAccessQuestion(body)
  if (!asked) return failure('BadRequest', 'spec: resourceAttributes or nonResourceAttributes')
  const allowed = isAllowed(user, asked, state.contents)
  return jsonAnswer(201, { ...body, status: { allowed } })
}

function readAccessQuestion(review: object): RequestInfo | undefined {
  const read = (...path: string[]): string => {
    const value = field(review, 'spec', ...path)
    return typeof value === 'string' ? value : ''
  }
  if (field(review, 'spec', 'nonResourceAttributes')) {
    const verb = read('nonResourceAttributes', 'verb')
    return { kind: 'path', verb, path: read('nonResourceAttributes', 'path') }
  }
  if (!field(review, 'spec', 'resourceAttributes')) return undefined
  const attribute = (name: string): string => read('resourceAttributes', name)
  return {
    kind: 'resource',
    verb: attribute('verb'),
    apiGroup: attribute('group'),
    apiVersion: attribute('version'),
    resource: attribute('resource'),
    ...(attribute('subresource') && { subresource: attribute('subresource') }),
    ...(attribute('namespace') && { namespace: attribute('namespace') }),
    ...(attribute('name') && { name: attribute('name') }),
  }
}
