/** The protected resource metadata document (RFC 9728 §2), as far as we use it. */
export interface ResourceMetadata {
  /** The exact URL that users type. */
  readonly resource: string
  readonly authorization_servers: readonly string[]
  readonly scopes_supported?: readonly string[]
  readonly bearer_methods_supported: readonly ['header']
  readonly resource_name: string
}

/** What a metadata document is made of. */
export interface ResourceDescription {
  /** Our own origin, without a trailing slash. */
  readonly publicUrl: string
  /** The resource's path; begins with a slash, does not end with one. */
  readonly path: string
  readonly name: string
  /** What it is, for users and models. */
  readonly description?: string | undefined
  readonly authorizationServer: string
  readonly scopes: readonly string[]
}

const wellKnown = '/.well-known/oauth-protected-resource'

/** Where the document of the resource at `path` is (RFC 9728 §3.1). */
export function resourceMetadataPath(path: string): string {
  return `${wellKnown}${path}`
}

/** The absolute URL of that document, for challenges. */
export function resourceMetadataUrl(publicUrl: string, path: string): string {
  return `${publicUrl}${resourceMetadataPath(path)}`
}

/** Every path that answers with the document: the first resource's also without its own path. */
export function resourceMetadataPaths(path: string, isFirst: boolean): readonly string[] {
  return isFirst ? [resourceMetadataPath(path), wellKnown] : [resourceMetadataPath(path)]
}

/**
 * The metadata document of one resource. `scopes_supported` is left out when there are none
 * (RFC 9728 §2 wants at least one value).
 */
export function resourceMetadata(described: ResourceDescription): ResourceMetadata {
  return {
    resource: `${described.publicUrl}${described.path}`,
    authorization_servers: [described.authorizationServer],
    ...(described.scopes.length > 0 && { scopes_supported: described.scopes }),
    bearer_methods_supported: ['header'],
    resource_name: [`rolecall: ${described.name}`, described.description]
      .filter((text) => text !== undefined)
      .join(', '),
  }
}
