import { Agent } from 'undici'
import { errorCode } from '../../net/error-code.ts'

/** What came of one request. */
export type ProbedAnswer =
  | {
      readonly kind: 'answer'
      readonly status: number
      readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
      /** At most 64 KiB. */
      readonly body: string
    }
  /** `code` is the system's, of TLS or of undici. */
  | { readonly kind: 'failed'; readonly code: string }

export interface Probe {
  readonly method?: 'GET' | 'POST'
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  /** PEM: the only authority trusted; absent: the system's. */
  readonly certificateAuthority?: string | undefined
}

const PATIENCE_MS = 5_000
const MOST_BYTES = 65_536

/**
 * Sends one request, as a client from here would, and reads its answer: within 5 s, redirects are not
 * followed, certificates are verified.
 *
 * @returns never rejects
 */
export async function probe(url: string, sent: Probe = {}): Promise<ProbedAnswer> {
  const { method = 'GET', headers = {}, body, certificateAuthority: ca } = sent
  const tls = { rejectUnauthorized: true, ...(ca !== undefined && { ca }) }
  const agent = new Agent({ connect: { timeout: PATIENCE_MS, ...tls } })
  try {
    const { origin, pathname, search } = new URL(url)
    const response = await agent.request({
      origin,
      path: pathname + search,
      signal: AbortSignal.timeout(PATIENCE_MS),
      method,
      headers: { accept: 'application/json', ...headers },
      ...(body !== undefined && { body }),
    })
    response.body.on('error', () => undefined)
    const { statusCode: status, headers: answered } = response
    return { kind: 'answer', status, headers: answered, body: await startOf(response.body) }
  } catch (error) {
    return { kind: 'failed', code: errorCode(error) }
  } finally {
    await agent.destroy()
  }
}

async function startOf(body: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of body) {
    size += chunk.byteLength
    chunks.push(chunk)
    if (size > MOST_BYTES) break
  }
  return Buffer.concat(chunks).subarray(0, MOST_BYTES).toString('utf8')
}
