import * as z from 'zod'
import { readIssuer } from '../urls/url.ts'
import { textAs, ValueError } from '../value-error.ts'

/**
 * Keys of kubernetes-mcp-server that are read as ours, so that its TOML works here with `upstream`
 * added. What each stands for is in `drop-in.ts`.
 */
export const dropInSchema = z.strictObject({
  upstream: z
    .string()
    .optional()
    .meta({
      description: 'The one added line: `upstream` of the resource.',
      examples: ['http://kubernetes-mcp-server:8080/mcp'],
    }),
  require_oauth: z.boolean().optional().meta({
    description: 'Must be true: every request needs a token.',
  }),
  skip_jwt_verification: z.boolean().optional().meta({
    description: 'Must be false: every token is verified.',
  }),
  authorization_url: textAs(readIssuer)
    .optional()
    .meta({
      description:
        'The issuer to discover: `[identity_provider]`; one of Entra gives its tenant and cloud.',
      examples: ['https://login.microsoftonline.com/00000000-0000-0000-0000-000000000000/v2.0'],
    }),
  oauth_audience: z.string().optional().meta({
    description: '`audiences` of the resource. Required.',
  }),
  oauth_scopes: z.array(z.string()).optional().meta({
    description: '`request_scopes` of the resource.',
  }),
  issuer_url: z.string().optional().meta({
    description: '`token_issuers` of the resource.',
  }),
  server_url: z.string().optional().meta({ description: '`public_url`.' }),
  certificate_authority: z.string().optional().meta({
    description: '`identity_provider.certificate_authority_file`.',
  }),
  disable_dynamic_client_registration: z.boolean().optional().meta({
    description: 'Its opposite is `sign_in.registration`.',
  }),
  port: z
    .union([z.int(), z.string()], { error: 'is not a port' })
    .transform((port, context): number => {
      if (/^\d{1,5}$/.test(`${port}`) && Number(port) <= 65_535) return Number(port)
      const error = new ValueError('is not a port', 'Write a number from 1 to 65535.')
      context.addIssue({ code: 'custom', message: error.message, params: { remedy: error.remedy } })
      return z.NEVER
    })
    .optional()
    .meta({ description: 'The port of `listen`, not its address.' }),
})

export type DropIn = z.output<typeof dropInSchema>

/** Keys of kubernetes-mcp-server that have no meaning here, and need none. */
export const ignoredKeys: ReadonlySet<string> = new Set([
  'accept_opaque_tokens',
  'apps_enabled',
  'cluster_provider_configs',
  'cluster_provider_strategy',
  'confirmation_fallback',
  'confirmation_rules',
  'cors',
  'denied_resources',
  'disable_destructive',
  'disabled_tools',
  'enabled_tools',
  'experimental_enable_target_compatibility_tool_filters',
  'http',
  'kubeconfig',
  'list_output',
  'log_file',
  'log_level',
  'metrics_port',
  'bind_address',
  'prompts',
  'read_only',
  'require_tls',
  'server_instructions',
  'sse_base_url',
  'stateless',
  'telemetry',
  'tls_cert',
  'tls_cipher_suites',
  'tls_key',
  'tls_min_version',
  'tool_overrides',
  'toolset_configs',
  'toolsets',
  'trust_proxy_headers',
  'validate_token',
  'validation_enabled',
])

/** Keys by which the MCP server uses another token than the caller's. */
export function isUpstreamCredentialKey(key: string): boolean {
  return (
    ['cluster_auth_mode', 'token_exchange_strategy', 'token_exchange'].includes(key) ||
    key.startsWith('sts_')
  )
}
