import { ErrorAnswer } from '../../oauth/error-answer.ts'
import { type JsonObject, parseObject } from '../../oauth/json.ts'
import { printableAddress } from '../../oauth/printable.ts'
import { shownName } from './client-name.ts'
import { presetWith, type RedirectUriRule } from './redirect-uris.ts'
import {
  LONGEST_CLIENT_ID,
  makeClientId,
  type Registration,
  type RegistrationScope,
} from './registration-id.ts'

/** Who may be registered, and where the registration counts. */
export interface RegistrationRules extends RegistrationScope {
  readonly publicUrl: string
  /** What `redirect_uris` allows. */
  readonly allows: RedirectUriRule
}

/** What a client is told of its registration (RFC 7591 §3.2.1). */
export interface RegistrationAnswer {
  readonly client_id: string
  /** Seconds since the epoch. */
  readonly client_id_issued_at: number
  readonly client_name?: string
  readonly redirect_uris: readonly string[]
  readonly token_endpoint_auth_method: 'none'
  readonly grant_types: readonly string[]
  readonly response_types: readonly string[]
}

/**
 * Registers a client (RFC 7591 §3.1). Every client is a public one: whichever way to authenticate it
 * asked for, the answer is `none`, since a secret that anybody may fetch proves nothing. Of its
 * redirect URIs those are kept that may be used; what means nothing here is ignored, as §2 demands.
 *
 * @param body the request's body as it came
 * @param now milliseconds since the epoch
 * @throws ErrorAnswer 400 `invalid_client_metadata` or `invalid_redirect_uri`
 */
export function register(body: string, rules: RegistrationRules, now: number): RegistrationAnswer {
  const metadata = readMetadata(body)
  const name = shownName(metadata['client_name'])
  const registration: Registration = {
    redirectUris: usableRedirectUris(metadata['redirect_uris'], rules),
    issuedAt: Math.floor(now / 1000),
    ...(name !== undefined && { name }),
  }
  const clientId = makeClientId(registration, rules)
  if (clientId.length > LONGEST_CLIENT_ID) {
    throw invalidRedirectUri('The redirect URIs are too long together; register fewer of them.')
  }
  return {
    client_id: clientId,
    client_id_issued_at: registration.issuedAt,
    ...(name !== undefined && { client_name: name }),
    redirect_uris: registration.redirectUris,
    token_endpoint_auth_method: 'none',
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
  }
}

function readMetadata(body: string): JsonObject {
  const metadata = parseObject(body)
  if (metadata) return metadata
  throw new ErrorAnswer({
    status: 400,
    error: 'invalid_client_metadata',
    description: 'The body of a registration is a JSON object with the metadata of the client.',
  })
}

function usableRedirectUris(
  value: unknown,
  { allows, publicUrl }: Pick<RegistrationRules, 'allows' | 'publicUrl'>,
): readonly string[] {
  const listed = Array.isArray(value) ? value.filter((uri) => typeof uri === 'string') : []
  const [first] = listed
  if (first === undefined) {
    throw invalidRedirectUri('The field redirect_uris must be a list with at least one URI.')
  }
  const usable = [...new Set(listed.filter(allows))]
  if (usable.length > 0) return usable
  throw invalidRedirectUri(noUsableRedirectUri(first, publicUrl))
}

/** That none of a client's redirect URIs may be used, and what would help; `uri` is one of them. */
export function noUsableRedirectUri(uri: string, publicUrl: string): string {
  const preset = presetWith(uri, publicUrl)
  const hint = preset === undefined ? '' : ` (the preset "${preset}" has this one)`
  return `No redirect URI of this client may be used here, such as ${printableAddress(uri)}: the operator of this server allows them with sign_in.redirect_uris${hint}.`
}

function invalidRedirectUri(description: string): ErrorAnswer {
  return new ErrorAnswer({ status: 400, error: 'invalid_redirect_uri', description })
}
