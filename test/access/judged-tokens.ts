import assert from 'node:assert/strict'
import { createHash, type KeyObject, sign, verify } from 'node:crypto'
import { authenticate, type Principal } from '../../src/access/authenticate.ts'
import { type ResourcePolicy, resourcePolicy } from '../../src/access/policy.ts'
import type { Reason, Refusal } from '../../src/access/refusal.ts'
import { type RefusalResponse, refusalResponse } from '../../src/access/refusal-response.ts'
import type { EntraConfig, OidcConfig, ResourceConfig } from '../../src/config/config.ts'
import { entraProfile } from '../../src/issuer/entra.ts'
import { oidcProfile } from '../../src/issuer/oidc.ts'
import type { SignedToken, TokenVerifier, Verification } from '../../src/issuer/token-verifier.ts'
import type { Jwt } from '../../src/oauth/jwt.ts'
import { ENTRA_DEFAULTS, OIDC_DEFAULTS, RESOURCE_DEFAULTS } from '../support/defaults.ts'
import { rsaKeyPair } from '../support/rsa-keys.ts'

export const tenant = '3f2504e0-4f89-11d3-9a0c-0305e82c3301'
export const clientId = 'c0ffee00-1111-4222-8333-444455556666'
export const audience = '6dae42f8-4368-4678-94ff-3960e28e3630'
export const now = 1_760_000_000_000
const second = now / 1000

export const entra: EntraConfig = {
  ...ENTRA_DEFAULTS,
  tenant_id: tenant,
  client_id: clientId,
  groups_claim: 'groups',
}

export const oidc: OidcConfig = {
  ...OIDC_DEFAULTS,
  issuer: 'https://idp.example.com/realms/a',
  client_id: 'rolecall',
  groups_claim: 'groups',
}

const resource: ResourceConfig = {
  ...RESOURCE_DEFAULTS,
  upstream: 'http://127.0.0.1:9/mcp',
  audiences: [audience],
  request_scopes: [`${audience}/.default`, 'openid'],
  allowed_clients: [clientId],
}

export function entraPolicy(
  changes: Partial<ResourceConfig> = {},
  config: Partial<EntraConfig> = {},
  discovered?: string,
): ResourcePolicy {
  const provider = { ...entra, ...config }
  const profile = entraProfile(provider)
  const issuers = { profile, tokenIssuers: () => profile.tokenIssuers(discovered) }
  return resourcePolicy({ ...resource, ...changes }, provider, issuers)
}

export function oidcPolicy(
  changes: Partial<ResourceConfig> = {},
  config: Partial<OidcConfig> = {},
): ResourcePolicy {
  const provider = { ...oidc, ...config }
  const profile = oidcProfile(provider)
  const issuers = { profile, tokenIssuers: () => profile.tokenIssuers(undefined) }
  const own = { audiences: ['kubernetes'], allowed_clients: ['rolecall'] }
  return resourcePolicy({ ...resource, ...own, ...changes }, provider, issuers)
}

export type Members = Readonly<Record<string, unknown>>

export const entraHeader: Members = { typ: 'JWT', alg: 'RS256', kid: 'key-1' }

/** Alice's v1 token for the AKS server application. */
export const entraClaims: Members = {
  aud: audience,
  iss: `https://sts.windows.net/${tenant}/`,
  iat: second - 300,
  nbf: second - 300,
  exp: second + 3600,
  appid: clientId,
  appidacr: '1',
  groups: ['group-a', 'group-b'],
  oid: '0a0a0a0a-0000-4000-8000-00000000a11c',
  scp: 'user.read Extra.Scope',
  sub: 'pairwise-alice',
  tid: tenant,
  upn: 'alice@contoso.com',
  uti: 'uti-alice',
  ver: '1.0',
}

/** Alice's token from Keycloak. */
export const oidcClaims: Members = {
  iss: oidc.issuer,
  aud: ['kubernetes', 'account'],
  azp: 'rolecall',
  typ: 'Bearer',
  sub: '5b1c7a52-alice',
  preferred_username: 'alice',
  scope: 'openid profile',
  groups: ['team-a'],
  jti: 'jti-alice',
  iat: second - 10,
  exp: second + 300,
}

export interface Keys {
  readonly publicKey: KeyObject
  readonly privateKey: KeyObject
}

export const keys: Keys = rsaKeyPair('judged tokens')

const encoded = (json: string) => Buffer.from(json).toString('base64url')

/** A token signed with RS256, whatever its header says; parts may also be given as JSON text. */
export function signedToken(header: Members | string, claims: Members | string, by = keys): string {
  const parts = [header, claims].map((part) =>
    encoded(typeof part === 'string' ? part : JSON.stringify(part)),
  )
  const input = parts.join('.')
  return `${input}.${sign('sha256', Buffer.from(input), by.privateKey).toString('base64url')}`
}

/** `object` without one of its members. */
export function without(object: Members, ...names: readonly string[]): Members {
  return Object.fromEntries(Object.entries(object).filter(([name]) => !names.includes(name)))
}

/** A verifier over one key that counts what it is asked; it remembers what it verified. */
export class TrueVerifier implements TokenVerifier {
  readonly remembered = new Map<string, SignedToken>()
  recalls = 0
  verifications = 0
  answer: Verification | undefined

  recall(compact: string): SignedToken | undefined {
    this.recalls += 1
    return this.remembered.get(digestOf(compact))
  }

  async verify(jwt: Jwt): Promise<Verification> {
    this.verifications += 1
    if (this.answer) return this.answer
    if (jwt.header['kid'] !== 'key-1') return { kind: 'unknown_key' }
    const at = jwt.compact.lastIndexOf('.')
    const input = Buffer.from(jwt.compact.slice(0, at))
    const signature = Buffer.from(jwt.compact.slice(at + 1), 'base64url')
    if (!verify('sha256', input, keys.publicKey, signature)) return { kind: 'bad_signature' }
    const token = { jwt, digest: digestOf(jwt.compact), keyId: 'key-1' } as SignedToken
    this.remembered.set(token.digest, token)
    return { kind: 'signed', token }
  }
}

function digestOf(compact: string): string {
  return createHash('sha256').update(compact).digest('base64url')
}

/** The principal of a token that must pass. */
export async function principalOf(token: string, policy: ResourcePolicy): Promise<Principal> {
  const access = { verifier: new TrueVerifier(), policy }
  const verdict = await authenticate([`Bearer ${token}`], access, () => now)
  assert.equal(verdict.kind, 'principal', JSON.stringify(verdict))
  assert.ok(verdict.kind === 'principal')
  return verdict.principal
}

/**
 * The refusal of a token that must not pass: the same whether its signature is looked at first or
 * remembered.
 */
export async function refusalOf(token: string, policy: ResourcePolicy, at = now): Promise<Refusal> {
  const verifier = new TrueVerifier()
  const access = { verifier, policy }
  const verdict = await authenticate([`Bearer ${token}`], access, () => at)
  assert.ok(verdict.kind === 'refused', 'the token was accepted')
  return verdict.refusal
}

/** What every refused token must get: this reason, answer and words. */
export interface ExpectedRefusal {
  readonly reason: Reason
  readonly status: RefusalResponse['status']
  readonly error: string
  readonly description: string | RegExp
}

export function assertRefusal(refusal: Refusal, expected: ExpectedRefusal): void {
  const answer = refusalResponse(refusal)
  const { status, error } = answer
  assert.deepEqual(
    { reason: refusal.reason, status, error },
    { reason: expected.reason, status: expected.status, error: expected.error },
  )
  if (typeof expected.description === 'string') {
    assert.equal(answer.description, expected.description)
  } else assert.match(answer.description, expected.description)
  assert.match(answer.description, /^[\x20-\x7e]+\.$/)
}
