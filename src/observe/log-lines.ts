import * as z from 'zod'
import { signInSteps } from './sign-in-step.ts'

const text = z.string()
const decision = z.enum(['allow', 'refuse', 'unavailable'])

/** Whose request it was, and to which resource, in every kind of line. */
const caller = {
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
}

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
  ...caller,
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
  shadow_decision: z
    .enum(['allow', 'refuse'])
    .optional()
    .meta({ description: 'With rules = "shadow": what the tool rules would have decided.' }),
  shadow_reason: text.optional().meta({ description: 'Why they would have refused it.' }),
})

/** One for each question that rolecall itself asks an upstream with a user's token. */
export const questionLineSchema = z.strictObject({
  level: z.literal('info'),
  time: common.time,
  kind: z.literal('question'),
  request_id: common.request_id.meta({ description: 'Of the call that made it necessary.' }),
  trace_id: common.trace_id,
  ...caller,
  cluster: common.cluster.meta({ description: 'The cluster of the fleet that is asked.' }),
  mcp_method: z.enum(['tools/list', 'resources/list', 'resources/templates/list', 'prompts/list']),
  acts_as: common.acts_as,
  outcome: z.enum(['ok', 'none']).meta({ description: 'none: there is no list that can be read.' }),
  reason: text.optional().meta({ description: 'Why there is none.' }),
  duration_ms: z.number(),
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

/** One for each step of a sign-in. */
export const signInLineSchema = z.strictObject({
  level: z
    .enum(['debug', 'info', 'warn'])
    .meta({ description: 'warn: an administrator or the operator has to act.' }),
  time: common.time,
  kind: z.literal('sign_in'),
  step: z.enum(signInSteps).meta({
    description:
      'Of the endpoint: authorize, its question answered (decide), callback, token (a code), refresh, revoke, register.',
  }),
  request_id: common.request_id,
  ...caller,
  decision,
  reason: text.optional().meta({ description: 'Why not, or what comes next: a short name.' }),
  aadsts: z.int().optional().meta({ description: "Entra's number: 65001 of AADSTS65001." }),
  provider_status: z.int().optional().meta({ description: "Of the provider's token endpoint." }),
  provider_error: text.optional().meta({ description: "The provider's OAuth error." }),
  suberror: text.optional().meta({ description: "Entra's." }),
  correlation_id: text.optional().meta({
    description:
      "Entra's, as trace_id: by these its sign-in logs and its support find the request.",
  }),
  trace_id: text.optional(),
  whose: z.enum(['administrator', 'operator']).optional().meta({
    description: 'Who has to act: of the tenant or provider, or of rolecall.',
  }),
  remedy: text.optional().meta({ description: 'What is to be done.' }),
  msg: text.optional().meta({ description: 'The whole in one line.' }),
})

/** The kinds of lines about the process itself, with what each tells. */
export const operationKinds = {
  start: 'What is served, where, and how.',
  stop: 'The process was told to stop, and has stopped.',
  reload: 'A changed configuration was taken over, refused, or could not be put to work (outcome).',
  configuration: 'A problem or warning of the configuration: its key, and the remedy.',
  identity_provider:
    'Fetches of its documents, changes of its keys, and what its token endpoint did not decide.',
  store: 'Redis cannot be used (reason, remedy), or can again.',
  upstream_proof: 'As whom an MCP server acts (verdict), with the remedy.',
  tracing: 'Troubles of OpenTelemetry.',
  audit_file: 'Lines are missing in [audit] file.',
  log_lines_lost: 'Lines were left out of the log: how many, and why.',
  error: 'Something failed that was not meant to; with the request_id where there is one.',
} as const

const levels = z.enum(['debug', 'info', 'warn', 'error'])

/** About the process itself. What else is in it is of its kind. */
export const operationLineSchema = z.looseObject({
  level: levels,
  time: common.time,
  kind: z.literal(Object.keys(operationKinds) as (keyof typeof operationKinds)[]),
  msg: text.meta({ description: 'The whole in one line.' }),
})

/** In place of many lines that are alike. */
export const notLoggedLineSchema = z.strictObject({
  level: levels,
  time: common.time,
  kind: z.enum(['sign_in', 'token', 'registration', 'revocation', 'identity_provider', 'tracing']),
  not_logged: z.int().meta({ description: 'How many lines of a minute were left out.' }),
  msg: text,
})

/** JSON Schema (2020-12) of the lines. */
export function logLineSchema(): object {
  return z.toJSONSchema(
    z.union([
      auditLineSchema,
      requestLineSchema,
      questionLineSchema,
      signInLineSchema,
      notLoggedLineSchema,
      operationLineSchema,
    ]),
  )
}
