import { createHash, randomBytes, randomInt } from 'node:crypto'
import { z } from 'zod'
import type { Person } from '../people.ts'
import { clientInfo } from './authorize.ts'
import { appClaims, idTokenClaims, type TokenGround, v1UserClaims, v2UserClaims } from './claims.ts'
import { authenticateClient } from './client-authentication.ts'
import { authenticationClass, type Client, graphId, type Platform } from './directory.ts'
import { v1Issuer, v2Issuer } from './documents.ts'
import { EntraError } from './errors.ts'
import { signToken, type TokenKind } from './mint.ts'
import { type Parameters, requireParameter } from './parameters.ts'
import { checkResourceParameter, grantedScope, readScopes, type ScopeRequest } from './scopes.ts'
import {
  checkDemand,
  failIfOrdered,
  type IssuedCode,
  type IssuedRefreshToken,
  type MockState,
  nowInSeconds,
  nowOf,
} from './state.ts'

/** A token request, its form read. */
export interface TokenRequest {
  readonly parameters: Parameters
  readonly authorization: string | undefined
  readonly origin: string | undefined
}

/** A successful token answer. */
export type TokenAnswer = Readonly<Record<string, string | number>>

const codeLifetime = 10 * 60 * 1000
const refreshTokenLifetime = 90 * 24 * 60 * 60 * 1000

/**
 * Answers a token request: the grants authorization_code, refresh_token and client_credentials.
 *
 * @throws EntraError for everything that is refused
 */
export async function answerTokenRequest(
  state: MockState,
  request: TokenRequest,
): Promise<TokenAnswer> {
  const { parameters } = request
  const grantType = requireParameter(parameters, 'grant_type')
  const client = await authenticateClient(state, request.authorization, parameters)
  switch (grantType) {
    case 'authorization_code':
      return redeemCode(state, client, request)
    case 'refresh_token':
      return redeemRefreshToken(state, client, request)
    case 'client_credentials':
      return issueAppToken(state, client, parameters)
    default:
      throw new EntraError(70003, { grant_type: grantType })
  }
}

async function redeemCode(
  state: MockState,
  client: Client,
  { parameters, origin }: TokenRequest,
): Promise<TokenAnswer> {
  const text = requireParameter(parameters, 'code')
  const code = findCode(state, client, text)
  const redirectUri = requireParameter(parameters, 'redirect_uri')
  if (withPath(redirectUri) !== withPath(code.redirectUri)) {
    throw new EntraError(500112, { redirect_uri: redirectUri })
  }
  checkOrigin(code.platform, origin)
  if (code.platform === 'spa' && !code.challenge) throw new EntraError(9002325)
  checkVerifier(code.challenge, parameters.get('code_verifier'))
  const scopes = readScopes(parameters.get('scope') ?? code.scope, state.resources)
  checkResourceParameter(parameters.get('resource'), scopes)
  failIfOrdered(state, 'token', code.person.username)
  checkDemand(state, code.person, code.claims)
  state.redeemed.add(text)
  state.codes.delete(text)
  const { person, platform, nonce } = code
  const asked = readScopes(code.scope, state.resources)
  return issueUserTokens(state, {
    client,
    person,
    platform,
    nonce,
    parameters,
    scope: code.scope,
    claims: code.claims,
    // What was asked of the person counts, whether or not the redemption names it again.
    scopes: { ...scopes, oidc: [...new Set([...scopes.oidc, ...asked.oidc])] },
    withRefreshToken: asked.oidc.includes('offline_access'),
  })
}

function findCode(state: MockState, client: Client, text: string): IssuedCode {
  if (state.redeemed.has(text)) throw new EntraError(54005)
  const code = state.codes.get(text)
  if (!code) throw new EntraError(9002313)
  if (code.client.client_id !== client.client_id) throw new EntraError(70000)
  if (nowOf(state) - code.issuedAt > codeLifetime) throw new EntraError(70008)
  return code
}

/** An address without a path is the one with `/`. */
function withPath(uri: string): string {
  return /^https?:\/\/[^/?#]+$/.test(uri) ? `${uri}/` : uri
}

/** Only single-page apps may redeem from a browser, and they must. */
function checkOrigin(platform: Platform, origin: string | undefined): void {
  if (platform === 'spa' && origin === undefined) throw new EntraError(9002327)
  if (platform !== 'spa' && origin !== undefined) {
    throw new EntraError(9002326, { origin: origin.slice(0, 200) })
  }
}

function checkVerifier(challenge: IssuedCode['challenge'], verifier: string | undefined): void {
  if (challenge === undefined && verifier === undefined) return
  const hashed = createHash('sha256')
    .update(verifier ?? '')
    .digest('base64url')
  const presented = challenge?.method === 'S256' ? hashed : verifier
  if (verifier === undefined || presented !== challenge?.value) throw new EntraError(501481)
}

async function redeemRefreshToken(
  state: MockState,
  client: Client,
  { parameters, origin }: TokenRequest,
): Promise<TokenAnswer> {
  const token = findRefreshToken(state, client, requireParameter(parameters, 'refresh_token'))
  checkOrigin(token.platform, origin)
  const asked = parameters.get('scope')
  if (
    asked === undefined &&
    readScopes(token.scope, state.resources).resource.id === client.client_id
  ) {
    throw new EntraError(90009)
  }
  // Without a scope the answer is for Graph, whatever the person signed in for.
  const scopes = readScopes(asked ?? 'openid profile', state.resources)
  checkResourceParameter(parameters.get('resource'), scopes)
  failIfOrdered(state, 'refresh', token.person.username)
  failIfOrdered(state, 'token', token.person.username)
  checkDemand(state, token.person, token.claims)
  const { person, platform, scope, claims } = token
  return issueUserTokens(state, {
    client,
    person,
    platform,
    scopes,
    scope,
    claims,
    nonce: undefined,
    parameters,
    withRefreshToken: true,
  })
}

function findRefreshToken(state: MockState, client: Client, text: string): IssuedRefreshToken {
  const token = state.refreshTokens.get(text)
  if (!token) throw new EntraError(9002313)
  if (token.client.client_id !== client.client_id) throw new EntraError(70000)
  if (state.disabled.has(token.person.oid)) throw new EntraError(50057)
  if (state.revoked.has(text)) throw new EntraError(50173)
  if (nowOf(state) - token.issuedAt > refreshTokenLifetime) throw new EntraError(700082)
  return token
}

interface UserGrant {
  readonly client: Client
  readonly person: Person
  readonly platform: Platform
  readonly scopes: ScopeRequest
  /** What was asked for at authorize. */
  readonly scope: string
  readonly claims: string | undefined
  readonly nonce: string | undefined
  readonly parameters: Parameters
  readonly withRefreshToken: boolean
}

async function issueUserTokens(state: MockState, grant: UserGrant): Promise<TokenAnswer> {
  const { client, person, scopes, parameters } = grant
  const ground = groundOf(state, client, scopes)
  const idGround = { ...ground, issuer: tenantV2Issuer(state), audience: client.client_id }
  const { oidc } = scopes
  const idClaims = idTokenClaims(idGround, person, { oidc, nonce: grant.nonce })
  const key = state.keys.current()
  return {
    token_type: 'Bearer',
    scope: grantedScope(scopes),
    ...lifetimes(ground),
    access_token: await signToken(userToken(ground, grant), key),
    ...(grant.withRefreshToken ? { refresh_token: issueRefreshToken(state, grant) } : {}),
    ...(oidc.includes('openid')
      ? { id_token: await signToken({ kind: 'id', claims: idClaims }, key) }
      : {}),
    ...(parameters.get('client_info') === '1' ? { client_info: clientInfo(state, person) } : {}),
  }
}

function userToken(ground: TokenGround, { person, scopes, claims: asked }: UserGrant) {
  const granted = scopes.permissions.join(' ')
  const context = authenticationContext(asked)
  if (scopes.resource.token_version === 2) {
    return { kind: 'v2', claims: { ...v2UserClaims(ground, person, granted), ...context } } as const
  }
  const kind: TokenKind = scopes.resource.id === graphId ? 'graph' : 'v1'
  return { kind, claims: { ...v1UserClaims(ground, person, granted), ...context } }
}

const contextSchema = z.object({
  access_token: z.object({ acrs: z.object({ value: z.string() }) }),
})

/** The authentication context that was asked for, which the person then met. */
function authenticationContext(asked: string | undefined): { readonly acrs?: readonly string[] } {
  const request = contextSchema.safeParse(asked === undefined ? undefined : JSON.parse(asked)).data
  return request ? { acrs: [request.access_token.acrs.value] } : {}
}

/** The old token stays good: Entra does not revoke it when a new one is given out. */
function issueRefreshToken(state: MockState, grant: UserGrant) {
  const { client, person, platform, scope, claims } = grant
  const text = `1.${randomBytes(200).toString('base64url')}`
  const issuedAt = nowOf(state)
  state.refreshTokens.set(text, { client, person, platform, scope, claims, issuedAt })
  return text
}

async function issueAppToken(
  state: MockState,
  client: Client,
  parameters: Parameters,
): Promise<TokenAnswer> {
  if (authenticationClass(client) === '0') throw new EntraError(7000218)
  const scope = requireParameter(parameters, 'scope')
  const scopes = readScopes(scope, state.resources)
  if (!scopes.byDefault || scopes.oidc.length > 0) throw new EntraError(1002012, { scope })
  checkResourceParameter(parameters.get('resource'), scopes)
  failIfOrdered(state, 'token')
  const ground = groundOf(state, client, scopes)
  const version = scopes.resource.token_version
  const kind = version === 1 ? 'app' : 'app-v2'
  const claims = appClaims(ground, version)
  return {
    token_type: 'Bearer',
    ...lifetimes(ground),
    access_token: await signToken({ kind, claims }, state.keys.current()),
  }
}

function lifetimes({ lifetime }: TokenGround): TokenAnswer {
  return { expires_in: lifetime, ext_expires_in: lifetime }
}

/** v1.0 tokens carry the resource's name as it was asked for, v2.0 tokens always its id. */
function groundOf(state: MockState, client: Client, scopes: ScopeRequest): TokenGround {
  const isV1 = scopes.resource.token_version === 1
  return {
    tenantId: state.tenantId,
    issuer: isV1 ? v1Issuer(state.tenantId) : tenantV2Issuer(state),
    audience: isV1 ? scopes.named : scopes.resource.id,
    client,
    now: nowInSeconds(state),
    lifetime: state.lifetime ?? randomInt(3600, 5401),
  }
}

function tenantV2Issuer(state: MockState): string {
  return v2Issuer({ origin: state.origin, tenant: state.tenantId })
}
