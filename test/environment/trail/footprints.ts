/**
 * What one call left behind on its way: types alone, so that pages can name them. Neither rolecall nor
 * an API server ever writes a token.
 */
export interface Footprints {
  /** Absent: rolecall wrote none. */
  readonly rolecall?: AuditLine
  /** In their order; none: the call did not come that far. */
  readonly cluster: readonly ClusterRecord[]
}

/** A line of kind `audit` of rolecall's log. */
export interface AuditLine {
  readonly decision: string
  readonly reason: string | undefined
  readonly user: string | undefined
  readonly actsAs: string | undefined
  /** As it was written. */
  readonly text: string
}

/** An event of the API server's audit log. */
export interface ClusterRecord {
  /** Whom the API server took the request for; absent: it could authenticate nobody. */
  readonly user?: string
  readonly verb: string
  /** `pods in team-a`, or a path that is no resource. */
  readonly what: string
  /** The HTTP status. */
  readonly code: number
  /** As it was written. */
  readonly text: string
}
