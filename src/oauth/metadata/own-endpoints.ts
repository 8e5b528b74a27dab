/** Where the authorization server is that rolecall is for one resource. */
export interface OwnEndpoints {
  /** Its issuer; compared character by character, never with a slash at its end. */
  readonly issuer: string
  readonly authorize: string
  readonly token: string
  readonly register: string
  readonly revoke: string
}

/** What an address of an authorization server is made of. */
export interface ServedResource {
  /** Our own origin, without a trailing slash. */
  readonly publicUrl: string
  /** The resource's name. */
  readonly name: string
  /** Whether it is the first of the configuration, whose issuer is our origin itself. */
  readonly isFirst: boolean
}

/**
 * The addresses of one resource's authorization server. Each resource has an issuer of its own, so
 * that clients, which keep tokens and registrations by issuer, keep those of two resources apart.
 */
export function ownEndpoints({ publicUrl, name, isFirst }: ServedResource): OwnEndpoints {
  const base = isFirst ? `${publicUrl}/oauth` : `${publicUrl}/oauth/${name}`
  return {
    issuer: isFirst ? publicUrl : base,
    authorize: `${base}/authorize`,
    token: `${base}/token`,
    register: `${base}/register`,
    revoke: `${base}/revoke`,
  }
}

/** The token endpoint that all resources share in relay mode. */
export function sharedTokenEndpoint(publicUrl: string): string {
  return `${publicUrl}/oauth/token`
}
