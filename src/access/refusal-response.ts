import { printable } from '../oauth/printable.ts'
import { isHarmless, quoted, shownUser } from './policy-words.ts'
import type { Reason, Refusal, UnavailableCause } from './refusal.ts'

/** How a refusal is answered. */
export interface RefusalResponse {
  /**
   * `http`: this status and an error body. `policy`: a JSON-RPC error (-32003) in a 200, and this
   * status only where the request takes no JSON-RPC answer (GET, DELETE).
   */
  readonly kind: 'http' | 'policy'
  readonly status: 400 | 401 | 403 | 503
  /** The error body's `error`. */
  readonly error: string
  /** The error body's `error_description`: one sentence, printable ASCII. */
  readonly description: string
  /**
   * The Bearer challenge to send: none; without `error`; or with this `error` and the description.
   * `insufficient_scope` is sent only in sign-in mode off: elsewhere asking again cannot help.
   */
  readonly challenge: 'none' | 'plain' | 'invalid_token' | 'insufficient_scope'
  /** Seconds, for `Retry-After`. */
  readonly retryAfter?: number
}

/**
 * How a refusal is answered: the contract's table, with words for a reader who is often a language
 * model. Values from outside are cut and cleaned; a policy's words never contain what HolmesGPT takes
 * for a failed sign-in.
 */
export function refusalResponse(refusal: Refusal): RefusalResponse {
  const answer = responses[refusal.reason] as (refusal: Refusal) => RefusalResponse
  return answer(refusal)
}

type ResponseTable = {
  readonly [R in Reason]: (refusal: Extract<Refusal, { reason: R }>) => RefusalResponse
}

const responses: ResponseTable = {
  no_token: () => ({
    kind: 'http',
    status: 401,
    error: 'no_token',
    description:
      'This MCP server needs a bearer token; sign in first, as the resource metadata describes.',
    challenge: 'plain',
  }),
  more_than_one_authorization: () =>
    invalidRequest('The request has more than one Authorization header; send exactly one.'),
  malformed_authorization: () =>
    invalidRequest('The Authorization header must be the word Bearer, one space and one token.'),
  not_sealed: () =>
    invalidToken(
      'This server takes only the tokens that it hands out itself for this resource, and not those of the identity provider; sign in through this server (sign_in.tokens is sealed).',
    ),
  session_ended: ({ by }) =>
    invalidToken(
      by === 'sessions_valid_after'
        ? 'The operator ended the session of this token (sign_in.sessions_valid_after); sign in again.'
        : 'The session of this token was ended, on request, by the operator or because one of its tokens was used twice; sign in again.',
    ),
  not_a_jwt: () =>
    invalidToken(
      'The token is not a signed JWT; opaque and encrypted tokens cannot be checked here, ask the identity provider for a JWT access token for this resource.',
    ),
  algorithm_not_allowed: ({ algorithm, allowed }) =>
    invalidToken(
      `The token is signed with ${algorithm === undefined ? 'no named algorithm' : printable(algorithm)}, and signing_algorithms lists ${list(allowed)}; let the identity provider sign tokens for this resource with one of these, or change signing_algorithms.`,
    ),
  wrong_header_type: () =>
    invalidToken(
      'The typ in the header of the token is neither JWT nor at+jwt, so it is not an access token.',
    ),
  critical_header: () =>
    invalidToken(
      'The header of the token has critical extensions (crit), which are not supported.',
    ),
  graph_token: ({ requestScopes }) =>
    invalidToken(
      `This is a Microsoft Graph token, which only Microsoft Graph can check; ask for the scope ${list(requestScopes)} instead.`,
    ),
  wrong_issuer: ({ issuer, allowed }) =>
    invalidToken(
      `The token ${issuer === undefined ? 'names no issuer' : `is from issuer ${printable(issuer)}`}; this resource takes tokens from ${list(allowed)}, see token_issuers.`,
    ),
  wrong_tenant: ({ tenant, expected }) =>
    invalidToken(
      `The token ${tenant === undefined ? 'names no tenant' : `is from tenant ${printable(tenant)}`}; sign in with an account in tenant ${printable(expected ?? 'none')}, see tenant_id.`,
    ),
  malformed_claim: ({ claim }) => invalidToken(`The claim ${claim} of the token is malformed.`),
  no_expiry: () =>
    invalidToken('The token has no exp claim, and a token that never ends is not taken.'),
  expired: ({ secondsAgo }) =>
    invalidToken(`The token expired ${secondsAgo} seconds ago; refresh it or sign in again.`),
  not_yet_valid: ({ claim, secondsAhead }) =>
    invalidToken(
      `The token is valid only from ${secondsAhead} seconds from now (${claim}); the clock of this server or of the identity provider may be wrong.`,
    ),
  unknown_key: () =>
    invalidToken(
      'The token is signed with a key that the identity provider does not publish; sign in again.',
    ),
  bad_signature: () => invalidToken('The signature of the token is not right; sign in again.'),
  unavailable: ({ cause, retryAfter }) => ({
    kind: 'http',
    status: 503,
    error: 'temporarily_unavailable',
    description: `The token cannot be checked at the moment, because ${waitingFor[cause]}; try again in ${wholeSeconds(retryAfter)} seconds.`,
    challenge: 'none',
    retryAfter: wholeSeconds(retryAfter),
  }),
  refused_by_cluster: () =>
    invalidToken(
      'The Kubernetes API server refused this token in the last call, although it is good here: it may have been revoked; sign in again. If that does not help, the cluster trusts another issuer or audience.',
    ),
  bound_token: () =>
    invalidToken(
      'The token is bound to a key of its client (cnf), so it cannot be passed on; ask for a plain bearer token without proof of possession.',
    ),
  id_token: () =>
    invalidToken(
      'This is an ID token, and this resource takes access tokens; send the access token of the same sign-in, see token_kind.',
    ),
  refresh_token: () => invalidToken('This is a refresh token; send the access token instead.'),
  logout_token: () => invalidToken('This is a logout token; send the access token instead.'),
  access_token: () =>
    invalidToken(
      'This is an access token, and this resource takes ID tokens; send the ID token of the same sign-in, see token_kind.',
    ),
  no_audience: ({ allowed }) =>
    invalidToken(
      `The token has no audience (aud); this resource takes ${allowed === 'any' ? 'only tokens that have one' : `tokens for ${list(allowed)}`}, and the identity provider has to put it there (Keycloak: an audience mapper on the client).`,
    ),
  wrong_audience: ({ audiences, allowed }) =>
    invalidToken(
      `The token is for ${list(audiences)}, and this resource takes tokens for ${list(allowed)}; ask for a token for that, or change audiences.`,
    ),
  no_client: ({ claims }) =>
    invalidToken(
      `The token does not say which client it was issued to (${list(claims)}), and this resource takes only those in allowed_clients; set client_claim to the claim that names it.`,
    ),
  clients_differ: ({ clients }) =>
    invalidToken(`The token names two different clients, ${list(clients)}.`),
  wrong_client: ({ client }) =>
    invalidToken(
      `The token was issued to client ${printable(client)}, which is not in allowed_clients of this resource; sign in with a client that is, or add this one there.`,
    ),
  no_subject: ({ kind }) =>
    invalidToken(
      `The token has no subject (sub), so it does not say whose it is${kind === 'entra' ? '' : '; let the identity provider put it there (Keycloak: the client scope basic), or set user_claim to the claim that names users (AD FS: upn)'}.`,
    ),
  app_token: ({ mark }) =>
    invalidToken(
      `This is a token of an application, not of a user: ${mark}; sign in as a user, or set allow_app_tokens.`,
    ),
  insufficient_scope: ({ missing, required }) => ({
    kind: 'http',
    status: 403,
    error: 'insufficient_scope',
    description: `The token lacks ${list(missing)}; required_scopes of this resource are ${list(required)}.`,
    challenge: 'insufficient_scope',
  }),
  not_in_required_groups: ({ user, resource, required }) =>
    refusedByPolicy(
      `${shownUser(user)} is in none of the groups that required_groups of resource ${quoted(resource)} lists${quotedGroups(required)}; ask an administrator for membership, then sign in again.`,
    ),
  groups_not_in_token: ({ user, resource, why }) =>
    refusedByPolicy(
      `${shownUser(user)} is in so many groups that the token does not list them, and resource ${quoted(resource)} needs them for required_groups; ${groupsRemedies[why]}.`,
    ),
}

const onlyAssigned = 'let the identity provider put only assigned groups into tokens'

type GroupsUnknown = Extract<Refusal, { reason: 'groups_not_in_token' }>['why']

/** Each is the rest of a sentence, for the operator but where it says that the user can mend it. */
const groupsRemedies: Readonly<Record<GroupsUnknown, string>> = {
  not_resolved: `${onlyAssigned}, or set identity_provider.resolve_groups`,
  not_asked: 'sign in again, so that Microsoft Graph is asked for them',
  no_refresh_token:
    'Microsoft Graph could not be asked, since the sign-in brought no refresh token: add offline_access to request_scopes, and sign in again',
  not_allowed:
    'Microsoft Graph does not let this app read them: an administrator has to grant its app registration the delegated permission User.Read of Microsoft Graph, then sign in again',
  sign_in_needed:
    'the identity provider asks for a further step before Microsoft Graph may be asked: sign in again and complete it there',
  too_many: `they are too many for Microsoft Graph to list: ${onlyAssigned}`,
}

const waitingFor: Record<UnavailableCause, string> = {
  no_keys_yet: 'no keys of the identity provider are there yet',
  keys_too_old: 'the identity provider has been away for longer than stale_for',
  key_fetch_pending: 'the keys of the identity provider may be out of date',
}

function invalidToken(description: string): RefusalResponse {
  return {
    kind: 'http',
    status: 401,
    error: 'invalid_token',
    description,
    challenge: 'invalid_token',
  }
}

function invalidRequest(description: string): RefusalResponse {
  return { kind: 'http', status: 400, error: 'invalid_request', description, challenge: 'none' }
}

function refusedByPolicy(description: string): RefusalResponse {
  return { kind: 'policy', status: 403, error: 'access_denied', description, challenge: 'none' }
}

/** At least one whole second: a client that is told zero comes back at once. */
function wholeSeconds(retryAfter: number): number {
  return Math.max(1, Math.ceil(retryAfter))
}

const MOST_LISTED = 5

function list(values: readonly string[]): string {
  if (values.length === 0) return 'nothing'
  const shown = values.slice(0, MOST_LISTED).map((value) => printable(value))
  const more = values.length > MOST_LISTED ? [`${values.length - MOST_LISTED} more`] : []
  return [...shown, ...more].join(', ')
}

function quotedGroups(groups: readonly string[]): string {
  const shown = list(groups)
  return isHarmless(shown) ? ` (${shown})` : ''
}
