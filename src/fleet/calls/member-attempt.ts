import { once } from 'node:events'
import {
  Client,
  type RequestOptions,
  StreamableHTTPClientTransport,
} from '@modelcontextprotocol/client'
import type { MemberCall } from './call-member.ts'
import type { KnownMember } from './known-members.ts'
import { memberFetch, type TransportFailure } from './member-fetch.ts'

/** How long a cancellation may take to go up once nobody waits any more. */
const CLOSED_AFTER_MS = 1_000
/** What came with the end of the answer is still on its way through the SDK. */
const SETTLED_AFTER_MS = 1_000

/** More requests than one call ever makes of its member. */
const IDS_OF_ONE_CALL = 1_000
let firstId = 0

/**
 * The SDK counts each client's requests from 0, and many of ours share a session at a member: calls at
 * once would have the same id, and one get the other's answer; some servers also take no cancellation of
 * request 0. The SDK has no option for it; `test/fleet/calls/shared-session.test.ts` holds it.
 */
function takeOwnIds(client: Client): void {
  firstId = (firstId + IDS_OF_ONE_CALL) % Number.MAX_SAFE_INTEGER
  Reflect.set(client, '_requestMessageId', firstId)
}

/** A client and a transport for one call: what one user's call carries never serves another's. */
export class MemberAttempt {
  failure: TransportFailure | undefined
  readonly #call: MemberCall
  readonly #ended = new AbortController()
  #client: Client | undefined
  #begun = 0
  #isOver = false

  constructor(call: MemberCall) {
    this.#call = call
  }

  open(
    known: KnownMember | undefined,
    mode: 'auto' | 'legacy' = 'auto',
  ): {
    readonly client: Client
    readonly transport: StreamableHTTPClientTransport
    readonly options: RequestOptions
  } {
    const { member, signal, timeoutMs, version } = this.#call
    const session = known?.era === 'legacy' ? known : undefined
    const transport = new StreamableHTTPClientTransport(new URL(member.resource.upstream), {
      fetch: memberFetch({
        ...this.#call,
        onBegin: () => {
          this.#begun += 1
        },
        onFailure: (failure) => {
          this.failure ??= failure
          this.#ended.abort()
        },
        onEnded: () => this.#endSoon(),
      }),
      reconnectionOptions: {
        maxRetries: 0,
        initialReconnectionDelay: 1,
        maxReconnectionDelay: 1,
        reconnectionDelayGrowFactor: 1,
      },
      ...(session?.sessionId !== undefined && { sessionId: session.sessionId }),
      ...(session?.protocolVersion !== undefined && { protocolVersion: session.protocolVersion }),
    })
    const client = new Client(
      { name: 'rolecall', version },
      { capabilities: this.#call.abilities, versionNegotiation: { mode } },
    )
    takeOwnIds(client)
    this.#call.hear?.(client)
    this.#client = client
    const options = {
      signal: AbortSignal.any([signal, this.#ended.signal]),
      timeout: timeoutMs,
      resetTimeoutOnProgress: true,
    }
    return { client, transport, options }
  }

  /** When what a stream had to say is over, or its signal says so. */
  async ended(signal: AbortSignal): Promise<void> {
    const over = AbortSignal.any([signal, this.#ended.signal])
    if (!over.aborted) await once(over, 'abort')
  }

  /** That of a call not at once: a cancellation may still go up. */
  close(): void {
    this.#isOver = true
    const close = () => void this.#client?.close().catch(() => undefined)
    if (this.#call.isStream) close()
    else setTimeout(close, CLOSED_AFTER_MS).unref()
  }

  /** An answer that breaks off would be waited for until the time is up. */
  #endSoon(): void {
    const begun = this.#begun
    setTimeout(() => {
      if (this.#isOver || this.#begun !== begun) return
      this.failure ??= 'unreachable'
      this.#ended.abort()
    }, SETTLED_AFTER_MS).unref()
  }
}
