import type { PlainHttp } from '../net/bounded-fetch.ts'
import type { JsonObject } from '../oauth/json.ts'

/**
 * What sets one kind of identity provider apart, as data and pure functions. Everything is derived
 * from the configuration and from discovery, never from what a token says.
 */
export interface IssuerProfile {
  readonly kind: 'entra' | 'oidc'
  /** Where the discovery document is; always contains `/.well-known/`. */
  readonly discoveryUrl: string
  /** Which hosts may be asked by plain http: for discovery, and for the addresses in it. */
  readonly plainHttp: PlainHttp
  /** The issuer by configuration alone, for as long as nothing is discovered. */
  readonly configuredIssuer: string
  /** The tenant that the `tid` of every token must name; absent: tokens have none. */
  readonly tenant?: string
  /** The claims that name a user, the first that is present counts. */
  readonly userClaims: readonly string[]
  /** The claims that name the client of a token; all that are present must agree. */
  readonly clientClaims: readonly string[]
  /**
   * Whether grants name the scope that they are for. Without it Entra gives out tokens for Microsoft
   * Graph; elsewhere it stands for what the sign-in granted, and a scope that was not granted then
   * would end the session (RFC 6749 §6).
   */
  readonly namesScope: boolean
  /** Seconds by which a token's `iat` may lie before the moment it was issued. */
  readonly backdating: number
  /** Whether the `issuer` of the discovery document is the right one, character by character. */
  acceptsIssuer(discovered: string): boolean
  /** An id of this provider's as it is compared with another. */
  comparable(id: string): string
  /** The issuers whose tokens are taken by default; `discovered` is absent until discovery. */
  tokenIssuers(discovered: string | undefined): readonly string[]
  /** Whether a key of the key set may sign this provider's tokens, as far as its origin goes. */
  acceptsKey(key: JsonObject, discovery: JsonObject): boolean
}
