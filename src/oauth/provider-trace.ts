/**
 * What may be logged of a refusal of the identity provider, under the names of a log line: codes and
 * ids, never a text of the provider's.
 */
export interface ProviderTrace {
  /** The HTTP status; absent: it came by way of the browser. */
  readonly provider_status?: number
  readonly provider_error?: string
  readonly suberror?: string
  /** Entra's AADSTS numbers. */
  readonly codes: readonly number[]
  /** By these Entra's support finds the request. */
  readonly correlation_id?: string
  readonly trace_id?: string
}
