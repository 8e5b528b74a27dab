import { z } from 'zod'
import type { SentRequest } from './answer.ts'

/** What came back. */
export interface Received {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  /** The body as JSON; `undefined` when it is none. */
  readonly json: unknown
}

export interface Outgoing {
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  /** Milliseconds until the whole answer must be there. */
  readonly timeout: number
}

/** Sends the backend's requests, and keeps of each what the page may show. */
export interface RequestLog {
  readonly requests: readonly SentRequest[]
  /**
   * Sends a request and reads its answer. Redirects are not followed.
   *
   * @throws when there is no answer
   */
  send(method: string, url: string, outgoing: Outgoing): Promise<Received>
  /** The same as `fetch`, for the MCP SDK. */
  readonly fetch: (url: string | URL, init?: RequestInit) => Promise<Response>
}

/** An empty log. */
export function createRequestLog(): RequestLog {
  const requests: SentRequest[] = []
  const logged = async (url: string | URL, init: RequestInit = {}): Promise<Response> => {
    const about = aboutBody(init.body)
    const method = init.method ?? 'GET'
    const request = { method, url: withoutQuery(url), ...(about === undefined ? {} : { about }) }
    const place = requests.push(request) - 1
    const response = await fetch(url, init)
    const requestId = response.headers.get('x-request-id') ?? undefined
    const { status } = response
    requests[place] = { ...request, status, ...(requestId === undefined ? {} : { requestId }) }
    return response
  }
  return {
    requests,
    fetch: logged,
    async send(method, url, { headers = {}, body, timeout }) {
      const response = await logged(url, {
        method,
        headers: { accept: '*/*', ...headers },
        redirect: 'manual',
        signal: AbortSignal.timeout(timeout),
        ...(body === undefined ? {} : { body }),
      })
      const { status, headers: received } = response
      const text = await response.text()
      return { status, headers: received, text, json: parseJson(text) }
    },
  }
}

function withoutQuery(url: string | URL): string {
  const { origin, pathname } = new URL(url)
  return `${origin}${pathname}`
}

const messageSchema = z.object({ method: z.string() })

function aboutBody(body: unknown): string | undefined {
  if (typeof body !== 'string') return undefined
  const message = messageSchema.safeParse(parseJson(body))
  if (message.success) return message.data.method
  return new URLSearchParams(body).get('grant_type') ?? undefined
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
