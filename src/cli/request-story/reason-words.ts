import type { Reason } from '../../access/refusal.ts'

/** Why a request was not let through, for people: which check, which setting, what to do. */
export interface ReasonWords {
  readonly check: string
  /** Absent: not a matter of configuration. */
  readonly setting?: string
  readonly remedy: string
}

const signInAgain = 'let the client sign in again'
const comeBack = 'let the client come back later'
const everyCheck = 'have the token tried by `rolecall explain`, which tells what each check found'

/** Every refusal of a token. The names and settings are those of `explain`. */
const tokenReasons: Readonly<Record<Reason, ReasonWords>> = {
  no_token: row('bearer', 'nothing, where the client then signs in: it asked without a token'),
  more_than_one_authorization: row('bearer', 'let the client send one Authorization header'),
  malformed_authorization: row('bearer', 'let the client send `Bearer`, one space and the token'),
  not_sealed: row('sealed', 'let the client sign in through rolecall', 'sign_in.tokens'),
  session_ended: row('session', signInAgain, 'sign_in.sessions_valid_after'),
  not_a_jwt: row('form', 'let the provider issue JWT access tokens for this resource'),
  algorithm_not_allowed: row('algorithm', everyCheck, 'signing_algorithms'),
  wrong_header_type: row('header type', 'send the access token of the sign-in'),
  critical_header: row('critical header', 'let the provider issue plain access tokens'),
  graph_token: row(
    'not a Microsoft Graph token',
    'let the client ask for this scope',
    'request_scopes',
  ),
  wrong_issuer: row('issuer', everyCheck, 'token_issuers'),
  wrong_tenant: row('tenant', 'sign in with an account of this tenant', 'tenant_id'),
  malformed_claim: row('claims', everyCheck),
  no_expiry: row('not expired', 'let the provider put exp into its tokens'),
  expired: row('not expired', 'nothing, where the client then refreshes its token'),
  not_yet_valid: row('not before', 'set the clocks of this machine and of the provider'),
  unknown_key: row('signature', signInAgain),
  bad_signature: row('signature', signInAgain),
  unavailable: row('signature', 'let rolecall reach the identity provider', 'stale_for'),
  refused_by_cluster: row(
    'the cluster',
    'let the client sign in again; where it lasts, let the API server trust this issuer and audience (`doctor --api-server`)',
  ),
  bound_token: row('not bound to a key', 'let the client ask for plain bearer tokens'),
  id_token: row('token kind', 'send the access token, or set what is wanted', 'token_kind'),
  refresh_token: row('token kind', 'send the access token'),
  logout_token: row('token kind', 'send the access token'),
  access_token: row('token kind', 'send the ID token, or set what is wanted', 'token_kind'),
  no_audience: row('audience', 'let the provider put the audience into tokens', 'audiences'),
  wrong_audience: row('audience', everyCheck, 'audiences'),
  no_client: row('client', 'name the claim that has the client in client_claim', 'allowed_clients'),
  clients_differ: row('client', everyCheck, 'allowed_clients'),
  wrong_client: row('client', 'sign in with a client of the list, or add it', 'allowed_clients'),
  no_subject: row('subject', 'name the claim that has the user', 'user_claim'),
  app_token: row('user token', 'sign in as a user', 'allow_app_tokens'),
  insufficient_scope: row('scopes', everyCheck, 'required_scopes'),
  not_in_required_groups: row(
    'groups',
    'make the user a member of one of these groups, then sign in again',
    'required_groups',
  ),
  groups_not_in_token: row(
    'groups',
    'let tokens hold only groups assigned to the application, or set identity_provider.resolve_groups',
    'required_groups',
  ),
}

/** What is not about a token, by the part of the reason before a colon. */
const otherReasons: Readonly<Record<string, ReasonWords>> = {
  tool_not_allowed: row('tool rules', 'add a rule that allows it, or none', 'resource.allow'),
  tool_hint_unknown: row('tool rules', 'name the tool in a rule of its own', 'resource.allow'),
  tool_name_malformed: row('tool rules', 'let the client call a tool that is listed'),
  header_mismatch: row('MCP headers', 'let the client send the method and name of its body'),
  too_many_requests: row('limits', comeBack, 'limits'),
  too_many_calls: row('limits', 'let the client call less at once', 'limits.calls_per_user'),
  too_many_streams: row('limits', 'let the client open fewer', 'limits.streams_per_user'),
  batch_messages: row('limits', 'let the client send smaller batches', 'limits.batch_messages'),
  registrations_per_minute: row('limits', comeBack, 'limits.registrations_per_minute'),
  sign_ins_per_minute: row('limits', comeBack, 'limits.sign_ins_per_minute'),
  session_not_found: row('MCP session', 'nothing, where the client then opens a new session'),
  unsupported_content_encoding: row('body', 'let the client send it uncompressed'),
  unsupported_media_type: row('body', 'let the client send the content type it was told'),
  no_such_cluster: row(
    'fleet',
    'let the client name a cluster of clusters_list',
    'fleet.resources',
  ),
  no_such_tool: row('fleet', 'let the client list the tools anew'),
  not_signed_in_there: row('fleet', 'see with `explain` why this cluster refuses the token'),
  tools_not_known: row('fleet', 'see with `doctor` why this cluster does not list its tools'),
  cluster_twice: row('fleet', 'let the client leave that argument out', 'clusters_from'),
  needs_task: row('fleet', "let a client that has tasks call it at the cluster's own path"),
  bad_request_state: row('fleet', 'let the client call the tool again without requestState'),
  not_for_many_clusters: row('fleet', 'let the client name one cluster', 'fleet.fan_out'),
  client_left: row('connection', 'nothing, where the user ended it: the call was not made'),
  upstream_refused: row('upstream', 'let the MCP server pass tokens through unchecked', 'upstream'),
  upstream_unavailable: row('upstream', 'see that it runs and can be reached', 'upstream'),
  upstream_timeout: row('upstream', 'see why it is slow', 'response_timeout'),
  upstream_list_unreadable: row('tool rules', 'let the MCP server answer in JSON or events'),
  insufficient_claims: row('conditional access', signInAgain),
  token_ended: row('expiry', 'see why the call took ten minutes longer than its token'),
  audit_unavailable: row('audit', 'see that the file can be written', 'audit.before_dispatch'),
  buffered_bytes: row('limits', 'let clients come back, or raise it', 'limits.buffered_bytes'),
  misdirected_request: row('host', 'add the name that clients use', 'internal_hosts'),
  origin_not_allowed: row('origin', 'add the origin of the page', 'allowed_origins'),
  method_not_allowed: row('method', 'let the client use POST, GET or DELETE'),
  not_found: row('path', 'correct the URL in the client', 'resource.path'),
  headers_too_large: row('limits', 'raise it', 'limits.header_bytes'),
  body_too_large: row('limits', 'raise it', 'limits.body_bytes'),
  request_timeout: row('limits', 'see what is slow between client and rolecall', 'limits'),
  invalid_request: row('form of the request', 'see the error_description that the client got'),
  server_error: row('rolecall', 'report it: the line of kind `error` has what failed'),
}

/** @param reason of a log line; what follows a colon in it is detail */
export function reasonWords(reason: string): ReasonWords | undefined {
  const [name = ''] = reason.split(':')
  const rows: Readonly<Record<string, ReasonWords>> = { ...otherReasons, ...tokenReasons }
  return Object.hasOwn(rows, name) ? rows[name] : undefined
}

function row(check: string, remedy: string, setting?: string): ReasonWords {
  return { check, remedy, ...(setting !== undefined && { setting }) }
}
