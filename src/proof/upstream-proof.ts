/**
 * As whom an upstream acts in the cluster, as far as two calls can show it.
 *
 * - `caller`: a call with nobody's token and a call with none both ended in an error.
 * - `own`: one of them was carried out, or refused to somebody whom we did not name.
 * - `not_shown`: neither was shown.
 * - `configured_own`: `upstream_identity = "own"`; nothing was asked.
 */
export type ProofVerdict = 'caller' | 'own' | 'not_shown' | 'configured_own'

export const proofVerdicts: readonly ProofVerdict[] = [
  'caller',
  'own',
  'not_shown',
  'configured_own',
]

/** What came of asking one upstream. */
export interface UpstreamProof {
  readonly verdict: ProofVerdict
  /** The tool that was called. */
  readonly tool?: string
  /** One sentence: what was seen. Never a text of the upstream, but for a user's name. */
  readonly sentence: string
  /** What to do about it; absent when all is well. */
  readonly remedy?: string
  /** Whether asking again later may show more: the upstream or its cluster was away or slow. */
  readonly passing: boolean
  /** No user's call can succeed either: what answers there is not the MCP server, or it is away. */
  readonly unusable?: boolean
}

/** How one of the two calls ended. */
export type CallOutcome =
  | { readonly kind: 'succeeded' }
  /** An error: 401, 403, a JSON-RPC error, or a result with `isError`. */
  | { readonly kind: 'refused' }
  /** The cluster refused it, to somebody it knows by this name. */
  | { readonly kind: 'refused_as'; readonly user: string }
  | Unclear

/** An ending that shows nothing. */
export interface Unclear {
  readonly kind: 'unclear'
  /** As the end of a sentence: `it answered 404`. */
  readonly why: string
  readonly passing: boolean
}
