import { createHash, randomBytes } from 'node:crypto'
import { type Browser, signInAt, type Visitor } from '../environment/browser.ts'

/** Where an MCP client finds a broker: `http://localhost:<port>`. */
export interface BrokerAddress {
  readonly origin: string
  /** Of its authorization servers: `fleet`; absent: the first resource's. */
  readonly of?: string
}

function endpoint({ origin, of }: BrokerAddress, name: string): string {
  return `${origin}/oauth/${of === undefined ? '' : `${of}/`}${name}`
}

/** What an MCP client knows while its person signs in. */
export interface BegunSignIn {
  readonly url: URL
  readonly clientId: string
  readonly verifier: string
  readonly state: string
}

/** What a token endpoint answered. */
export interface TokenAnswer {
  readonly status: number
  readonly headers: Headers
  readonly body: Readonly<Record<string, unknown>>
}

/** Tokens as clients hold them. */
export interface HeldTokens {
  readonly clientId: string
  readonly access: string
  /** Empty: the provider gave none, so that none was handed out. */
  readonly refresh: string
}

export const clientRedirect = 'http://127.0.0.1:7777/callback'

/** Registers a client (RFC 7591) and makes its authorize request; parameters may be put over it. */
export async function beginSignIn(
  broker: BrokerAddress,
  parameters: Readonly<Record<string, string>> = {},
): Promise<BegunSignIn> {
  const response = await fetch(endpoint(broker, 'register'), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ client_name: 'A client', redirect_uris: [clientRedirect] }),
  })
  const registration = (await response.json()) as Record<string, unknown>
  if (response.status !== 201)
    throw new Error(`${response.status}: ${JSON.stringify(registration)}`)
  const clientId = String(registration['client_id'])
  const verifier = randomBytes(32).toString('base64url')
  const state = randomBytes(16).toString('base64url')
  const query = new URLSearchParams({
    client_id: clientId,
    redirect_uri: clientRedirect,
    response_type: 'code',
    state,
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
    ...parameters,
  })
  return { url: new URL(`${endpoint(broker, 'authorize')}?${query}`), clientId, verifier, state }
}

/** Posts a form to the token endpoint. */
export async function askForTokens(
  broker: BrokerAddress,
  form: Readonly<Record<string, string>>,
): Promise<TokenAnswer> {
  const response = await fetch(endpoint(broker, 'token'), {
    method: 'POST',
    body: new URLSearchParams(form),
  })
  const { status, headers } = response
  return { status, headers, body: (await response.json()) as Record<string, unknown> }
}

/** Redeems the code in the address that the browser came back to its client with. */
export function redeem(
  broker: BrokerAddress,
  { clientId, verifier }: Pick<BegunSignIn, 'clientId' | 'verifier'>,
  back: URL,
): Promise<TokenAnswer> {
  return askForTokens(broker, {
    grant_type: 'authorization_code',
    code: back.searchParams.get('code') ?? '',
    redirect_uri: clientRedirect,
    client_id: clientId,
    code_verifier: verifier,
  })
}

export function refresh(
  broker: BrokerAddress,
  { clientId, refresh: refreshToken }: HeldTokens,
): Promise<TokenAnswer> {
  return askForTokens(broker, {
    grant_type: 'refresh_token',
    refresh_token: refreshToken,
    client_id: clientId,
  })
}

/** Ends the session of a refresh token (RFC 7009); returns the status. */
export async function revoke(
  broker: BrokerAddress,
  { clientId, refresh: token }: HeldTokens,
): Promise<number> {
  const response = await fetch(endpoint(broker, 'revoke'), {
    method: 'POST',
    body: new URLSearchParams({ token, client_id: clientId }),
  })
  await response.body?.cancel()
  return response.status
}

/** The tokens in a good answer. */
export function heldTokens({ status, body }: TokenAnswer, clientId: string): HeldTokens {
  const { access_token: access, refresh_token: refreshToken = '' } = body
  if (status !== 200 || typeof access !== 'string' || typeof refreshToken !== 'string') {
    throw new Error(`no tokens but ${status}: ${JSON.stringify(body)}`)
  }
  return { clientId, access, refresh: refreshToken }
}

/** The whole sign-in of one person with a client that registers for it. */
export async function signIn(
  broker: BrokerAddress,
  browser: Browser,
  visitor: Visitor,
): Promise<HeldTokens> {
  const begun = await beginSignIn(broker)
  const back = await signInAt(browser, begun.url, visitor)
  return heldTokens(await redeem(broker, begun, back), begun.clientId)
}
