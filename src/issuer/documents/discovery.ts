import {
  allowInsecureRequests,
  ClientError,
  customFetch,
  discovery,
  type ServerMetadata,
} from 'openid-client'
import { type BoundedFetch, checkedUrl } from '../../net/bounded-fetch.ts'
import { asDocumentError, DocumentError, type DocumentFailure } from '../../net/document-error.ts'
import type { JsonObject } from '../../oauth/json.ts'
import type { IssuerProfile } from '../issuer-profile.ts'

/** A discovery document whose issuer is the right one. */
export interface Discovered {
  /** As the document spells it. */
  readonly issuer: string
  readonly keySetUrl: string
  /** The whole document. */
  readonly metadata: JsonObject & ServerMetadata
}

/** openid-client discovers for a client only, and the document is the same for all. */
const NO_CLIENT_ID = 'rolecall-has-no-client-id'

/**
 * Fetches the discovery document and judges its issuer (OpenID Connect Discovery 1.0 §4).
 *
 * openid-client compares issuers as parsed URLs, waives the comparison for Entra, and cannot know
 * an `authority`. Given the document's own address it leaves the comparison to us, and the
 * profile's is exact.
 *
 * Not checked: endpoints other than `jwks_uri`; whoever uses one checks it.
 *
 * @throws DocumentError
 */
export async function discover(profile: IssuerProfile, fetch: BoundedFetch): Promise<Discovered> {
  const url = checkedUrl(profile.discoveryUrl, profile.plainHttp)
  const configuration = await discovery(url, NO_CLIENT_ID, undefined, undefined, {
    [customFetch]: fetch,
    // checkedUrl decides where plain http is taken, here and again at every request.
    execute: url.protocol === 'http:' ? [allowInsecureRequests] : [],
  }).catch((error: unknown) => {
    throw discoveryError(error, profile.discoveryUrl)
  })
  const metadata: JsonObject & ServerMetadata = { ...configuration.serverMetadata() }
  const { issuer, jwks_uri: keySetUrl } = metadata
  if (!profile.acceptsIssuer(issuer)) {
    throw new DocumentError('wrong_issuer', `${profile.discoveryUrl}: names another issuer`)
  }
  if (typeof keySetUrl !== 'string') {
    throw new DocumentError('incomplete', `${profile.discoveryUrl}: has no jwks_uri`)
  }
  return { issuer, keySetUrl: checkedUrl(keySetUrl, profile.plainHttp).href, metadata }
}

const clientErrors: Readonly<Record<string, [DocumentFailure, string]>> = {
  OAUTH_RESPONSE_IS_NOT_CONFORM: ['status', 'did not answer 200'],
  OAUTH_RESPONSE_IS_NOT_JSON: ['not_json', 'is not application/json'],
  OAUTH_PARSE_ERROR: ['not_json', 'is not JSON'],
  OAUTH_INVALID_RESPONSE: ['incomplete', 'is not a discovery document'],
}

function discoveryError(error: unknown, url: string): DocumentError {
  if (!(error instanceof ClientError)) return asDocumentError(error)
  const known = clientErrors[error.code ?? '']
  if (known) return new DocumentError(known[0], `${url}: ${known[1]}`)
  return asDocumentError(error.cause)
}
