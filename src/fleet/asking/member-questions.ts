import {
  type Client,
  ProtocolError,
  ProtocolErrorCode,
  type RequestOptions,
} from '@modelcontextprotocol/client'
import type { ClusterRequest } from '../fleet-request.ts'
import { askedBy } from './question-text.ts'

/** After the cluster's name. */
export const CANNOT_BE_ASKED =
  "asks for input in a way that clients of MCP 2026-07-28 cannot be asked. Use a client of 2025-11-25, or the server's newer version."

/** People take their time; the cluster's own patience may be shorter. */
const ANSWERED_WITHIN_MS = 600_000

/**
 * What a cluster of a revision up to 2025-11-25 asks while it works on a call: handed on to the client
 * of that call, on its stream. A client of 2026-07-28 has no way to be asked so, and of several clusters
 * at once nobody would know which one goes on: then the call ends.
 */
export class MemberQuestions {
  readonly #call: ClusterRequest
  readonly #cluster: string
  readonly #mayAsk: boolean
  readonly #refused = new AbortController()

  constructor(call: ClusterRequest, cluster: string, mode: 'single' | 'fan-out') {
    this.#call = call
    this.#cluster = cluster
    this.#mayAsk = mode === 'single' && call.context.mcpReq.envelope === undefined
  }

  /** Aborted when the cluster asked what cannot be handed on: it waits for an answer in vain. */
  get signal(): AbortSignal {
    return this.#refused.signal
  }

  /** Lets the client towards the cluster take its questions: those that the fleet's client can answer. */
  hear(client: Client): void {
    const { elicitation, sampling, roots } = this.#call.request.abilities
    client.fallbackRequestHandler = ({ method }) => {
      const text = `The client of this call cannot be asked: ${method}.`
      throw new ProtocolError(ProtocolErrorCode.MethodNotFound, text)
    }
    if (elicitation) {
      client.setRequestHandler('elicitation/create', (question, { mcpReq }) => {
        this.#judge()
        return this.#send(askedBy(this.#cluster, question), optionsOf(mcpReq))
      })
    }
    if (sampling) {
      client.setRequestHandler('sampling/createMessage', (question, { mcpReq }) => {
        this.#judge()
        return this.#send(askedBy(this.#cluster, question), optionsOf(mcpReq))
      })
    }
    if (roots) {
      client.setRequestHandler('roots/list', (_question, { mcpReq }) => {
        this.#judge()
        return this.#send({ method: 'roots/list' }, optionsOf(mcpReq))
      })
    }
  }

  /** On the stream of the call. */
  get #send() {
    return this.#call.context.mcpReq.send
  }

  /** @throws ProtocolError where nobody can be asked */
  #judge(): void {
    if (this.#mayAsk) return
    // Its own turn, so that the refusal goes out before the call is cancelled.
    setImmediate(() => this.#refused.abort())
    throw new ProtocolError(ProtocolErrorCode.InvalidRequest, 'Nobody can be asked in this call.')
  }
}

function optionsOf({ signal }: { readonly signal: AbortSignal }): RequestOptions {
  return { signal, timeout: ANSWERED_WITHIN_MS }
}
