import { printable } from '../../oauth/printable.ts'
import type { ProviderExplanation } from '../../oauth/provider-explanation.ts'

const signInAgain = 'sign in again.'
const logHasMore = "sign in again; if that does not help, rolecall's log has the provider's codes."
const grantNotAllowed: ProviderExplanation = {
  what: 'The identity provider does not let this client sign users in with an authorization code.',
  whose: 'administrator',
  remedy:
    'allow the client of identity_provider.client_id the grants authorization_code and refresh_token.',
}
const wrongTarget: ProviderExplanation = {
  what: 'The identity provider has no such resource, or not for these scopes.',
  whose: 'operator',
  remedy:
    'correct request_scopes of the resource, and let no client send resource to the provider.',
}
const furtherStep: ProviderExplanation = {
  what: 'The identity provider asks for a further step at sign-in.',
  whose: 'user',
  remedy: 'sign in again and complete it there.',
}
const consentMissing: ProviderExplanation = {
  what: 'Nobody has consented to what the app asks for.',
  whose: 'administrator',
  remedy: 'grant the app consent for everybody, or let people consent when they sign in.',
}
const sessionOver: ProviderExplanation = {
  what: 'The session at the identity provider is over.',
  whose: 'user',
  remedy: signInAgain,
}
const passes: ProviderExplanation = {
  what: 'The identity provider has a passing fault.',
  whose: 'nobody',
  remedy: 'try again in a minute.',
}

/** By `error`: RFC 6749 §4.1.2.1 and §5.2, RFC 8707 §2, OpenID Connect Core §3.1.2.6, and Entra's. */
const byError: ReadonlyMap<string, ProviderExplanation> = new Map([
  ['invalid_grant', { ...sessionOver, what: 'The code or the session is no longer good.' }],
  [
    'invalid_client',
    {
      what: "The identity provider refused rolecall's own credential.",
      whose: 'operator',
      remedy:
        'check identity_provider.client_id with client_secret_file and client_secret_method, client_certificate_file or federated_token_file.',
    },
  ],
  [
    'invalid_request',
    {
      what: 'The identity provider could not make sense of the request.',
      whose: 'user',
      remedy: logHasMore,
    },
  ],
  [
    'invalid_scope',
    {
      what: 'The identity provider does not give out these scopes.',
      whose: 'operator',
      remedy:
        'correct request_scopes of the resource; not every provider has offline_access, and only Entra has /.default.',
    },
  ],
  ['invalid_target', wrongTarget],
  ['invalid_resource', wrongTarget],
  ['unauthorized_client', grantNotAllowed],
  ['unsupported_grant_type', grantNotAllowed],
  ['unsupported_response_type', grantNotAllowed],
  [
    'access_denied',
    {
      what: 'Access was denied at the identity provider.',
      whose: 'user',
      remedy: 'sign in again and accept, or ask an administrator for access.',
    },
  ],
  ['interaction_required', furtherStep],
  ['account_selection_required', furtherStep],
  ['login_required', sessionOver],
  ['consent_required', consentMissing],
  ['bad_token', sessionOver],
  ['temporarily_unavailable', passes],
  ['server_error', passes],
])

/** By Entra's `suberror`, which says more than its `error`. */
const bySuberror: ReadonlyMap<string, ProviderExplanation> = new Map([
  [
    'message_only',
    {
      what: 'A policy of the identity provider blocks this sign-in.',
      whose: 'administrator',
      remedy: "see the provider's sign-in logs for the policy and its reason.",
    },
  ],
  ['additional_action', furtherStep],
  ['basic_action', furtherStep],
  [
    'user_password_expired',
    {
      what: 'The password has expired.',
      whose: 'user',
      remedy: 'sign in again and change it there.',
    },
  ],
  ['consent_required', consentMissing],
  ['bad_token', sessionOver],
])

/** An OAuth error of any provider in words; what is not known is named. */
export function explainOAuthError(error: string, suberror?: string): ProviderExplanation {
  const known = bySuberror.get(suberror ?? '') ?? byError.get(error)
  if (known) return known
  const what = `The identity provider refused with ${printable(error, 64)}.`
  return { what, whose: 'user', remedy: logHasMore }
}

const interactionErrors = [
  'interaction_required',
  'consent_required',
  'login_required',
  'bad_token',
  'account_selection_required',
]
const interactionSuberrors = [
  'message_only',
  'additional_action',
  'basic_action',
  'user_password_expired',
  'consent_required',
  'bad_token',
]

/**
 * Whether only a user at the provider's page can bring a new grant: what MSAL and OpenID Connect
 * Core §3.1.2.6 name so, and `invalid_grant`, after which no request with the same grant can
 * succeed (RFC 6749 §5.2).
 */
export function needsSignIn(error: string, suberror?: string): boolean {
  if (error === 'invalid_grant' || interactionErrors.includes(error)) return true
  return suberror !== undefined && interactionSuberrors.includes(suberror)
}
