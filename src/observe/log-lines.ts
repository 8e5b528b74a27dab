import { z } from 'zod'

const text = z.string()
const decision = z.enum(['allow', 'refuse', 'unavailable'])

/** What audit and request lines have in common, in their order. Absent members are not known. */
const common = {
  level: z.enum(['debug', 'info']),
  time: z.iso.datetime().meta({ description: 'UTC, with milliseconds.' }),
  request_id: text.meta({
    description:
      'Answered in X-Request-Id, and in the User-Agent towards the upstream as `req=…`, which kubernetes-mcp-server hands on to the API server and its audit log.',
  }),
  trace_id: text
    .regex(/^[0-9a-f]{32}$/)
    .optional()
    .meta({ description: 'Of traceparent.' }),
  client_ip: text.meta({ description: 'The client, as far as trusted_proxies tell it.' }),
  iss: text.optional().meta({ description: 'Claim of the token, as the four that follow.' }),
  sub: text.optional(),
  oid: text.optional(),
  tid: text.optional(),
  user: text.optional().meta({ description: 'What user_claim says: the name in the cluster.' }),
  client_id: text.optional().meta({ description: 'The MCP client, where rolecall signed it in.' }),
  client_name: text.optional().meta({ description: 'The name that this client gave itself.' }),
  azp: text.optional().meta({ description: "The identity provider's client." }),
  token_id: text.optional().meta({ description: 'uti, jti or a hash of the token.' }),
  resource: text.optional().meta({ description: 'name of the [[resource]].' }),
  cluster: text.optional().meta({ description: 'The cluster that the call names.' }),
  mcp_method: text.optional().meta({ description: 'Of the body; several of a batch, by commas.' }),
  tool: text.optional().meta({ description: 'Of the body, never of a header.' }),
  decision: decision.meta({ description: 'allow: it was sent to the upstream.' }),
  reason: text.optional().meta({ description: 'Why not: a short name.' }),
  acts_as: z.enum(['caller', 'upstream']).optional().meta({ description: 'upstream_identity.' }),
}

/** One for each tool call, written before the call is made. */
export const auditLineSchema = z.strictObject({
  ...common,
  kind: z.literal('audit'),
  mcp_method: z.literal('tools/call'),
  tool: text,
  arguments: z
    .unknown()
    .optional()
    .meta({ description: 'Of the tools in audit.arguments, masked.' }),
})

export const outcomes = ['ok', 'tool_error', 'rpc_error', 'cut', 'none'] as const

/** How a request ended at the upstream. */
export type Outcome = (typeof outcomes)[number]

/** One for each request, at its end. */
export const requestLineSchema = z.strictObject({
  ...common,
  kind: z.literal('request'),
  http_method: text,
  path: text,
  status: z.int().meta({ description: 'Sent to the client; 499: it left before.' }),
  upstream_status: z.int().optional(),
  outcome: z.enum(outcomes).meta({
    description:
      'Of the answer: ok; tool_error, a result with isError, such as what RBAC forbids; rpc_error; cut, it broke off; none, the upstream gave no such answer.',
  }),
  duration_ms: z.number().meta({ description: 'Until the answer had ended, streams too.' }),
})

/** JSON Schema (2020-12) of the lines. */
export function logLineSchema(): object {
  return z.toJSONSchema(z.discriminatedUnion('kind', [auditLineSchema, requestLineSchema]))
}
