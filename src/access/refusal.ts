import type { GroupsFailure } from './resolved-groups.ts'

/**
 * Why a request may not pass, with what the log and the answer need. Texts in it come from outside
 * and are raw: only `answerTo` makes them fit to be read.
 */
export type Refusal =
  | { readonly reason: 'no_token' }
  | { readonly reason: 'more_than_one_authorization' }
  | { readonly reason: 'malformed_authorization' }
  | { readonly reason: 'not_sealed' }
  | { readonly reason: 'session_ended'; readonly by: SessionEndedBy }
  | { readonly reason: 'not_a_jwt' }
  | {
      readonly reason: 'algorithm_not_allowed'
      readonly algorithm: string | undefined
      readonly allowed: readonly string[]
    }
  | { readonly reason: 'wrong_header_type' }
  | { readonly reason: 'critical_header' }
  | { readonly reason: 'graph_token'; readonly requestScopes: readonly string[] }
  | {
      readonly reason: 'wrong_issuer'
      readonly issuer: string | undefined
      readonly allowed: readonly string[]
    }
  | {
      readonly reason: 'wrong_tenant'
      readonly tenant: string | undefined
      readonly expected: string | undefined
    }
  | { readonly reason: 'malformed_claim'; readonly claim: string }
  | { readonly reason: 'no_expiry' }
  | { readonly reason: 'expired'; readonly secondsAgo: number }
  | {
      readonly reason: 'not_yet_valid'
      readonly claim: 'nbf' | 'iat'
      readonly secondsAhead: number
    }
  | { readonly reason: 'unknown_key' }
  | { readonly reason: 'bad_signature' }
  | {
      readonly reason: 'unavailable'
      readonly cause: UnavailableCause
      readonly retryAfter: number
    }
  | { readonly reason: 'refused_by_cluster' }
  | { readonly reason: 'bound_token' }
  | { readonly reason: 'id_token' }
  | { readonly reason: 'refresh_token' }
  | { readonly reason: 'logout_token' }
  | { readonly reason: 'access_token' }
  | { readonly reason: 'no_audience'; readonly allowed: readonly string[] | 'any' }
  | {
      readonly reason: 'wrong_audience'
      readonly audiences: readonly string[]
      readonly allowed: readonly string[]
    }
  | { readonly reason: 'no_client'; readonly claims: readonly string[] }
  | { readonly reason: 'clients_differ'; readonly clients: readonly string[] }
  | { readonly reason: 'wrong_client'; readonly client: string }
  | { readonly reason: 'no_subject'; readonly kind: 'entra' | 'oidc' }
  | { readonly reason: 'app_token'; readonly mark: string }
  | {
      readonly reason: 'insufficient_scope'
      readonly missing: readonly string[]
      readonly required: readonly string[]
    }
  | {
      readonly reason: 'not_in_required_groups'
      readonly user: string
      readonly resource: string
      readonly required: readonly string[]
    }
  | {
      readonly reason: 'groups_not_in_token'
      readonly user: string
      readonly resource: string
      /** `not_asked`: the token was handed out before they were to be asked for. */
      readonly why: 'not_resolved' | 'not_asked' | GroupsFailure
    }

/** What ended a session: the setting `sessions_valid_after`, or a request, a replay or a command. */
export type SessionEndedBy = 'sessions_valid_after' | 'request'

/** Why nothing can be decided at the moment. */
export type UnavailableCause = 'no_keys_yet' | 'keys_too_old' | 'key_fetch_pending'

/** A refusal's short name, for logs and metrics. */
export type Reason = Refusal['reason']
