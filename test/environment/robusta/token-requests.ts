import { z } from 'zod'
import { Problem, SHOWN_CHARACTERS } from './problem.ts'
import type { Received, RequestLog } from './request-log.ts'

/** Where tokens come from, and for whom. The client is public: whoever has its secret is not us. */
export interface TokenClient {
  readonly tokenEndpoint: string
  readonly clientId: string
  /** Absent: no `resource` is sent (`oauth.resource: ""`). */
  readonly resource?: string
}

/** A code as the callback page handed it over, with what belongs to it. */
export interface RedeemableCode {
  readonly code: string
  readonly redirectUri: string
  readonly verifier: string
}

/** What HolmesGPT reads in a token answer. */
export interface Tokens {
  readonly accessToken: string
  readonly refreshToken?: string
  /** Seconds. */
  readonly expiresIn: number
}

const TIMEOUT = 30_000

/**
 * Redeems a code in HolmesGPT's words: a form without a secret, `client_id` in the body, and the
 * parameters in its order.
 *
 * @throws Problem with the first 300 characters of the answer
 */
export async function exchangeCode(
  client: TokenClient,
  code: RedeemableCode,
  log: RequestLog,
): Promise<Tokens> {
  const answer = await send(client, log, {
    grant_type: 'authorization_code',
    code: code.code,
    redirect_uri: code.redirectUri,
    client_id: client.clientId,
    code_verifier: code.verifier,
  })
  const isSuccess = answer.status >= 200 && answer.status < 300
  return readTokens(answer, isSuccess, 'Token exchange failed')
}

/**
 * Asks for a new access token in HolmesGPT's words: no secret and no scope. As there, nothing but
 * status 200 is a success.
 *
 * @throws Problem with the first 300 characters of the answer
 */
export async function refreshTokens(
  client: TokenClient,
  refreshToken: string,
  log: RequestLog,
): Promise<Tokens> {
  const answer = await send(client, log, {
    grant_type: 'refresh_token',
    refresh_token: refreshToken,
    client_id: client.clientId,
  })
  return readTokens(answer, answer.status === 200, 'Token refresh failed')
}

async function send(
  { tokenEndpoint, resource }: TokenClient,
  log: RequestLog,
  form: Readonly<Record<string, string>>,
): Promise<Received> {
  const fields = resource === undefined ? form : { ...form, resource }
  try {
    return await log.send('POST', tokenEndpoint, {
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams(fields).toString(),
      timeout: TIMEOUT,
    })
  } catch {
    throw new Problem({
      title: 'The token endpoint cannot be reached.',
      words: `No HTTP response from ${tokenEndpoint}.`,
      remedy: 'Look whether rolecall runs.',
    })
  }
}

const tokensSchema = z.object({
  access_token: z.string().min(1),
  refresh_token: z.string().optional(),
  // HolmesGPT adds to it: a text would end its sign-in.
  expires_in: z.int().prefault(300),
})

function readTokens(answer: Received, isSuccess: boolean, title: string): Tokens {
  const tokens = isSuccess ? tokensSchema.safeParse(answer.json).data : undefined
  if (!tokens) throw refused(answer, title)
  return {
    accessToken: tokens.access_token,
    expiresIn: tokens.expires_in,
    ...(tokens.refresh_token === undefined ? {} : { refreshToken: tokens.refresh_token }),
  }
}

/** A success that cannot be read may hold tokens: nothing of it is shown. */
function refused({ status, text }: Received, title: string): Problem {
  const words = status >= 400 ? text.slice(0, SHOWN_CHARACTERS) : 'The answer has no token.'
  return new Problem({ title: `${title} (HTTP ${status}).`, words })
}
