import { hash } from 'node:crypto'
import { member, text, texts } from '../oauth/claims.ts'
import type { JsonObject } from '../oauth/json.ts'
import { type Jwt, readJwt } from '../oauth/jwt.ts'
import { printable } from '../oauth/printable.ts'
import { equal } from '../sealing/digest.ts'
import type { TokenVerifier } from './token-verifier.ts'

/** An ID token as the token endpoint gave it, with what it must fit. */
export interface ReceivedIdToken {
  readonly idToken: string
  /** That of the authorize request; absent where none was sent, as at a refresh (§12.2). */
  readonly nonce?: string
  /** The one of the same answer: an `at_hash` in the ID token must be its (§3.1.3.8). */
  readonly accessToken?: string
}

/** What every ID token of one provider for one client is judged by. */
export interface IdTokenRules {
  readonly verifier: Pick<TokenVerifier, 'verify'>
  /** As the discovery document spells it; absent until discovery. */
  readonly issuer: () => string | undefined
  readonly clientId: string
  /** Those of `signing_algorithms`, and what discovery offers for ID tokens. */
  readonly algorithms: () => readonly string[]
}

/** What came of verifying an ID token: only `valid` has claims, and they are those that were signed. */
export type IdTokenVerdict =
  | { readonly kind: 'valid'; readonly claims: JsonObject }
  | {
      readonly kind: 'invalid'
      readonly flaw: IdTokenFlaw
      /** For people: what is wrong and the remedy, whole sentences in printable ASCII. */
      readonly description: string
    }
  | {
      /** The key set cannot decide at the moment. */
      readonly kind: 'unavailable'
      /** Whole seconds, at least 1. */
      readonly retryAfter: number
    }

/** Why an ID token cannot be used; short, for logs. */
export type IdTokenFlaw =
  | 'not_a_jwt'
  | 'algorithm'
  | 'signature'
  | 'issuer'
  | 'audience'
  | 'authorized_party'
  | 'subject'
  | 'expired'
  | 'not_yet_valid'
  | 'nonce'
  | 'access_token_hash'

/** Leeway for clocks that differ, milliseconds; for `iat` and `nbf` alone, as for access tokens. */
const LEEWAY_MS = 30_000

/**
 * Verifies an ID token of the provider (OpenID Connect Core §3.1.3.7): its signature by a key of the
 * key set, `iss`, `aud` and `azp`, `exp`, `iat` and `nbf`, the nonce against code injection and replay,
 * and `at_hash` against a swapped access token. The claims of what was signed come back.
 *
 * Not checked: `acr`, `auth_time` and whether the user may do anything. Whoever wants all tokens of one
 * answer to be the same user's compares them.
 *
 * @param now milliseconds since the epoch; asked after waiting for a key
 * @returns never rejects
 */
export async function verifyIdToken(
  received: ReceivedIdToken,
  rules: IdTokenRules,
  now: () => number,
): Promise<IdTokenVerdict> {
  const jwt = readJwt(received.idToken)
  if (!jwt) return invalid('not_a_jwt', rules)
  const algorithm = member(jwt.header, 'alg')
  const algorithms = rules.algorithms()
  if (typeof algorithm !== 'string' || !algorithms.includes(algorithm)) {
    return invalid('algorithm', rules, jwt)
  }
  const verification = await rules.verifier.verify(jwt, algorithms)
  if (verification.kind === 'unavailable') {
    return { kind: 'unavailable', retryAfter: verification.retryAfter }
  }
  if (verification.kind !== 'signed') return invalid('signature', rules, jwt)
  const { claims } = verification.token.jwt
  const flaw = flawOf(claims, received, rules, now()) ?? hashFlaw(claims, received, algorithm)
  return flaw ? invalid(flaw, rules, jwt) : { kind: 'valid', claims }
}

function flawOf(
  claims: JsonObject,
  { nonce }: ReceivedIdToken,
  { issuer, clientId }: IdTokenRules,
  now: number,
): IdTokenFlaw | undefined {
  const iss = text(claims, 'iss')
  if (iss === undefined || iss !== issuer()) return 'issuer'
  const audiences = texts(claims, 'aud')
  if (!audiences.includes(clientId)) return 'audience'
  // A token for several audiences says by `azp` whom it was issued to; one that names another is his.
  const azp = member(claims, 'azp')
  if (azp === undefined ? audiences.length > 1 : azp !== clientId) return 'authorized_party'
  if (text(claims, 'sub') === undefined) return 'subject'
  return timeFlaw(claims, now) ?? (nonce === undefined ? undefined : nonceFlaw(claims, nonce))
}

function timeFlaw(claims: JsonObject, now: number): IdTokenFlaw | undefined {
  const [exp, iat, nbf = 0] = ['exp', 'iat', 'nbf'].map((name) => member(claims, name))
  if (typeof exp !== 'number' || now >= Math.floor(exp) * 1000) return 'expired'
  const starts = [iat, nbf].every(
    (time) => typeof time === 'number' && time * 1000 <= now + LEEWAY_MS,
  )
  return starts ? undefined : 'not_yet_valid'
}

function nonceFlaw(claims: JsonObject, expected: string): IdTokenFlaw | undefined {
  return equal(text(claims, 'nonce') ?? '', expected) ? undefined : 'nonce'
}

/** Absent in the code flow at most providers, where TLS binds the two tokens (§3.1.3.8). */
function hashFlaw(
  claims: JsonObject,
  { accessToken }: ReceivedIdToken,
  algorithm: string,
): IdTokenFlaw | undefined {
  const given = member(claims, 'at_hash')
  const digest = /(?:256|384|512)$/.exec(algorithm)?.[0]
  if (given === undefined || accessToken === undefined || digest === undefined) return undefined
  const whole = hash(`sha${digest}`, accessToken, 'buffer')
  const half = whole.subarray(0, whole.length / 2).toString('base64url')
  return typeof given === 'string' && equal(given, half) ? undefined : 'access_token_hash'
}

function invalid(flaw: IdTokenFlaw, rules: IdTokenRules, jwt?: Jwt): IdTokenVerdict {
  return {
    kind: 'invalid',
    flaw,
    description: `The ID token ${words[flaw](rules, jwt?.claims, jwt)}`,
  }
}

type Words = (rules: IdTokenRules, claims: JsonObject | undefined, jwt: Jwt | undefined) => string

/** What is wrong, and what an administrator or operator does about it. */
const words: Readonly<Record<IdTokenFlaw, Words>> = {
  not_a_jwt: () =>
    'of the identity provider is not a signed JWT; let the provider sign ID tokens for this client, and not encrypt them.',
  algorithm: ({ algorithms }, _claims, jwt) =>
    `is signed with ${shown(jwt && member(jwt.header, 'alg'))}, and taken are ${algorithms().join(', ')} (signing_algorithms, and what discovery offers); let the provider sign ID tokens of this client with one of these.`,
  signature: () =>
    'is not signed by a key of the identity provider; see that nothing between rolecall and the provider changes answers, and that jwks_uri of its discovery document lists the key that signs ID tokens.',
  issuer: ({ issuer }, claims) =>
    `is from issuer ${shown(claims && member(claims, 'iss'))} and not from ${issuer() ?? 'a known one'}; the provider must name one issuer in its discovery document and in its ID tokens.`,
  audience: ({ clientId }, claims) =>
    `is for ${shown(claims && texts(claims, 'aud').join(', '))} and not for ${clientId}; the provider must put identity_provider.client_id into aud of its ID tokens.`,
  authorized_party: ({ clientId }, claims) =>
    `was issued to client ${shown(claims && member(claims, 'azp'))} (azp) and not to ${clientId}; a provider that adds audiences to ID tokens must name the client in azp.`,
  subject: () =>
    'has no subject (sub), so it does not say whose it is; let the provider put sub into ID tokens.',
  expired: () =>
    'has expired or has no exp; compare the clocks of this server and of the identity provider.',
  not_yet_valid: () =>
    'is not valid yet, or has no iat; compare the clocks of this server and of the identity provider.',
  nonce: () => 'is of another sign-in than the one that was begun; sign in again.',
  access_token_hash: () =>
    'belongs to another access token (at_hash); see that nothing between rolecall and the provider changes answers.',
}

function shown(value: unknown): string {
  if (value === undefined || value === '') return 'none'
  return printable(typeof value === 'object' ? JSON.stringify(value) : String(value))
}
