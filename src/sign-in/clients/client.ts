import type { BrokerConfig, Config, RegisteredClient } from '../../config/config.ts'
import { redirectPresets } from '../../config/urls/url.ts'
import { ErrorAnswer } from '../../oauth/error-answer.ts'
import { printable } from '../../oauth/printable.ts'
import type { MetadataDocuments } from './metadata-cache.ts'
import {
  isMetadataHost,
  looksLikeMetadataUrl,
  type MetadataDocument,
  metadataHost,
} from './metadata-document.ts'
import { isListed, type RedirectUriRule, redirectUriRule } from './redirect-uris.ts'
import { noUsableRedirectUri } from './registration.ts'
import { openClientId, type Registration, type RegistrationScope } from './registration-id.ts'

/** A client that may ask users to sign in. */
export interface Client {
  readonly id: string
  /** `popup`: our own, for a web UI of `popup_origins`. */
  readonly kind: 'registered' | 'dynamic' | 'metadata_document' | 'popup'
  /**
   * What it calls itself: shown, never believed. At most 80 printable characters (letters of any
   * script, nothing that controls, reorders or cannot be seen).
   */
  readonly name?: string
  /** The host that vouches for it: of its metadata document. */
  readonly host?: string
  /** Of the web UI that a client of the popup is for. */
  readonly origin?: string
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
export interface ClientsParts extends RegistrationScope {
  readonly config: Pick<Config, 'public_url'> & { readonly sign_in: BrokerConfig }
  readonly documents: MetadataDocuments
}

/**
 * Finds clients: those of the configuration by their names, the metadata documents of the hosts that
 * it names, and registrations by what their ids carry, while registration is on.
 *
 * What `redirect_uris` allows holds over every registration and document, at each use; those of the
 * configuration have their own.
 */
export function createClients(parts: ClientsParts): Clients {
  const { config, documents } = parts
  const { sign_in: signIn, public_url: publicUrl } = config
  const allows = redirectUriRule(signIn.redirect_uris, publicUrl)
  const registered = new Map(
    signIn.clients.map((client) => [client.client_id, registeredClient(client, publicUrl)]),
  )
  return {
    async find(clientId) {
      const known = registered.get(clientId)
      if (known) return known
      if (looksLikeMetadataUrl(clientId)) {
        const host = fetchableHost(clientId, signIn.client_metadata_hosts)
        const document = await documents.find(clientId)
        return documentClient(document, host, { allows, publicUrl })
      }
      const registration = signIn.registration ? openClientId(clientId, parts) : undefined
      return registration && dynamicClient(clientId, registration, allows)
    },
  }
}

/** Exact URIs on loopback take any port here too; `redirect_uris` above says nothing of these. */
function registeredClient(client: RegisteredClient, publicUrl: string): Client {
  const { client_id: id, redirect_uris: uris, client_secret: secret } = client
  const allows = redirectUriRule(uris, publicUrl)
  const exact = uris.filter((uri) => !redirectPresets.includes(uri))
  const [only] = exact
  return {
    id,
    kind: 'registered',
    allowsRedirect: (uri) =>
      allows(uri) || (isListed(uri, exact) && redirectUriRule([uri], publicUrl)(uri)),
    ...(uris.length === 1 && only !== undefined && { onlyRedirect: only }),
    ...(secret !== undefined && { secret }),
    skipsConsent: client.skip_consent,
  }
}

function dynamicClient(id: string, registration: Registration, allows: RedirectUriRule): Client {
  const { redirectUris, name } = registration
  return {
    id,
    kind: 'dynamic',
    ...(name !== undefined && { name }),
    ...redirects(redirectUris, allows),
    skipsConsent: false,
  }
}

/** @throws ErrorAnswer where none of its redirect URIs may be used */
function documentClient(
  { url, redirectUris, name }: MetadataDocument,
  host: string,
  { allows, publicUrl }: { readonly allows: RedirectUriRule; readonly publicUrl: string },
): Client {
  if (!redirectUris.some(allows)) {
    throw unknownClient(
      noUsableRedirectUri(redirectUris[0] ?? '', publicUrl),
      'metadata_document:redirect_uris',
    )
  }
  return {
    id: url,
    kind: 'metadata_document',
    ...(name !== undefined && { name }),
    host,
    ...redirects(redirectUris, allows),
    skipsConsent: false,
  }
}

function redirects(
  listed: readonly string[],
  allows: RedirectUriRule,
): Pick<Client, 'allowsRedirect' | 'onlyRedirect'> {
  const [only, second] = listed.filter(allows)
  return {
    allowsRedirect: (uri) => allows(uri) && isListed(uri, listed),
    ...(only !== undefined && second === undefined && { onlyRedirect: only }),
  }
}

/** @throws ErrorAnswer where nothing is to be fetched for this client id */
function fetchableHost(clientId: string, hosts: readonly string[]): string {
  const host = metadataHost(clientId)
  if (host === undefined) {
    throw unknownClient(
      'This client_id is a URL, but not that of a metadata document: https, a host name and a path, without user name, query and fragment.',
      'metadata_document:url',
    )
  }
  if (isMetadataHost(host, hosts)) return host
  throw unknownClient(
    `This client is known by a metadata document on ${printable(host)}, whose documents are not fetched here: the operator of this server can add the host to sign_in.client_metadata_hosts.`,
    'metadata_document:host',
  )
}

function unknownClient(description: string, reason: string): ErrorAnswer {
  return new ErrorAnswer({ status: 400, error: 'invalid_client', description, reason })
}
