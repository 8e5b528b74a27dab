import { kindOfProvider } from '../provider/identity-provider.ts'
import type { Settings } from '../schema/schema.ts'
import type { RuleInput } from './rule.ts'

type Resource = Settings['resource'][number]

/** The scope by which refresh tokens are asked for (OpenID Connect Core §11). */
export const offlineAccess = 'offline_access'

/**
 * The scopes that are asked for at the identity provider: as written, else the default of its kind.
 * Where rolecall signs users in, Entra is always asked for a refresh token, too.
 */
export function requestScopes(input: RuleInput, resource: Resource): readonly string[] {
  const entra = kindOfProvider(input) !== 'oidc'
  const scopes = resource.request_scopes ?? (entra ? entraDefault(resource) : oidcDefault)
  const asked = input.mode === 'off' || !entra || scopes.includes(offlineAccess)
  return asked ? scopes : [...scopes, offlineAccess]
}

const oidcDefault = ['openid', 'profile']

function entraDefault({ audiences }: Resource): readonly string[] {
  const all = audiences.slice(0, 1).map((audience) => `${audience}/.default`)
  return [...all, 'openid', 'profile', offlineAccess]
}
