import * as z from 'zod'
import { readTokenIssuer, readUpstream } from '../urls/url.ts'
import { textAs, ValueError } from '../value-error.ts'
import { duration } from './duration.ts'
import { aksAudience, readResourceName, readResourcePath, readTokenHeader } from './identifiers.ts'
import { exact } from './text.ts'
import { toolRulesShape } from './tool-rules.ts'

/** A scope as it may stand in a challenge (RFC 6749 §3.3). */
const scope = textAs((text) =>
  /^[\x21\x23-\x5b\x5d-\x7e]+$/.test(text)
    ? text
    : new ValueError(
        'is not one scope',
        'Write every scope as an item of its own: ["openid", "profile"].',
      ),
)

const upstreamShape = {
  upstream: textAs(readUpstream)
    .optional()
    .meta({
      description:
        'Where the MCP server answers, with its path. Required. Plain http only on loopback and to cluster-internal names (a single label, `*.svc`, `*.cluster.local`).',
      examples: ['http://kubernetes-mcp-server:8080/mcp'],
    }),
  unsafe_plain_http_upstream: z.boolean().prefault(false).meta({
    description: 'Plain http to any upstream: tokens can be read on the network path.',
  }),
  upstream_certificate_authority_file: z.string().optional().meta({
    description:
      "PEM certificates: the only authorities trusted for the upstream. Absent: the system's.",
  }),
  upstream_client_certificate_file: z.string().optional().meta({
    description:
      'The PEM client certificate (mTLS) for the upstream, with `upstream_client_key_file`.',
  }),
  upstream_client_key_file: z.string().optional().meta({
    description: 'The PEM key of `upstream_client_certificate_file`.',
  }),
  unsafe_upstream_tls_unverified: z.boolean().prefault(false).meta({
    description:
      "The upstream's certificate is not verified: whoever sits on the network path can pose as the upstream.",
  }),
  upstream_token_header: textAs(readTokenHeader)
    .prefault('authorization')
    .meta({
      description:
        'The header that carries the token upstream. Another name gets the bare token, and no Authorization goes up.',
      examples: ['x-argocd-api-token'],
    }),
  upstream_identity: z.enum(['caller', 'own']).prefault('caller').meta({
    description:
      '`caller`: the token of the user goes upstream. `own`: none does, and the upstream acts as itself for everybody; only with `unsafe_upstream_identity`.',
  }),
  unsafe_upstream_identity: z.boolean().prefault(false).meta({
    description: 'Confirms `upstream_identity = "own"`: every user has the rights of the upstream.',
  }),
  connect_timeout: duration().prefault('5s').meta({
    description: 'How long connecting to the upstream may take.',
  }),
  response_timeout: duration().prefault('300s').meta({
    description: "Until the upstream's headers; streams then have no limit.",
  }),
  stream_keep_alive: duration({ least: 0 }).prefault('25s').meta({
    description:
      'After how long a silent event stream gets a comment line, between events only, so that nothing in front takes it for idle (nginx 60 s). `"0s"`: never.',
  }),
  probe_tool: z
    .string()
    .optional()
    .meta({
      description:
        'The read-only tool that shows whether the upstream acts as the caller. Default: `namespaces_list`, `pods_list`, else the first read-only tool without required arguments.',
      examples: ['namespaces_list'],
    }),
}

const tokenShape = {
  audiences: z
    .array(exact('Name each audience; unsafe_any_audience = true with empty audiences takes any.'))
    .prefault([])
    .meta({
      description: `The audiences of tokens for this resource; one must be in \`aud\`. Required. The API servers of AKS clusters: \`${aksAudience}\`.`,
      examples: [[aksAudience]],
    }),
  unsafe_any_audience: z.boolean().prefault(false).meta({
    description: 'Takes tokens issued for any other audience; only with empty `audiences`.',
  }),
  request_scopes: z
    .array(scope)
    .optional()
    .meta({
      description:
        'What clients ask the provider for. Default: entra `<first audience>/.default`, `openid`, `profile`, `offline_access`; oidc `openid`, `profile`. In broker and relay Entra is always asked for `offline_access`, too.',
      examples: [[`${aksAudience}/.default`, 'openid', 'profile', 'offline_access']],
    }),
  required_scopes: z.array(scope).prefault([]).meta({
    description:
      'All of these must be in `scp`, `scope` and `roles` taken together; entra: without case.',
  }),
  required_groups: z
    .array(exact('Name each group, or remove the setting to ask for none.'))
    .prefault([])
    .meta({
      description: 'The user must be in one of these, by `groups_claim`.',
    }),
  allowed_clients: z
    .array(exact('Name each client id, or write ["*"] alone for any.', '*'))
    .prefault([])
    .meta({
      description:
        'Client ids whose tokens are taken, by `client_claim`. Default: `client_id` where there is one, else any, with a warning. `["*"]`: any.',
      examples: [['22222222-3333-4444-8555-666666666666']],
    }),
  allow_app_tokens: z.boolean().prefault(false).meta({
    description: 'Takes tokens of applications, with no user behind them.',
  }),
  token_issuers: z
    .array(textAs(readTokenIssuer))
    .prefault([])
    .meta({
      description:
        "The issuers of tokens, in place of the default: Entra's v1 and v2 issuers of the tenant; oidc: the discovered issuer. They are compared and never fetched, so any text will do (ADFS: `http://…/services/trust`, URNs).",
      examples: [['https://sts.windows.net/00000000-0000-0000-0000-000000000000/']],
    }),
  token_kind: z.enum(['access_token', 'id_token']).prefault('access_token').meta({
    description: 'oidc only: `id_token` for clusters that are fed ID tokens (Dex, Google).',
  }),
}

/** `[[resource]]`: one MCP endpoint behind one path. */
export const resourceSchema = z.strictObject({
  name: textAs(readResourceName)
    .prefault('default')
    .meta({
      description: 'Unique; 1 to 40 of a to z, 0 to 9 and `-`.',
      examples: ['prod'],
    }),
  path: textAs(readResourcePath).prefault('/mcp').meta({
    description: 'Where clients find it; distinct. Not `/`, nor below `/oauth` or `/.well-known`.',
  }),
  description: z
    .string()
    .optional()
    .meta({
      description: 'What it is, for users and models: on the start page and in the metadata.',
      examples: ['Europe, production'],
    }),
  labels: z
    .record(z.string(), z.string())
    .prefault({})
    .meta({
      description: 'Labels, such as its region: `[fleet]` and its calls choose clusters by them.',
      examples: [{ region: 'eu' }],
    }),
  ...upstreamShape,
  ...tokenShape,
  clusters_from: z
    .string()
    .optional()
    .meta({
      description:
        'The argument by which this MCP server itself chooses a cluster (kubernetes-mcp-server: `context`). The fleet fills it with the name of the resource, and no client sees it.',
      examples: ['context'],
    }),
  ...toolRulesShape,
})

/** Keys of a resource that no two can share. */
const OWN_KEYS = { name: true, path: true, upstream: true } as const
const sharedSchema = resourceSchema.omit(OWN_KEYS)

/** `[resource_defaults]`: what every resource takes unless it says otherwise; itself without defaults. */
export const resourceDefaultsSchema = z
  .strictObject(
    Object.fromEntries(
      Object.entries(sharedSchema.shape).map(([key, setting]) => [key, withoutDefault(setting)]),
    ) as {
      [Key in keyof typeof sharedSchema.shape]: z.ZodOptional<(typeof sharedSchema.shape)[Key]>
    },
  )
  .prefault({})
  .meta({
    description:
      'What every `[[resource]]` takes unless it says otherwise: all its keys but `name`, `path` and `upstream`.',
  })

function withoutDefault(setting: z.ZodType): z.ZodType {
  const bare = setting instanceof z.ZodPrefault ? (setting.unwrap() as z.ZodType) : setting
  return bare.optional().meta({ ...bare.meta(), ...setting.meta() })
}
