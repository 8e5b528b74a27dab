/**
 * What the backend answers to its page, as JSON. Types only, so that the page's own script can name
 * them; no token, code or verifier is ever among them.
 */

import type { Footprints } from '../trail/footprints.ts'

/** One pod, by the columns of `kubectl get pods`. */
export interface Pod {
  readonly name: string
  readonly ready: string
  readonly status: string
}

/** What the person was shown of one namespace: its pods, or the cluster's words of refusal. */
export interface NamespaceSight {
  readonly namespace: string
  readonly pods: readonly Pod[]
  readonly refusal?: string
}

/** One tool call, and what others wrote of it on its way. */
export interface TracedCall extends Footprints {
  /** The id that rolecall gave the request, `X-Request-Id`. */
  readonly requestId: string
  readonly tool: string
  readonly namespace: string
  /** Whether the tool said that it failed (`isError`). */
  readonly isRefused: boolean
}

/** The person's connection to the cluster, as the page shows it. */
export interface ConnectionView {
  /** As rolecall knows the person; absent when it does not say. */
  readonly person?: string
  readonly tools: number
  readonly sights: readonly NamespaceSight[]
  /** The calls that these sights are from; none where nobody follows them. */
  readonly calls: readonly TracedCall[]
  /** Milliseconds since the epoch: from then on the backend asks for a new access token. */
  readonly goodUntil: number
  /** How often the token was refreshed since the sign-in. */
  readonly refreshes: number
}

/** What went wrong, in words for the person at the page. */
export interface ProblemView {
  readonly title: string
  /** The words of whoever refused. */
  readonly words: string
  readonly remedy?: string
}

/** A request that the backend sent: never with its query or headers. */
export interface SentRequest {
  readonly method: string
  readonly url: string
  /** All that is told of its body: the grant type, or the JSON-RPC method. */
  readonly about?: string
  /** Absent: there was no answer. */
  readonly status?: number
  /** `X-Request-Id` of the answer. */
  readonly requestId?: string
}

/** The answer to every request of the page. */
export interface Answer {
  readonly connection?: ConnectionView
  readonly problem?: ProblemView
  /** Where the popup is to go. */
  readonly authorizeUrl?: string
  /** In their order. */
  readonly requests: readonly SentRequest[]
}
