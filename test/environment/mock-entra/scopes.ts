import { type ApiResource, graphId } from './directory.ts'
import { EntraError } from './errors.ts'

const oidcScopes = ['openid', 'profile', 'email', 'offline_access']

/** What a scope parameter asks for: permissions of one resource, and OIDC scopes. */
export interface ScopeRequest {
  readonly resource: ApiResource
  /** The resource as it was named: its id or an App ID URI. */
  readonly named: string
  readonly permissions: readonly string[]
  /** `<resource>/.default` was asked for. */
  readonly byDefault: boolean
  readonly oidc: readonly string[]
}

interface ResourceScope {
  readonly resource: ApiResource
  readonly named: string
  readonly permission: string
}

/**
 * Reads a scope parameter. A bare name belongs to Graph; of several resources the first counts.
 *
 * @throws EntraError 70011, 500011, 650053, 900144
 */
export function readScopes(scope: string, resources: readonly ApiResource[]): ScopeRequest {
  const names = scope.split(' ').filter((name) => name !== '')
  if (names.length === 0) throw new EntraError(900144, { parameter: 'scope' })
  const oidc = names.filter((name) => oidcScopes.includes(name))
  const scopes = names
    .filter((name) => !oidcScopes.includes(name))
    .map((name) => readResourceScope(name, resources))
  const byDefault = scopes.some(({ permission }) => permission === '.default')
  if (byDefault && scopes.length > 1) throw new EntraError(70011, { scope })
  const first = scopes[0] ?? readResourceScope('User.Read', resources)
  const permissions = scopes
    .filter(({ resource }) => resource === first.resource)
    .map(({ permission }) => permission)
  return {
    resource: first.resource,
    named: first.named,
    permissions: byDefault
      ? first.resource.permissions
      : withOidc(first.resource, permissions, oidc),
    byDefault,
    oidc,
  }
}

/** Graph is the one resource whose permissions the OIDC scopes are. */
function withOidc(
  resource: ApiResource,
  permissions: readonly string[],
  oidc: readonly string[],
): readonly string[] {
  if (resource.id !== graphId) return permissions
  return [...oidc.filter((name) => name !== 'offline_access'), ...permissions]
}

function readResourceScope(scope: string, resources: readonly ApiResource[]): ResourceScope {
  const slash = scope.lastIndexOf('/')
  const named = slash < 0 ? graphId : scope.slice(0, slash)
  const name = scope.slice(slash + 1)
  const resource = resources.find(({ id, identifiers }) =>
    [id, ...identifiers].some((known) => named === known || named === `${known}/`),
  )
  if (!resource) throw new EntraError(500011, { resource: named })
  if (name === '.default') return { resource, named, permission: name }
  const permission = resource.permissions.find(
    (known) => known.toLowerCase() === name.toLowerCase(),
  )
  if (!permission) throw new EntraError(650053, { scope: name, resource: resource.id })
  return { resource, named, permission }
}

/**
 * The `scope` of a token answer: full names of what was granted, and `.default` again if it was
 * asked for. It cannot be sent back: `.default` beside a permission is AADSTS70011.
 */
export function grantedScope({ named, permissions, byDefault }: ScopeRequest): string {
  const granted = byDefault ? [...permissions, '.default'] : permissions
  return granted.map((name) => (oidcScopes.includes(name) ? name : `${named}/${name}`)).join(' ')
}

/**
 * Refuses a `resource` parameter (RFC 8707) that is not, byte for byte, the resource as the scope
 * names it.
 *
 * @throws EntraError 9010010
 */
export function checkResourceParameter(value: string | undefined, scopes: ScopeRequest): void {
  if (value !== undefined && value !== scopes.named) throw new EntraError(9010010)
}
