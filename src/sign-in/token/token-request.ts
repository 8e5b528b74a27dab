import { NO_CLAIMS_REQUEST, readClaimsRequest } from '../../oauth/claims-request.ts'
import { invalidRequest, unsupportedGrantType } from '../../oauth/errors.ts'
import { type OAuthParameters, readParameters, required } from '../../oauth/parameters.ts'
import { type PresentedClient, readClient } from '../clients/client-credentials.ts'

/** A token request whose form is right; nothing in it is believed yet. */
export interface TokenRequest {
  readonly client: PresentedClient
  readonly grant: CodeGrant | RefreshGrant
  /** Every `resource` (RFC 8707); none: the client did not say. */
  readonly resources: readonly string[]
  /** A claims request (OpenID Connect Core §5.5), JSON. */
  readonly claims?: string
}

/** RFC 6749 §4.1.3 with RFC 7636 §4.5. */
export interface CodeGrant {
  readonly type: 'authorization_code'
  readonly code: string
  readonly redirectUri?: string
  readonly codeVerifier: string
}

/** RFC 6749 §6. */
export interface RefreshGrant {
  readonly type: 'refresh_token'
  readonly refreshToken: string
}

/** RFC 7636 §4.1. */
const VERIFIER = /^[A-Za-z0-9\-._~]{43,128}$/

/**
 * Reads the form of a token request (RFC 6749 §3.2).
 *
 * @param body the form as it came
 * @param authorization every Authorization value as it came
 * @throws ErrorAnswer 400 or 401
 */
export function readTokenRequest(body: string, authorization: readonly string[]): TokenRequest {
  const form = readParameters(body, { from: 'form', repeatable: ['resource'] })
  const grantType = form.get('grant_type')
  if (grantType === undefined) throw invalidRequest('The parameter grant_type is missing.')
  if (grantType !== 'authorization_code' && grantType !== 'refresh_token') {
    throw unsupportedGrantType()
  }
  const client = readClient(authorization, form)
  const claims = readClaims(form)
  return {
    ...(claims && { claims }),
    client,
    grant: grantType === 'refresh_token' ? readRefreshGrant(form) : readCodeGrant(form),
    resources: form.all('resource'),
  }
}

function readCodeGrant(form: OAuthParameters): CodeGrant {
  const redirectUri = form.get('redirect_uri')
  const codeVerifier = form.get('code_verifier')
  if (codeVerifier === undefined) {
    throw invalidRequest('The parameter code_verifier is missing: PKCE is required (RFC 7636).')
  }
  if (!VERIFIER.test(codeVerifier)) {
    throw invalidRequest(
      'The parameter code_verifier is not 43 to 128 of the characters A-Z a-z 0-9 - . _ ~.',
    )
  }
  return {
    type: 'authorization_code',
    code: required(form, 'code'),
    codeVerifier,
    ...(redirectUri !== undefined && { redirectUri }),
  }
}

function readRefreshGrant(form: OAuthParameters): RefreshGrant {
  return { type: 'refresh_token', refreshToken: required(form, 'refresh_token') }
}

/** What a client sends that got a claims challenge and knows what it is (MSAL). */
function readClaims(form: OAuthParameters): string | undefined {
  const text = form.get('claims')
  if (text === undefined) return undefined
  const claims = readClaimsRequest(text)
  if (claims === undefined) throw invalidRequest(`The parameter ${NO_CLAIMS_REQUEST}`)
  return claims
}
