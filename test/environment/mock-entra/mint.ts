import { createHash, createHmac, randomBytes, sign } from 'node:crypto'
import { findPerson, type Person } from '../people.ts'
import {
  appClaims,
  type Claims,
  idTokenClaims,
  type TokenGround,
  v1UserClaims,
  v2UserClaims,
} from './claims.ts'
import { aksServerId, graphId, ownApi } from './directory.ts'
import { v1Issuer, v2Issuer } from './documents.ts'
import { createSigningKey, type SigningKey } from './signing-keys.ts'
import { clientOf, type MockState, nowInSeconds } from './state.ts'

export type TokenKind = 'v1' | 'v2' | 'id' | 'app' | 'app-v2' | 'graph'

/**
 * How the token is signed: `valid`; by a key that is nobody's under the `kid` of ours
 * (`foreign-key`) or under its own (`unknown-key`); with HMAC over our public key as PEM (`HS256`);
 * not at all (`none`); or validly, with one bit of the signature changed (`edited`).
 */
export type SignatureKind = 'valid' | 'foreign-key' | 'unknown-key' | 'HS256' | 'none' | 'edited'

/** What to mint. Without any member: alice's token for AKS, good for an hour. */
export interface MintRequest {
  readonly person?: string
  readonly kind?: TokenKind
  readonly client?: string
  /** Default: AKS for v1 and app, our own API for v2, the client for an ID token. */
  readonly audience?: string
  readonly scope?: string
  /** Seconds from now to `exp`; negative: expired. */
  readonly lifetime?: number
  /** The person is a guest of the tenant: no `upn`. */
  readonly guest?: boolean
  /** The person is in that many made-up groups; over 200 is overage. */
  readonly groups?: number
  /** Put over the claims of the kind; `null` takes one away. */
  readonly claims?: Claims
  /** Put over the header, likewise. It does not change how the token is signed. */
  readonly header?: Claims
  readonly signature?: SignatureKind
  /** Sign with this key, also after it was retired. */
  readonly kid?: string
}

/**
 * Mints a token of any kind, good or bad.
 *
 * @throws Error for a person, client or key that is not there
 */
export async function mint(state: MockState, request: MintRequest): Promise<string> {
  const key = request.kid ? state.keys.find(request.kid) : state.keys.current()
  if (!key) throw new Error(`there is no key ${request.kid}`)
  const kind = request.kind ?? 'v1'
  const claims = override(claimsOf(state, kind, request), request.claims)
  return signToken({ kind, claims, header: request.header }, key, request.signature ?? 'valid')
}

function claimsOf(state: MockState, kind: TokenKind, request: MintRequest): Claims {
  const ground = groundOf(state, kind, request)
  const scope = request.scope ?? defaultScopes[kind]
  const person = personOf(state, request)
  switch (kind) {
    case 'v1':
    case 'graph':
      return v1UserClaims(ground, person, scope)
    case 'v2':
      return v2UserClaims(ground, person, scope)
    case 'id':
      return idTokenClaims(ground, person, { oidc: scope.split(' ') })
    case 'app':
      return appClaims(ground, 1)
    case 'app-v2':
      return appClaims(ground, 2)
  }
}

const defaultScopes: Readonly<Record<TokenKind, string>> = {
  v1: 'user.read',
  v2: 'mcp.access',
  id: 'openid profile',
  graph: 'User.Read openid profile',
  app: '',
  'app-v2': '',
}

function groundOf(state: MockState, kind: TokenKind, request: MintRequest): TokenGround {
  const client = clientOf(state, request.client)
  const isV1 = kind === 'v1' || kind === 'app' || kind === 'graph'
  const place = { origin: state.origin, tenant: state.tenantId }
  const audiences: Readonly<Record<TokenKind, string>> = {
    v1: aksServerId,
    v2: ownApi.id,
    id: client.client_id,
    graph: graphId,
    app: aksServerId,
    'app-v2': ownApi.id,
  }
  return {
    tenantId: state.tenantId,
    issuer: isV1 ? v1Issuer(state.tenantId) : v2Issuer(place),
    audience: request.audience ?? audiences[kind],
    client,
    now: nowInSeconds(state),
    lifetime: request.lifetime ?? 3600,
  }
}

function personOf(state: MockState, request: MintRequest): Person {
  const person = findPerson(state.people, request.person ?? state.people.people[0]?.username ?? '')
  const groups = Array.from({ length: request.groups ?? 0 }, (_, index) => groupId(index))
  return {
    ...person,
    ...(request.groups === undefined ? {} : { groups }),
    ...(request.guest ? { home_tenant_id: 'f0e19000-0000-4000-8000-000000000f00' } : {}),
  }
}

function groupId(index: number): string {
  return `99099000-0000-4000-8000-${String(index).padStart(12, '0')}`
}

/** A token before it is signed. */
interface TokenDraft {
  readonly kind: TokenKind
  readonly claims: Claims
  readonly header?: Claims | undefined
}

/**
 * Signs a token as Entra does: v1.0 with `x5t` in the header, and Graph's with a `nonce` there whose
 * hash is what was signed, so that nobody but Graph can check it.
 */
export async function signToken(
  draft: TokenDraft,
  key: SigningKey,
  how: SignatureKind = 'valid',
): Promise<string> {
  const isV1 = draft.kind === 'v1' || draft.kind === 'app' || draft.kind === 'graph'
  const signer = how === 'foreign-key' || how === 'unknown-key' ? await stranger() : key
  const kid = how === 'unknown-key' ? signer.kid : key.kid
  const algorithm = how === 'HS256' || how === 'none' ? how : 'RS256'
  const plain = { typ: 'JWT', alg: algorithm, ...(isV1 ? { x5t: kid } : {}), kid }
  const nonce = draft.kind === 'graph' ? { nonce: randomBytes(24).toString('base64url') } : {}
  const shown = override({ ...plain, ...nonce }, draft.header)
  const signed = nonce.nonce ? { ...shown, nonce: sha256(nonce.nonce) } : shown
  const payload = encode(draft.claims)
  const signature = signatureOf(`${encode(signed)}.${payload}`, signer, how)
  return `${encode(shown)}.${payload}.${signature}`
}

function signatureOf(input: string, key: SigningKey, how: SignatureKind): string {
  if (how === 'none') return ''
  if (how === 'HS256') {
    const pem = key.publicKey.export({ type: 'spki', format: 'pem' })
    return createHmac('sha256', pem).update(input).digest('base64url')
  }
  const signature = sign('sha256', Buffer.from(input), key.privateKey)
  if (how === 'edited') signature.writeUInt8(signature.readUInt8(20) ^ 1, 20)
  return signature.toString('base64url')
}

let strangersKey: Promise<SigningKey> | undefined

/** A key of nobody's, made once: making one takes a tenth of a second. */
function stranger(): Promise<SigningKey> {
  strangersKey ??= createSigningKey()
  return strangersKey
}

function override(base: Claims, over: Claims | undefined): Claims {
  const entries = Object.entries({ ...base, ...over })
  return Object.fromEntries(entries.filter(([, value]) => value !== null && value !== undefined))
}

function encode(value: Claims): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('base64url')
}
