import type { BrokerConfig, Config } from '../../config/config.ts'
import type { Client, Clients } from './client.ts'

type PopupConfig = Pick<Config, 'public_url'> & { readonly sign_in: BrokerConfig }

/** Client ids with this beginning are ours: `check` refuses them to others. */
const PREFIX = 'rolecall:'

/**
 * The client that signs users in for the web UI at an origin. Each has one of its own, so that codes
 * and refresh tokens of one web UI are nothing to another.
 */
export function popupClientId(origin: string): string {
  return PREFIX + origin
}

/** The origin of the web UI that a client of the popup is for; `undefined`: another client. */
export function popupOriginOf(clientId: string): string | undefined {
  return clientId.startsWith(PREFIX) ? clientId.slice(PREFIX.length) : undefined
}

/** Where the popup of a web UI ends: on our own origin, which is no other client's redirect URI. */
export function popupRedirectUri(origin: string, { public_url: publicUrl }: PopupConfig): string {
  return `${popupUrl(publicUrl)}?${new URLSearchParams({ origin })}`
}

/** The address of the popup: where it begins, and where it ends. */
export function popupUrl(publicUrl: string): string {
  return `${publicUrl}/oauth/popup`
}

/** These clients, and those of the popup: public ones, whose only redirect URI is ours. */
export function withPopupClients(clients: Clients, config: PopupConfig): Clients {
  const known = new Map(
    config.sign_in.popup_origins.map((origin) => [popupClientId(origin), client(origin, config)]),
  )
  return {
    find(clientId) {
      const found = known.get(clientId)
      return found ? Promise.resolve(found) : clients.find(clientId)
    },
  }
}

function client(origin: string, config: PopupConfig): Client {
  const redirectUri = popupRedirectUri(origin, config)
  return {
    id: popupClientId(origin),
    kind: 'popup',
    origin,
    allowsRedirect: (uri) => uri === redirectUri,
    onlyRedirect: redirectUri,
    skipsConsent: false,
  }
}
