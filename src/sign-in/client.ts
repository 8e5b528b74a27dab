import type { BrokerConfig, Config } from '../config/config.ts'
import type { KeyRing } from '../sealing/derived-keys.ts'

/** A client that may ask people to sign in. */
export interface Client {
  readonly id: string
  readonly kind: 'registered' | 'dynamic' | 'metadata_document'
  /**
   * What it calls itself: shown, never believed. At most 80 printable characters (letters of any
   * script, nothing that controls, reorders or cannot be seen).
   */
  readonly name?: string
  /** The host that vouches for it: of its metadata document. */
  readonly host?: string
  /**
   * Whether it may be answered there; loopback with any port as registered (RFC 8252 §7.3),
   * everything else exactly.
   */
  allowsRedirect(uri: string): boolean
  /** Its only redirect URI, for requests that name none. */
  readonly onlyRedirect?: string
  /** A confidential client's. */
  readonly secret?: string
  readonly skipsConsent: boolean
}

/** The clients of one authorization server of ours. */
export interface Clients {
  /**
   * The client with this id; `undefined`: no such client.
   *
   * @throws ErrorAnswer when a metadata document cannot be had or used (400 or 503)
   */
  find(clientId: string): Promise<Client | undefined>
}

/** What the clients of one authorization server are known by. */
export interface ClientsParts {
  readonly config: Pick<Config, 'public_url'> & { readonly sign_in: BrokerConfig }
  /** The issuer of this authorization server: a registration counts where it was made. */
  readonly issuer: string
  /** Those for `client id`. */
  readonly keys: KeyRing
}

export function createClients(_parts: ClientsParts): Clients {
  return { find: () => Promise.resolve(undefined) }
}
