import { randomUUID } from 'node:crypto'
import { z } from 'zod'
import type { RelayConfig } from '../../config/config.ts'
import { texts } from '../../oauth/claims.ts'
import { invalidGrant, UnusableTokens } from '../../oauth/errors.ts'
import { readJwt } from '../../oauth/jwt.ts'
import type { KeyRing } from '../../sealing/derived-keys.ts'
import { open, seal } from '../../sealing/sealed-value.ts'
import type { ExchangedTokens } from '../provider/exchange.ts'
import type { IssuedTokens } from '../token/token-response.ts'
import { handedOutShape } from './access-token-format.ts'

const sessionShape = z.object({
  /** Names this one refresh token; each refresh makes another. */
  id: z.string(),
  /** The same for all refresh tokens that come of one sign-in. */
  family: z.string(),
  client: z.string(),
  /** What it is good for: relay tells by the audience, broker by the resource's name. */
  bound: z.union([
    z.strictObject({ audiences: z.array(z.string()) }),
    z.strictObject({ resource: z.string() }),
  ]),
  /** The person it was made for, as `Principal.personKey`. */
  person: z.string(),
  /** When the person signed in, milliseconds since the epoch. */
  began: z.number(),
  /** When it ends at the latest, whatever is configured later; milliseconds since the epoch. */
  ends: z.number(),
  /** What clients got when the person allowed it. */
  tokens: handedOutShape,
  /** The identity provider's refresh token; absent where it gave none. */
  provider: z.string().optional(),
})

/** What a refresh token of ours stands for. */
export type Session = z.infer<typeof sessionShape>

/** A session that begins. */
export function beginSession(
  of: Pick<Session, 'client' | 'bound' | 'person' | 'began'>,
  { session_lifetime: lifetime, tokens }: Pick<RelayConfig, 'session_lifetime' | 'tokens'>,
): Session {
  return { ...of, id: randomUUID(), family: randomUUID(), ends: of.began + lifetime, tokens }
}

/**
 * The session that a refresh token stands for.
 *
 * Not checked: client, what it is bound to, age, and whether it was used before.
 *
 * @throws ErrorAnswer `invalid_grant` for everything that was not made as a refresh token here
 */
export async function openSession(refreshToken: string, keys: KeyRing): Promise<Session> {
  const session = await sessionIn(refreshToken, keys)
  if (session) return session
  throw invalidGrant(
    'This refresh token was not made here, or was altered; sign in again.',
    'refresh_token_unknown',
  )
}

/** As {@link openSession}; `undefined` for everything that was not made as a refresh token here. */
export async function sessionIn(refreshToken: string, keys: KeyRing): Promise<Session | undefined> {
  return sessionShape.safeParse(await open(refreshToken, keys)).data
}

type Limits = Pick<RelayConfig, 'session_lifetime' | 'sessions_valid_after'>

/**
 * When a session is over whatever happens, milliseconds since the epoch. A longer `session_lifetime`
 * counts for later sessions alone: what is known of ended ones is known until their own end.
 */
export function endOf({ began, ends }: Pick<Session, 'began' | 'ends'>, limits: Limits): number {
  return Math.min(ends, began + limits.session_lifetime)
}

/**
 * Ends a session that is as long as sessions may be, or that the operator ended.
 *
 * @param now milliseconds since the epoch
 * @throws ErrorAnswer `invalid_grant`
 */
export function checkSession(
  session: Pick<Session, 'began' | 'ends'>,
  limits: Limits,
  now: number,
): void {
  const { sessions_valid_after: validAfter } = limits
  if (validAfter !== undefined && session.began < validAfter) {
    throw invalidGrant(
      'Every session that began as early as this one was ended by the operator; sign in again.',
      'session_ended',
    )
  }
  if (now < endOf(session, limits)) return
  throw invalidGrant(
    'This session has reached its full length (sign_in.session_lifetime); sign in again.',
    'session_over',
  )
}

/**
 * Ends a session that was allowed for sealed tokens where clients now get the cluster's own: that is
 * more than the person agreed to.
 *
 * @throws ErrorAnswer `invalid_grant`
 */
export function checkAgreed(
  { tokens }: Pick<Session, 'tokens'>,
  config: Pick<RelayConfig, 'tokens'>,
): void {
  if (tokens === config.tokens || tokens === 'passthrough') return
  throw invalidGrant(
    'What clients get here has changed since this was allowed (sign_in.tokens); sign in again.',
    'tokens_changed',
  )
}

/** What a session is refreshed with. */
export function providerTokenOf({ provider }: Session): string {
  if (provider !== undefined) return provider
  throw invalidGrant(
    'The identity provider gave no refresh token at sign-in; request_scopes must have offline_access. Sign in again.',
    'no_provider_refresh_token',
  )
}

/**
 * Ends a session that the provider refreshed to somebody else.
 *
 * @throws ErrorAnswer `invalid_grant`
 */
export function checkPerson(session: Session, { judged }: ExchangedTokens): void {
  if (judged.principal.userKey === session.person) return
  throw invalidGrant(
    'The identity provider refreshed the session to another person; sign in again.',
    'another_person',
  )
}

/**
 * Refuses tokens for an audience that a session is not bound to: resources may share some audiences
 * and not others.
 *
 * @throws UnusableTokens
 */
export function checkAudience({ bound }: Session, { judged }: ExchangedTokens): void {
  if (!('audiences' in bound) || bound.audiences.length === 0) return
  const { claims } = readJwt(judged.bearer) ?? { claims: {} }
  if (texts(claims, 'aud').some((audience) => bound.audiences.includes(audience))) return
  throw new UnusableTokens(
    'The identity provider refreshed the session to another audience; request_scopes of the resources differ in what they ask for.',
    'another_audience',
  )
}

/** How an answer is made of tokens. */
export interface Issuing {
  readonly keys: KeyRing
  /** Milliseconds since the epoch. */
  readonly now: number
  readonly scope: readonly string[]
  /** The access token as the client gets it. */
  readonly accessToken: string
}

/** The answer to the client; the session goes on in its refresh token. */
export async function issueTokens(
  session: Session,
  { tokens, judged }: ExchangedTokens,
  { keys, now, scope, accessToken }: Issuing,
): Promise<IssuedTokens> {
  const { principal } = judged
  const provider = tokens.refreshToken ?? session.provider
  const next: Session = {
    ...session,
    id: randomUUID(),
    ...(provider !== undefined && { provider }),
  }
  const left = principal.expiresAt - now
  return {
    identity: principal.identity,
    answer: {
      access_token: accessToken,
      token_type: 'Bearer',
      expires_in: Math.max(0, Math.floor(left / 1000)),
      refresh_token: await seal(next, keys),
      ...(scope.length > 0 && { scope: scope.join(' ') }),
    },
  }
}
