import { API_RESOURCES, type ApiResource, apiVersionOf } from './resources.ts'
import { type Answer, failure, jsonAnswer, textAnswer } from './status.ts'

/** Says in `/version` that no Kubernetes answers here. */
export const STAND_IN_VERSION = 'v1.36.3+rolecall-stand-in'

const AGGREGATED = { g: 'apidiscovery.k8s.io', v: 'v2', as: 'APIGroupDiscoveryList' }
const AGGREGATED_TYPE = `application/json;${Object.entries(AGGREGATED)
  .map((pair) => pair.join('='))
  .join(';')}`

/**
 * Answers the paths that are no resources: discovery, aggregated where the client accepts that form
 * (`apidiscovery.k8s.io/v2`) and else one document for each group, `/version` and health.
 *
 * @param accept the request's `Accept`
 */
export function answerPath(path: string, accept: string): Answer {
  const normalised = path.length > 1 ? path.replace(/\/$/, '') : path
  if (['/livez', '/readyz', '/healthz'].includes(normalised)) return textAnswer('ok')
  if (normalised === '/version') return jsonAnswer(200, versionDocument())
  if (acceptsParameters(accept, AGGREGATED)) {
    if (normalised === '/api') return aggregated([''])
    if (normalised === '/apis') return aggregated(namedGroups())
  }
  const document = legacyDocument(normalised)
  return document
    ? jsonAnswer(200, document)
    : failure('NotFound', 'the server could not find the requested resource', {})
}

/** Whether one of the media ranges of `accept` has all these parameters. */
export function acceptsParameters(
  accept: string,
  wanted: Readonly<Record<string, string>>,
): boolean {
  return accept.split(',').some((range) => {
    const parameters = range.split(';').map((part) => part.trim())
    return (
      parameters[0] === 'application/json' &&
      Object.entries(wanted).every(([name, value]) => parameters.includes(`${name}=${value}`))
    )
  })
}

function versionDocument(): object {
  return {
    major: '1',
    minor: '36',
    gitVersion: STAND_IN_VERSION,
    gitCommit: '',
    gitTreeState: 'stand-in',
    buildDate: '1970-01-01T00:00:00Z',
    goVersion: 'none',
    compiler: 'none',
    platform: 'node',
  }
}

function namedGroups(): string[] {
  return [...new Set(API_RESOURCES.map((resource) => resource.group))].filter((group) => group)
}

function inGroup(group: string): ApiResource[] {
  return API_RESOURCES.filter((resource) => resource.group === group)
}

function aggregated(groups: readonly string[]): Answer {
  const items = groups.map((group) => ({
    metadata: { name: group },
    versions: [
      { version: 'v1', freshness: 'Current', resources: inGroup(group).map(aggregatedResource) },
    ],
  }))
  const list = {
    kind: 'APIGroupDiscoveryList',
    apiVersion: 'apidiscovery.k8s.io/v2',
    metadata: {},
    items,
  }
  return jsonAnswer(200, list, AGGREGATED_TYPE)
}

function aggregatedResource(resource: ApiResource): object {
  const responseKind = { group: '', version: '', kind: resource.kind }
  return {
    resource: resource.resource,
    responseKind,
    scope: resource.namespaced ? 'Namespaced' : 'Cluster',
    singularResource: resource.singular,
    verbs: resource.verbs,
    ...(resource.shortNames && { shortNames: resource.shortNames }),
    ...(resource.subresources && {
      subresources: resource.subresources.map(({ name, verbs }) => ({
        subresource: name,
        responseKind,
        verbs,
      })),
    }),
  }
}

function legacyDocument(path: string): object | undefined {
  if (path === '/api') return { kind: 'APIVersions', versions: ['v1'] }
  if (path === '/apis') {
    return { kind: 'APIGroupList', apiVersion: 'v1', groups: namedGroups().map(legacyGroup) }
  }
  if (path === '/api/v1') return legacyResources('')
  const [, root, group = '', version, ...more] = path.split('/')
  if (root !== 'apis' || !namedGroups().includes(group) || more.length > 0) return undefined
  if (version === undefined) return { kind: 'APIGroup', apiVersion: 'v1', ...legacyGroup(group) }
  return version === 'v1' ? legacyResources(group) : undefined
}

function legacyGroup(name: string): object {
  const version = { groupVersion: `${name}/v1`, version: 'v1' }
  return { name, versions: [version], preferredVersion: version }
}

function legacyResources(group: string): object {
  const resources = inGroup(group).flatMap((resource) => [
    {
      name: resource.resource,
      singularName: resource.singular,
      namespaced: resource.namespaced,
      kind: resource.kind,
      verbs: resource.verbs,
      ...(resource.shortNames && { shortNames: resource.shortNames }),
    },
    ...(resource.subresources ?? []).map(({ name, verbs }) => ({
      name: `${resource.resource}/${name}`,
      singularName: '',
      namespaced: resource.namespaced,
      kind: resource.kind,
      verbs,
    })),
  ])
  const groupVersion = apiVersionOf({ group, version: 'v1' })
  return { kind: 'APIResourceList', apiVersion: 'v1', groupVersion, resources }
}
