/**
 * The authorization server metadata document (RFC 8414 §2), with the members that OpenID Connect
 * Discovery §3 requires of it, since clients read one document under both names. A member without a
 * value is absent: strict parsers refuse `null`.
 */
export interface AuthorizationServerMetadata {
  readonly issuer: string
  readonly authorization_endpoint: string
  readonly token_endpoint: string
  readonly registration_endpoint?: string
  readonly revocation_endpoint?: string
  readonly jwks_uri: string
  readonly scopes_supported?: readonly string[]
  readonly response_types_supported: readonly ['code']
  readonly response_modes_supported: readonly ['query']
  readonly grant_types_supported: readonly ['authorization_code', 'refresh_token']
  readonly code_challenge_methods_supported: readonly ['S256']
  readonly token_endpoint_auth_methods_supported: readonly string[]
  readonly revocation_endpoint_auth_methods_supported?: readonly string[]
  readonly subject_types_supported: readonly [SubjectType]
  readonly id_token_signing_alg_values_supported: readonly string[]
  readonly client_id_metadata_document_supported?: true
  readonly authorization_response_iss_parameter_supported?: boolean
}

/** Whether a user has the same `sub` for every client (OpenID Connect Core §8). */
export type SubjectType = 'public' | 'pairwise'

/** What a metadata document is made of. */
export interface AuthorizationServerDescription {
  readonly issuer: string
  readonly authorizationEndpoint: string
  readonly tokenEndpoint: string
  /** The keys of the tokens that users get, where clients look at them. */
  readonly keySetUrl: string
  readonly signingAlgorithms: readonly string[]
  readonly subjectType: SubjectType
  readonly scopes: readonly string[]
  /** What only a server has whose authorization endpoint is its own. */
  readonly ownSignIn?: OwnSignIn
}

/** What a server tells of itself that signs users in at an address of its own. */
export interface OwnSignIn {
  /** Absent: clients may not register themselves (RFC 7591). */
  readonly registrationEndpoint?: string
  /** RFC 7009. */
  readonly revocationEndpoint: string
  /** Whether a client id may be the URL of a metadata document. */
  readonly clientMetadataDocuments: boolean
  /** Whether answers of the authorization endpoint carry `iss` (RFC 9207 §3). */
  readonly issuerParameter: boolean
}

/** Public clients, which PKCE protects, and the two ways to send a secret (RFC 6749 §2.3.1). */
const clientAuthentication = ['none', 'client_secret_basic', 'client_secret_post'] as const

/** The metadata document of one authorization server. Not checked here: that addresses are URLs. */
export function authorizationServerMetadata(
  described: AuthorizationServerDescription,
): AuthorizationServerMetadata {
  return {
    issuer: described.issuer,
    authorization_endpoint: described.authorizationEndpoint,
    token_endpoint: described.tokenEndpoint,
    jwks_uri: described.keySetUrl,
    ...(described.scopes.length > 0 && { scopes_supported: described.scopes }),
    response_types_supported: ['code'],
    response_modes_supported: ['query'],
    grant_types_supported: ['authorization_code', 'refresh_token'],
    code_challenge_methods_supported: ['S256'],
    token_endpoint_auth_methods_supported: clientAuthentication,
    subject_types_supported: [described.subjectType],
    id_token_signing_alg_values_supported: described.signingAlgorithms,
    ...(described.ownSignIn && ownSignInMembers(described.ownSignIn)),
  }
}

function ownSignInMembers(ownSignIn: OwnSignIn): Partial<AuthorizationServerMetadata> {
  const { registrationEndpoint } = ownSignIn
  return {
    ...(registrationEndpoint !== undefined && { registration_endpoint: registrationEndpoint }),
    revocation_endpoint: ownSignIn.revocationEndpoint,
    revocation_endpoint_auth_methods_supported: clientAuthentication,
    ...(ownSignIn.clientMetadataDocuments && { client_id_metadata_document_supported: true }),
    authorization_response_iss_parameter_supported: ownSignIn.issuerParameter,
  }
}

/**
 * Every path that answers with a document: for the issuer's own path and for the resource's, since
 * clients that find no issuer ask for the resource's, the name put before the path (RFC 8414 §3.1,
 * also with the name of OpenID Connect) and behind it (OpenID Connect Discovery §4).
 *
 * @param issuer an absolute URL without a slash at its end
 * @param resourcePath begins with a slash, does not end with one
 * @returns each path once
 */
export function authorizationServerMetadataPaths(
  issuer: string,
  resourcePath: string,
): readonly string[] {
  const { pathname } = new URL(issuer)
  const paths = [pathname === '/' ? '' : pathname, resourcePath].flatMap((path) => [
    `/.well-known/oauth-authorization-server${path}`,
    `/.well-known/openid-configuration${path}`,
    `${path}/.well-known/openid-configuration`,
  ])
  return [...new Set(paths)]
}
