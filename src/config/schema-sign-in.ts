import { z } from 'zod'
import { readHost } from './address.ts'
import { duration, longest, moment } from './duration.ts'
import { textAs } from './flaw.ts'
import { readOrigin, readRedirectUri } from './url.ts'

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
    client_secret: z.string().optional().meta({
      description: 'What the client shows at our token endpoint. Absent: a public client.',
      writeOnly: true,
    }),
    client_secret_file: z.string().optional().meta({ description: 'A file with `client_secret`.' }),
    skip_consent: z.boolean().prefault(false).meta({
      description: 'No consent page; only with exact https redirect URIs.',
    }),
  })
  .meta({ description: 'A client that is registered beforehand.' })

/** `[sign_in]`: how people who use an MCP client get their tokens. */
export const signInSchema = z
  .strictObject({
    mode: z.enum(['broker', 'relay', 'off']).optional().meta({
      description:
        '`off`: rolecall validates and forwards, clients sign in at the provider themselves. `broker` and `relay` are not built in this version. Default: `off` without a `client_id`, else `broker`.',
    }),
    redirect_uris: redirectUris.prefault(['loopback']).meta({
      description:
        'Where clients may be sent back to: presets (robusta, loopback, claude, vscode, cursor, chatgpt) or exact URIs.',
    }),
    tokens: z.enum(['sealed', 'passthrough']).optional().meta({
      description:
        'What clients are handed. Default: `sealed` in broker, `passthrough` in relay and off.',
    }),
    registration: z.boolean().prefault(true).meta({
      description: 'Whether clients may register themselves (RFC 7591).',
    }),
    client_metadata_hosts: z.array(textAs(readHost)).prefault([]).meta({
      description: 'Hosts whose client ID metadata documents are fetched; none: not advertised.',
    }),
    consent: z.enum(['ask', 'remember']).prefault('ask').meta({
      description: '`remember`: 90 days in one browser, https redirect URIs only.',
    }),
    issuer_parameter: z.boolean().prefault(true).meta({
      description: 'Whether answers of the authorize endpoint carry `iss` (RFC 9207).',
    }),
    popup_origins: z.array(textAs(readOrigin)).prefault([]).meta({
      description: 'Origins of web UIs that may sign people in with the popup.',
    }),
    session_lifetime: duration({ most: longest }).prefault('24h').meta({
      description: 'How long refreshing goes on after a sign-in; absolute.',
    }),
    sessions_valid_after: moment.optional().meta({
      description: 'RFC 3339: ends every session that began earlier.',
      examples: ['2026-01-31T12:00:00Z'],
    }),
    client: z
      .array(clientSchema)
      .prefault([])
      .meta({ description: 'Clients registered beforehand.' }),
  })
  .prefault({})
  .meta({ description: 'How people who use an MCP client get their tokens.' })
