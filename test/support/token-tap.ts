import type { RequestListener, ServerResponse } from 'node:http'
import type { TestContext } from 'node:test'
import type { MockEntra } from '../environment/mock-entra/mock-entra.ts'
import { type Received, startUpstream } from './recording-upstream.ts'

/** Stands before the token endpoint of a mock Entra: keeps what arrives, and can answer instead. */
export interface TokenTap {
  readonly received: readonly Received[]
  /** What the mock answered. */
  readonly answers: readonly string[]
  /** The forms of the requests, in their order. */
  forms(): readonly URLSearchParams[]
  /** Answers from now on; `undefined`: the mock does again. */
  answerWith(listener: RequestListener | undefined): void
  /** What the mock answers to the request that arrived last. */
  readonly passOn: RequestListener
}

/** Puts itself into the discovery document; for gateways that start after it. */
export async function tapTokenEndpoint(t: TestContext, entra: MockEntra): Promise<TokenTap> {
  const upstream = await startUpstream(t)
  const path = `/${entra.tenantId}/v2.0/.well-known/openid-configuration`
  const response = await fetch(entra.origin + path)
  const document = (await response.json()) as Record<string, unknown>
  const endpoint = String(document['token_endpoint'])
  const url = new URL('/token', upstream.url).href
  entra.answer(path, { body: JSON.stringify({ ...document, token_endpoint: url }) })
  const answers: string[] = []
  const passOn: RequestListener = (request, reply) => {
    const { 'content-type': type = '', authorization, origin } = request.headers
    const headers = {
      'content-type': type,
      ...(authorization !== undefined && { authorization }),
      ...(origin !== undefined && { origin }),
    }
    const body = new Uint8Array(upstream.received.at(-1)?.body ?? [])
    fetch(endpoint, { method: 'POST', headers, body }).then(
      async (answer) => {
        const text = await answer.text()
        answers.push(text)
        copy(answer.status, text, reply)
      },
      () => reply.destroy(),
    )
  }
  upstream.answerWith(passOn)
  return {
    received: upstream.received,
    answers,
    forms: () => upstream.received.map(({ body }) => new URLSearchParams(body.toString())),
    passOn,
    answerWith: (listener) => upstream.answerWith(listener ?? passOn),
  }
}

function copy(status: number, text: string, reply: ServerResponse): void {
  reply.writeHead(status, { 'content-type': 'application/json; charset=utf-8' }).end(text)
}
