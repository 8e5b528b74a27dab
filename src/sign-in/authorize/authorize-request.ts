import { NO_CLAIMS_REQUEST, readClaimsRequest } from '../../oauth/claims-request.ts'
import { ErrorAnswer } from '../../oauth/error-answer.ts'
import { type OAuthParameters, required } from '../../oauth/parameters.ts'
import type { Client } from '../clients/client.ts'

/** Where answers to a client go; nothing is sent there before it was judged. */
export interface ReturnAddress {
  readonly client: Client
  readonly redirectUri: string
  readonly state?: string
}

/** What a good authorize request asks for. */
export interface AuthorizeRequest {
  /** RFC 7636, S256. */
  readonly challenge: string
  /** What the client wants of the identity provider's page. */
  readonly prompt?: 'none' | 'login' | 'select_account'
  /** What the client got in a claims challenge: a claims request (OpenID Connect Core §5.5), JSON. */
  readonly claims?: string
}

/** An error that goes to the client (RFC 6749 §4.1.2.1). */
export class AuthorizeRefusal extends Error {
  readonly error: string

  constructor(error: string, description: string) {
    super(description)
    this.error = error
  }
}

/**
 * Where the client is answered. Only after this may an error go to it by redirect (open redirect).
 *
 * @throws ErrorAnswer 400, for the page that the user sees
 */
export function returnAddress(
  parameters: OAuthParameters,
  client: Client | undefined,
): ReturnAddress {
  if (!client) {
    throw new ErrorAnswer({
      status: 400,
      error: 'invalid_client',
      description:
        'This client is not known here: remove its sign-in and connect it again, so that it registers anew.',
    })
  }
  const redirectUri =
    parameters.get('redirect_uri') ?? client.onlyRedirect ?? required(parameters, 'redirect_uri')
  if (!client.allowsRedirect(redirectUri)) {
    throw new ErrorAnswer({
      status: 400,
      error: 'invalid_redirect_uri',
      description:
        'The address that the client wants to be answered at is not one that it registered or that sign_in.redirect_uris allows.',
    })
  }
  const state = parameters.get('state')
  return { client, redirectUri, ...(state !== undefined && { state }) }
}

/** base64url of a SHA-256 digest. */
const CHALLENGE = /^[A-Za-z0-9_-]{43}$/

/**
 * Judges what the client asks for. Scopes and unknown parameters are ignored; `prompt=consent` is
 * dropped, since consent is asked for here.
 *
 * @throws AuthorizeRefusal
 */
export function readAuthorizeRequest(parameters: OAuthParameters): AuthorizeRequest {
  for (const name of ['request', 'request_uri']) {
    if (!parameters.has(name)) continue
    throw new AuthorizeRefusal(`${name}_not_supported`, 'Request objects are not taken here.')
  }
  const responseType = parameters.get('response_type')
  if (responseType === undefined) {
    throw new AuthorizeRefusal('invalid_request', 'The parameter response_type is missing.')
  }
  if (responseType !== 'code') {
    throw new AuthorizeRefusal('unsupported_response_type', 'response_type must be code.')
  }
  if ((parameters.get('response_mode') ?? 'query') !== 'query') {
    throw new AuthorizeRefusal('invalid_request', 'response_mode must be query or left out.')
  }
  const challenge = parameters.get('code_challenge')
  if (challenge === undefined) {
    throw new AuthorizeRefusal('invalid_request', 'code_challenge is missing: PKCE is required.')
  }
  if (parameters.get('code_challenge_method') !== 'S256') {
    throw new AuthorizeRefusal('invalid_request', 'code_challenge_method must be S256.')
  }
  if (!CHALLENGE.test(challenge)) {
    throw new AuthorizeRefusal('invalid_request', 'code_challenge is not a SHA-256 in base64url.')
  }
  const prompt = readPrompt(parameters.get('prompt'))
  const claims = readClaims(parameters.get('claims'))
  return { challenge, ...(prompt && { prompt }), ...(claims && { claims }) }
}

function readClaims(text: string | undefined): string | undefined {
  if (text === undefined) return undefined
  const claims = readClaimsRequest(text)
  if (claims === undefined) throw new AuthorizeRefusal('invalid_request', NO_CLAIMS_REQUEST)
  return claims
}

function readPrompt(text = ''): AuthorizeRequest['prompt'] {
  const values = new Set(text.split(' '))
  values.delete('consent')
  const [only] = values
  if (values.size !== 1) return undefined
  return only === 'none' || only === 'login' || only === 'select_account' ? only : undefined
}

/**
 * The address that brings an answer to a client. Not through URL: private schemes and the exact
 * text of a registered address must survive.
 */
export function answerAddress(
  { redirectUri, state }: { readonly redirectUri: string; readonly state?: string | undefined },
  answer: Readonly<Record<string, string>>,
  issuer: string | undefined,
): string {
  const query = new URLSearchParams({
    ...answer,
    ...(state !== undefined && { state }),
    ...(issuer !== undefined && { iss: issuer }),
  })
  return `${redirectUri}${redirectUri.includes('?') ? '&' : '?'}${query}`
}
