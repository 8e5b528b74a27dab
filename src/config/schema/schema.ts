import * as z from 'zod'
import { readClientOrigin, readOrigin } from '../urls/url.ts'
import { textAs, ValueError } from '../value-error.ts'
import { readHost, readListenAddress, readNetwork } from './address.ts'
import { auditSchema } from './audit.ts'
import { duration } from './duration.ts'
import { fleetSchema } from './fleet.ts'
import { readSealingKeys } from './identifiers.ts'
import { identityProviderSchema } from './identity-provider.ts'
import { limitsSchema } from './limits.ts'
import { resourceDefaultsSchema, resourceSchema } from './resource.ts'
import { signInSchema } from './sign-in.ts'
import { storeSchema } from './store.ts'
import { secret } from './text.ts'

const edgeShape = {
  public_url: textAs(readOrigin)
    .optional()
    .meta({
      description:
        'The origin by which clients reach rolecall; every URL that rolecall gives out is built from it, never from a header. https, but plain http on loopback and, in relay and off, for cluster-internal names. Default: `http://localhost:<port>` when `listen` is loopback, else required.',
      examples: ['https://mcp.example.com'],
    }),
  internal_hosts: z
    .array(textAs(readHost))
    .prefault([])
    .meta({
      description: 'Further `Host` values beside that of `public_url`; others are answered 421.',
      examples: [['rolecall.holmes.svc.cluster.local:8080']],
    }),
  listen: textAs(readListenAddress).prefault('127.0.0.1:8080').meta({
    description: 'Where clients connect, host:port. The image sets `0.0.0.0:8080`.',
  }),
  tls_certificate_file: z.string().optional().meta({
    description: 'A PEM certificate with its chain: https on `listen`, with `tls_key_file`.',
  }),
  tls_key_file: z.string().optional().meta({
    description: 'The PEM key of `tls_certificate_file`.',
  }),
  admin_listen: textAs(readListenAddress).prefault('127.0.0.1:9090').meta({
    description:
      'Where health and metrics answer; never equal to `listen`. The image sets `0.0.0.0:9090`.',
  }),
  allowed_origins: z
    .array(textAs(readClientOrigin))
    .prefault([])
    .meta({
      description:
        'Origins of browser clients beside that of `public_url`, of any scheme. Each is exact: a wildcard is an error.',
      examples: [['https://inspector.example.com', 'chrome-extension://abcdefghijklmnop']],
    }),
  unsafe_any_origin: z.boolean().prefault(false).meta({
    description: 'Takes requests from every web page.',
  }),
  trusted_proxies: z
    .array(textAs(readNetwork))
    .prefault([])
    .meta({
      description:
        'CIDRs; only from these are X-Forwarded-For and X-Request-Id believed, and nothing else ever.',
      examples: [['10.0.0.0/8']],
    }),
  keep_alive: duration({ least: 1_000 }).prefault('75s').meta({
    description:
      'How long an idle client connection stays open. Longer than what stands in front waits (nginx 60 s; Google Cloud 600 s), or requests meet a closing connection.',
  }),
}

const sealingKeys = z
  .union([z.string(), z.array(z.string())], { error: 'is not a text of keys' })
  .transform((keys, context): readonly string[] => {
    if (keys.length === 0) return []
    const read = readSealingKeys(typeof keys === 'string' ? keys.split('\n') : keys)
    if (!(read instanceof ValueError)) return read
    context.addIssue({ code: 'custom', message: read.message, params: { remedy: read.remedy } })
    return z.NEVER
  })

const processShape = {
  ...secret('sealing_keys', sealingKeys, {
    description:
      'Keys of 32 bytes in base64url, one per line (`rolecall keygen` prints one): the first seals, all open. broker and relay need them off loopback.',
  }),
  shutdown_delay: duration({ least: 0 }).prefault('5s').meta({
    description: 'After SIGTERM: not ready, still serving.',
  }),
  shutdown_grace: duration({ least: 0 }).prefault('20s').meta({
    description: 'Then: calls finish, streams end cleanly; a second SIGTERM ends at once.',
  }),
  log_level: z
    .enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'])
    .prefault('info')
    .meta({ description: 'The least level that is logged.' }),
}

/**
 * The one source of every setting: its name, type, default, bounds, words, and with them the JSON
 * Schema, the reference page, the environment names and the flags. What a setting demands of
 * another one is in `rules/`. Nothing is required here, since a value may come from elsewhere.
 */
export const settingsSchema = z.strictObject({
  ...edgeShape,
  ...processShape,
  identity_provider: identityProviderSchema,
  store: storeSchema,
  limits: limitsSchema,
  audit: auditSchema,
  sign_in: signInSchema,
  resource: z
    .array(resourceSchema)
    .prefault([])
    .meta({ description: 'One MCP endpoint behind one path. One or more.' }),
  resource_defaults: resourceDefaultsSchema,
  fleet: fleetSchema,
})

/** Every setting with its default filled in, each right by itself. */
export type Settings = z.output<typeof settingsSchema>
