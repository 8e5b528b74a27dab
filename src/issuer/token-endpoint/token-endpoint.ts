import {
  allowInsecureRequests,
  type ClientAuth,
  ClientError,
  Configuration,
  clockSkew,
  customFetch,
  genericGrantRequest,
  type ServerMetadata,
  type TokenEndpointResponse,
  type TokenEndpointResponseHelpers,
} from 'openid-client'
import type { Clock } from '../../clock.ts'
import type { ProviderCredential } from '../../config/config.ts'
import { type BoundedFetch, checkedUrl, type PlainHttp } from '../../net/bounded-fetch.ts'
import { asDocumentError, type DocumentError } from '../../net/document-error.ts'
import { parseObject } from '../../oauth/json.ts'
import { CredentialError, clientAuthentication, type ReadText } from './client-credential.ts'
import type { GrantOutcome, ProviderGrants, ProviderTokens } from './provider-grants.ts'
import {
  judgeErrorResponse,
  SHORTEST_RETRY_SECONDS,
  type TokenErrorResponse,
} from './token-endpoint-error.ts'

/** What grants are asked with. */
export interface TokenEndpointOptions {
  readonly clock: Clock
  readonly clientId: string
  /** Whether grants name their scope; else none is ever sent. */
  readonly namesScope: boolean
  /** Whether the provider takes claims requests. */
  readonly takesClaims: () => boolean
  /** Bounded in time and size. */
  readonly fetch: BoundedFetch
  /** Which token endpoints may be asked by plain http. */
  readonly plainHttp: PlainHttp
  /** As it is now. */
  readonly credential: () => ProviderCredential
  /** The discovery document as it is now. */
  readonly metadata: () => ServerMetadata | undefined
  /** Milliseconds until discovery is tried again. */
  readonly discoveryIn: () => number
  /** In place of the file system; for tests. */
  readonly readText?: ReadText
}

/**
 * The identity provider's token endpoint, with our credential. One request for one grant, never
 * repeated: a code and a rotated refresh token are good once. `resource` is never sent.
 *
 * Not checked: the tokens. An ID token is kept away from openid-client, which would refuse the whole
 * answer for it, and nobody would know that the grant is spent.
 */
export function createTokenEndpoint(options: TokenEndpointOptions): ProviderGrants {
  return {
    redeemCode: ({ code, redirectUri, codeVerifier, scope = [], claims }) => {
      const proof = { code, redirect_uri: redirectUri, code_verifier: codeVerifier }
      const asked = { ...scopeParameter(scope, options), ...claimsParameter(claims, options) }
      return ask('authorization_code', { ...proof, ...asked }, options)
    },
    refresh: ({ refreshToken, scope, claims }) => {
      const asked = { ...scopeParameter(scope, options), ...claimsParameter(claims, options) }
      const parameters = { refresh_token: refreshToken, ...asked }
      return ask('refresh_token', parameters, options)
    },
  }
}

type Parameters = Readonly<Record<string, string>>

function scopeParameter(scope: readonly string[], options: TokenEndpointOptions): Parameters {
  return scope.length === 0 || !options.namesScope ? {} : { scope: scope.join(' ') }
}

function claimsParameter(claims: string | undefined, options: TokenEndpointOptions): Parameters {
  return claims === undefined || !options.takesClaims() ? {} : { claims }
}

async function ask(
  grantType: string,
  parameters: Parameters,
  options: TokenEndpointOptions,
): Promise<GrantOutcome> {
  const { clock, readText } = options
  const metadata = options.metadata()
  if (!metadata) {
    const retryAfter = Math.max(SHORTEST_RETRY_SECONDS, Math.ceil(options.discoveryIn() / 1000))
    return unavailable('the discovery document is not there yet', retryAfter)
  }
  try {
    const url = checkedUrl(String(metadata.token_endpoint), options.plainHttp)
    const use = { clock, metadata, ...(readText && { readText }) }
    const authentication = await clientAuthentication(options.credential(), use)
    return await exchange({ grantType, parameters, metadata, url, authentication }, options)
  } catch (error) {
    if (error instanceof CredentialError) return misconfigured(error)
    return unavailable(asDocumentError(error).message)
  }
}

interface Grant {
  readonly grantType: string
  readonly parameters: Parameters
  readonly metadata: ServerMetadata
  readonly url: URL
  readonly authentication: ClientAuth
}

type TokenResponse = TokenEndpointResponse & TokenEndpointResponseHelpers

async function exchange(grant: Grant, options: TokenEndpointOptions): Promise<GrantOutcome> {
  const { clientId, clock } = options
  const recorder = recordAnswer(options.fetch)
  // openid-client reads the machine's clock by itself; this makes it ours.
  const client = { [clockSkew]: Math.round((clock.now() - Date.now()) / 1000) }
  const configuration = new Configuration(grant.metadata, clientId, client, grant.authentication)
  configuration[customFetch] = recorder.fetch
  // checkedUrl has decided that plain http is taken there.
  if (grant.url.protocol === 'http:') allowInsecureRequests(configuration)
  const result = await genericGrantRequest(configuration, grant.grantType, {
    ...grant.parameters,
  }).then(
    (answer) => ({ answer }),
    // openid-client hangs whole bodies on its errors: the code is all that leaves here.
    (error: unknown) => ({ code: clientErrorCode(error) }),
  )
  const { failure, errorAnswer, idToken } = recorder.seen()
  if (failure) return unavailable(failure.message)
  if (errorAnswer) return judgeErrorResponse(errorAnswer, clock.now())
  if ('code' in result) return unavailable(`${label(grant.url)}: ${unusable(result.code)}`)
  return tokensOf(result.answer, idToken, grant.url)
}

interface Recorder {
  readonly fetch: BoundedFetch
  /** What the one request came to, when it was not an answer of 200; else its ID token. */
  seen(): {
    readonly failure?: DocumentError
    readonly errorAnswer?: TokenErrorResponse
    readonly idToken?: string
  }
}

/** openid-client has many errors for one answer that is not 200; ours is judged from the answer. */
function recordAnswer(fetch: BoundedFetch): Recorder {
  let seen: ReturnType<Recorder['seen']> = {}
  return {
    async fetch(url, init) {
      const response = await fetch(url, init).catch((error: unknown) => {
        seen = { failure: asDocumentError(error) }
        throw error
      })
      if (response.status !== 200) {
        const { status, headers } = response
        const retryAfter = headers.get('retry-after') ?? undefined
        const body = await response.clone().text()
        seen = { errorAnswer: { status, body, ...(retryAfter !== undefined && { retryAfter }) } }
        return response
      }
      const { id_token: idToken, ...rest } = parseObject(await response.clone().text()) ?? {}
      if (idToken === undefined) return response
      // What is no text is no ID token either, and is judged as such.
      if (idToken !== null) seen = { idToken: typeof idToken === 'string' ? idToken : '' }
      return new Response(JSON.stringify(rest), { status: 200, headers: response.headers })
    },
    seen: () => seen,
  }
}

function tokensOf(answer: TokenResponse, idToken: string | undefined, url: URL): GrantOutcome {
  // openid-client also takes `dpop`, a token that is no bearer token for anybody.
  if (answer.token_type !== 'bearer') {
    return unavailable(`${label(url)}: gave a token that is not a bearer token`)
  }
  const { access_token, refresh_token, expires_in } = answer
  const tokens: ProviderTokens = {
    accessToken: access_token,
    ...(refresh_token !== undefined && { refreshToken: refresh_token }),
    ...(idToken !== undefined && { idToken }),
    ...(expires_in !== undefined && { expiresIn: Math.floor(expires_in) }),
  }
  return { kind: 'tokens', tokens }
}

const unusableAnswers: Readonly<Record<string, string>> = {
  OAUTH_RESPONSE_IS_NOT_JSON: 'answered 200 without JSON',
  OAUTH_PARSE_ERROR: 'answered 200 without JSON',
  OAUTH_INVALID_RESPONSE: 'answered 200 without an access_token, or with members of a wrong kind',
}

function unusable(code: string): string {
  return unusableAnswers[code] ?? `gave an answer that cannot be used (${code})`
}

function clientErrorCode(error: unknown): string {
  return error instanceof ClientError ? (error.code ?? 'unknown') : 'unknown'
}

function misconfigured({ message, remedy }: CredentialError): GrantOutcome {
  const what = `rolecall cannot use its own credential: ${message}.`
  return { kind: 'misconfigured', explanation: { what, whose: 'operator', remedy } }
}

function unavailable(reason: string, retryAfter = SHORTEST_RETRY_SECONDS): GrantOutcome {
  return { kind: 'unavailable', reason, retryAfter }
}

function label(url: URL): string {
  return url.origin + url.pathname
}
