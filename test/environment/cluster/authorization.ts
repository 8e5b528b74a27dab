import type { ClusterUser } from './authentication.ts'
import type { ClusterContents, PolicyRule, Subject } from './contents.ts'
import type { RequestInfo, ResourceRequest } from './request-info.ts'

/** What every cluster grants everyone who is authenticated (system:basic-user, system:discovery). */
const SELF_REVIEWS: readonly PolicyRule[] = [
  {
    apiGroups: ['authorization.k8s.io'],
    resources: ['selfsubjectaccessreviews'],
    verbs: ['create'],
  },
  { apiGroups: ['authentication.k8s.io'], resources: ['selfsubjectreviews'], verbs: ['create'] },
]
const DISCOVERY = /^\/(?:api|apis|openapi|version|livez|readyz|healthz)(?:\/|$)/

/**
 * Role-based access control over the cluster's contents (`rbac.authorization.k8s.io/v1`): role
 * bindings that name the user or one of their groups, and the rules of the roles they refer to.
 * Not known here: cluster role bindings, resource names and aggregated roles.
 */
export function isAllowed(
  user: ClusterUser,
  request: RequestInfo,
  contents: ClusterContents,
): boolean {
  if (request.kind === 'path') return request.verb === 'get' && DISCOVERY.test(request.path)
  if (matchesRules(SELF_REVIEWS, request)) return true
  return contents.bindings
    .filter((binding) => binding.metadata.namespace === request.namespace)
    .filter((binding) => binding.subjects.some((subject) => isSubject(user, subject)))
    .flatMap((binding) =>
      contents.roles.filter((role) => role.metadata.name === binding.roleRef.name),
    )
    .some((role) => matchesRules(role.rules, request))
}

function isSubject(user: ClusterUser, subject: Subject): boolean {
  if (subject.kind === 'User') return subject.name === user.username
  return user.groups.includes(subject.name)
}

function matchesRules(rules: readonly PolicyRule[], request: ResourceRequest): boolean {
  const { apiGroup, verb } = request
  const resource = fullResource(request)
  return rules.some(
    (rule) =>
      rule.apiGroups.includes(apiGroup) &&
      rule.resources.includes(resource) &&
      rule.verbs.includes(verb),
  )
}

/** The API server's sentence for a refusal, word for word. */
export function refusalWords(user: ClusterUser, request: RequestInfo): string {
  const who = `User "${user.username}" cannot ${request.verb}`
  if (request.kind === 'path') return `forbidden: ${who} path "${request.path}"`
  const what = objectName(request)
  const where = request.namespace
    ? `in the namespace "${request.namespace}"`
    : 'at the cluster scope'
  return `${what} is forbidden: ${who} resource "${fullResource(request)}" in API group "${request.apiGroup}" ${where}`
}

function fullResource(request: ResourceRequest): string {
  return request.subresource ? `${request.resource}/${request.subresource}` : request.resource
}

/** How a Status names what it is about: `pods "web"`, `roles.rbac.authorization.k8s.io`. */
export function objectName(request: ResourceRequest): string {
  const qualified = [request.resource, request.apiGroup].filter((part) => part !== '').join('.')
  return request.name ? `${qualified} "${request.name}"` : qualified
}
