import { createHash, randomBytes } from 'node:crypto'
import type { Person } from '../people.ts'
import { authenticationClass, type Client } from './directory.ts'

export type Claims = Readonly<Record<string, unknown>>

/** What every token of the tenant says, whoever it is for. */
export interface TokenGround {
  readonly tenantId: string
  readonly issuer: string
  readonly audience: string
  readonly client: Client
  /** Seconds since the epoch. */
  readonly now: number
  /** Seconds from now to `exp`. */
  readonly lifetime: number
}

/** More groups than this do not fit into a JWT. */
const groupLimit = 200

/** A v1.0 access token of a person; `scope` is what goes into `scp`. */
export function v1UserClaims(ground: TokenGround, person: Person, scope: string): Claims {
  return {
    ...common(ground),
    acr: '1',
    amr: ['pwd', 'mfa'],
    ...v1Client(ground.client),
    family_name: person.family_name,
    given_name: person.given_name,
    ...groupClaims(ground, person),
    ipaddr: '203.0.113.7',
    name: nameOf(person),
    oid: person.oid,
    puid: `1003${digest(person.oid).slice(0, 12).toUpperCase()}`,
    scp: scope,
    sub: pairwiseSubject(person, ground.audience),
    ...v1NameClaims(person),
    ver: '1.0',
    wids: ['b79fbf4d-3ef9-4689-8143-76b194e85509'],
  }
}

/** A v2.0 access token of a person. */
export function v2UserClaims(ground: TokenGround, person: Person, scope: string): Claims {
  return {
    ...common(ground),
    azp: ground.client.client_id,
    azpacr: authenticationClass(ground.client),
    ...groupClaims(ground, person),
    ...guestClaims(person),
    name: nameOf(person),
    oid: person.oid,
    preferred_username: person.upn,
    scp: scope,
    sub: pairwiseSubject(person, ground.audience),
    ver: '2.0',
  }
}

/** A v2.0 ID token; its audience is the client. */
export function idTokenClaims(
  ground: TokenGround,
  person: Person,
  request: { readonly oidc: readonly string[]; readonly nonce?: string | undefined },
): Claims {
  const profile = {
    name: nameOf(person),
    oid: person.oid,
    preferred_username: person.upn,
  }
  return {
    ...common(ground),
    ...guestClaims(person),
    ...(request.oidc.includes('email') ? { email: person.upn } : {}),
    ...(request.nonce === undefined ? {} : { nonce: request.nonce }),
    ...(request.oidc.includes('profile') ? profile : {}),
    sid: `${digest(`${person.oid} session`).slice(0, 22)}`,
    sub: pairwiseSubject(person, ground.client.client_id),
    ver: '2.0',
  }
}

/** An app-only token: no person and no `scp`. Version 2.0 has no `idtyp` either. */
export function appClaims(ground: TokenGround, version: 1 | 2): Claims {
  const { client, tenantId } = ground
  const v1 = { ...v1Client(client), idp: `https://sts.windows.net/${tenantId}/`, idtyp: 'app' }
  const v2 = { azp: client.client_id, azpacr: '1' }
  return {
    ...common(ground),
    ...(version === 1 ? v1 : v2),
    oid: client.service_principal_id,
    sub: client.service_principal_id,
    ver: version === 1 ? '1.0' : '2.0',
  }
}

/** Tokens are dated back by five minutes, as Entra's. */
function common({ tenantId, issuer, audience, now, lifetime }: TokenGround): Claims {
  return {
    aud: audience,
    iss: issuer,
    iat: now - 300,
    nbf: now - 300,
    exp: now + lifetime,
    aio: opaque(33),
    rh: `1.${opaque(24)}.`,
    tid: tenantId,
    uti: opaque(16),
    xms_ftd: opaque(33),
  }
}

function v1Client(client: Client): Claims {
  return { appid: client.client_id, appidacr: authenticationClass(client) }
}

function v1NameClaims(person: Person): Claims {
  if (person.home_tenant_id === undefined) return { unique_name: person.upn, upn: person.upn }
  return { ...guestClaims(person), email: person.upn, unique_name: `live.com#${person.upn}` }
}

function guestClaims(person: Person): Claims {
  if (person.home_tenant_id === undefined) return {}
  return { idp: `https://sts.windows.net/${person.home_tenant_id}/` }
}

function groupClaims({ tenantId }: TokenGround, person: Person): Claims {
  if (person.groups.length === 0) return {}
  if (person.groups.length <= groupLimit) return { groups: person.groups }
  const endpoint = `https://graph.windows.net/${tenantId}/users/${person.oid}/getMemberObjects`
  return { _claim_names: { groups: 'src1' }, _claim_sources: { src1: { endpoint } } }
}

/** A person is another `sub` for every application. */
function pairwiseSubject(person: Person, audience: string): string {
  return digest(`${person.oid} ${audience}`)
}

function nameOf(person: Person): string {
  return `${person.given_name} ${person.family_name}`
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('base64url')
}

function opaque(bytes: number): string {
  return randomBytes(bytes).toString('base64url')
}
