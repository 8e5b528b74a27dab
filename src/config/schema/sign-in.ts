import * as z from 'zod'
import { readOrigin, readRedirectUri } from '../urls/url.ts'
import { textAs } from '../value-error.ts'
import { readHost } from './address.ts'
import { duration, longest, moment } from './duration.ts'
import { secret } from './text.ts'

const redirectUris = z.array(textAs(readRedirectUri))

const clientSchema = z
  .strictObject({
    client_id: z
      .string()
      .optional()
      .meta({ description: 'Required, unique.', examples: ['holmes'] }),
    redirect_uris: redirectUris.prefault([]).meta({
      description: 'Presets or exact URIs. Required.',
      examples: [['robusta']],
    }),
    ...secret('client_secret', z.string(), {
      description:
        'The secret that the client presents at the token endpoint. Absent: a public client.',
    }),
    skip_consent: z.boolean().prefault(false).meta({
      description: 'No consent page; only with exact https redirect URIs.',
    }),
  })
  .meta({ description: 'A client that is registered beforehand.' })

/** `[sign_in]`: how users of MCP clients get their tokens. */
export const signInSchema = z
  .strictObject({
    mode: z.enum(['broker', 'relay', 'off']).optional().meta({
      description:
        '`broker`: rolecall is the authorization server of its clients, and signs users in at the provider. `relay`: the browser signs in at the provider itself, and rolecall redeems and refreshes with its own credential (HolmesGPT). `off`: rolecall validates and forwards, clients sign in at the provider themselves. Default: `off` without a `client_id`, else `broker`.',
    }),
    redirect_uris: redirectUris.prefault(['loopback']).meta({
      description:
        'Where clients may be sent back to: presets (robusta, loopback, claude, vscode, cursor, chatgpt) or exact URIs. relay: these are registered at the provider, too.',
    }),
    tokens: z.enum(['sealed', 'passthrough']).optional().meta({
      description:
        'What clients are handed: `sealed`, a token that only rolecall can open, or `passthrough`, that of the provider. Default: `sealed` in broker, `passthrough` in relay.',
    }),
    registration: z.boolean().prefault(true).meta({
      description: 'broker: whether clients may register themselves (RFC 7591).',
    }),
    client_metadata_hosts: z.array(textAs(readHost)).prefault([]).meta({
      description:
        'broker: hosts whose client ID metadata documents are fetched (`claude.ai`); none: not advertised. Names with a public address, which is checked when connecting; behind `HTTPS_PROXY` the proxy resolves them.',
    }),
    consent: z.enum(['ask', 'remember']).prefault('ask').meta({
      description: 'broker: `remember`: 90 days in one browser, https redirect URIs only.',
    }),
    issuer_parameter: z.boolean().prefault(true).meta({
      description: 'broker: whether answers of the authorize endpoint carry `iss` (RFC 9207).',
    }),
    popup_origins: z.array(textAs(readOrigin)).prefault([]).meta({
      description: 'Origins of web UIs that may sign users in with the popup.',
    }),
    session_lifetime: duration({ most: longest }).prefault('24h').meta({
      description: 'How long refreshing goes on after a sign-in; absolute.',
    }),
    sessions_valid_after: moment.optional().meta({
      description:
        'RFC 3339: ends every session that began earlier, with its sealed tokens and open streams.',
      examples: ['2026-01-31T12:00:00Z'],
    }),
    client: z
      .array(clientSchema)
      .prefault([])
      .meta({ description: 'broker: clients registered beforehand.' }),
  })
  .prefault({})
  .meta({ description: 'How users of MCP clients get their tokens.' })

/** Keys of `[sign_in]` that have a meaning in broker alone. */
export const BROKER_ONLY = [
  'registration',
  'client_metadata_hosts',
  'consent',
  'issuer_parameter',
  'client',
] as const

/** Whether a key of `[sign_in]` has a meaning in broker alone. */
export function isBrokerOnly(key: string): boolean {
  return BROKER_ONLY.some((known) => known === key)
}
