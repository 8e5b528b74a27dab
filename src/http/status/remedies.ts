import type { Reason } from '../../access/refusal.ts'

const wrongClient =
  'Add the client to allowed_clients of the resource, if it is to be let in; the log line names it as azp.'
const wrongKind =
  'The client sends another token than an access token of the user; mend the client.'
const forged =
  'Somebody altered or made a token, or it is of another provider with the same issuer. client_ip of the log line tells from where.'
const anew = 'Nothing: clients refresh or sign in again. Many of one client mean that it does not.'
const provider = 'Make the identity provider reachable: DNS, network policies, HTTPS_PROXY.'

/** What an operator can do about requests that are refused for this reason. */
const byReason: Readonly<Record<Reason, string>> = {
  no_token: 'Nothing: this is how clients learn where to sign in.',
  more_than_one_authorization: 'Mend the client: it sends two Authorization headers.',
  malformed_authorization: 'Mend the client: Authorization is not "Bearer <token>".',
  not_sealed:
    'Clients bring the provider\'s own tokens, and this resource takes those that rolecall hands out: let them sign in here, or set sign_in.tokens = "passthrough".',
  session_ended: 'Nothing, if the sessions were ended on purpose; people sign in again.',
  not_a_jwt:
    'The provider issues opaque tokens, or the client sends something else: see audiences.',
  algorithm_not_allowed: 'Add the algorithm to identity_provider.signing_algorithms.',
  wrong_header_type: wrongKind,
  critical_header: wrongKind,
  graph_token:
    'The token is for Microsoft Graph: request_scopes of the resource must begin with its own audience.',
  wrong_issuer:
    'Tokens come from another issuer than tenant_id or issuer names; if that one is meant, add it to token_issuers.',
  wrong_tenant: 'Tokens come from another tenant than identity_provider.tenant_id.',
  malformed_claim: 'The provider issues tokens with claims of a wrong kind; see the log line.',
  no_expiry: 'The provider issues tokens without an end, which are never taken.',
  expired: anew,
  not_yet_valid: "Set the clocks right: this machine's or the provider's is off.",
  unknown_key: forged,
  bad_signature: forged,
  unavailable: provider,
  refused_by_cluster:
    'The API server refuses tokens that are good here. One user: revoked, they sign in again. Many: it trusts another issuer or audience; try rolecall doctor --token-file FILE --api-server URL.',
  bound_token: wrongKind,
  id_token:
    'Clients send ID tokens. Where the cluster is fed those, set token_kind = "id_token" for the resource.',
  refresh_token: wrongKind,
  logout_token: wrongKind,
  access_token: 'token_kind is "id_token", and clients send access tokens: change one of the two.',
  no_audience: 'The provider issues tokens without an audience; let it name the one in audiences.',
  wrong_audience:
    'Tokens are for another audience. Correct audiences and request_scopes of the resource, or what the client asks for.',
  no_client:
    'Tokens name no client; set identity_provider.client_claim, or allowed_clients = ["*"].',
  clients_differ: 'Tokens name two clients; set identity_provider.client_claim.',
  wrong_client: wrongClient,
  no_subject: 'The provider issues tokens that name no user.',
  app_token: 'An application came without a user. If it is to be let in, set allow_app_tokens.',
  insufficient_scope: 'Tokens lack a scope of required_scopes; grant it, or take it off the list.',
  not_in_required_groups:
    'The user is in none of required_groups. Put those who are to be let in into one.',
  groups_not_in_token:
    'Users are in too many groups for a token: let only assigned groups be put into tokens, or set identity_provider.resolve_groups.',
}

/** The reasons that other parts give; the part before a colon counts. */
const others: Readonly<Record<string, string>> = {
  upstream_unavailable:
    'Look at the pods of the MCP server, at network policies, and at upstream of the resource.',
  upstream_timeout: 'The MCP server is slow: look at it, or raise response_timeout.',
  upstream_refused:
    'The MCP server judges tokens itself, or redirects: let it pass tokens on, and name its final address.',
  token_ended: 'The MCP server had not answered ten minutes after the end of the token.',
  audit_unavailable:
    'The audit line cannot be written: make room on the disk, or let the log be read.',
  insufficient_claims: 'Nothing: the person signs in again with what is asked for.',
  header_mismatch: 'Mend the client: its Mcp headers say another call than its body.',
  session_not_found: 'Nothing: the client opens a new session.',
  misdirected_request: 'Add the host that clients use to internal_hosts, or correct public_url.',
  origin_not_allowed: 'Add the origin to allowed_origins, if its pages are to call.',
  invalid_request: 'Mend the client: its requests are malformed; the log line says how.',
  too_many_calls: 'Stop the client that asks too much, or raise limits.calls_per_user.',
  too_many_streams: 'Stop the client that opens too many, or raise limits.streams_per_user.',
  batch_messages: 'A client sends larger batches than limits.batch_messages.',
  sign_ins_per_minute: 'Stop the client that asks too often, or raise limits.sign_ins_per_minute.',
  registrations_per_minute:
    'Stop the client that registers too often, or raise limits.registrations_per_minute.',
  tool_not_allowed: 'Nothing, if it is to be refused; else add a rule under resource.allow.',
  tool_hint_unknown:
    'Name the tool in a rule of its own: the MCP server does not say that it only reads.',
  method_not_allowed: 'Mend the client: it may use POST, GET and DELETE.',
  unsupported_content_encoding: 'Mend the client: it compresses its requests.',
  no_such_cluster: 'Nothing: the model named a cluster that is not there, and was told which are.',
  no_such_tool: 'Nothing: the model named a tool that is not there, and was told which are.',
  tools_not_known: 'See with `rolecall doctor` why the cluster does not list its tools.',
  not_signed_in_there: 'See with `rolecall explain` why the cluster refuses the token.',
  cluster_twice: 'Nothing: the model was told to name the cluster once.',
  needs_task: 'Nothing: the fleet has no tasks, and the path of that cluster has them.',
  bad_request_state:
    'Nothing, if one client waited too long with an answer; else see who sends states of others.',
  not_for_many_clusters: 'Nothing: the model was told to name one cluster.',
  buffered_bytes: 'Clients send large bodies slowly, or raise limits.buffered_bytes.',
  body_too_large: 'A client sends larger bodies than limits.body_bytes.',
  invalid_redirect_uri: 'Add the redirect URI to sign_in.redirect_uris; the log line names it.',
  redirect_uri_not_allowed: 'Add the redirect URI to sign_in.redirect_uris; the log line names it.',
  no_provider_refresh_token:
    'The provider gave no refresh token: request_scopes needs offline_access there.',
}

const inLog = 'The log lines with this reason say more.'

/**
 * What an operator can do about requests or sign-ins that ended with this reason of the log.
 *
 * @param reason a short name, with details after a colon perhaps
 */
export function remedyFor(reason: string): string {
  const [name = '', detail] = reason.split(':')
  const known = { ...others, ...byReason } as Readonly<Record<string, string>>
  if (name === 'invalid_grant' && detail !== undefined) return known[detail] ?? inLog
  return known[name] ?? inLog
}
