import { createParser } from 'eventsource-parser'
import type { Dispatcher } from 'undici'
import { errorCode } from '../net/error-code.ts'
import { member } from '../oauth/claims.ts'
import { isJsonObject, type JsonObject } from '../oauth/json.ts'
import { type AnswerTraits, readTraits } from './answer-traits.ts'

/** What came of one request to an upstream. */
export type OwnAnswer =
  | { readonly kind: 'result'; readonly result: JsonObject; readonly sessionId?: string }
  /** A JSON-RPC error in a 200. The message is the upstream's, raw. */
  | { readonly kind: 'error'; readonly code: unknown; readonly message: string }
  /** Another status than 200. */
  | { readonly kind: 'status'; readonly status: number; readonly traits?: AnswerTraits }
  /** No answer, or a 200 that is no JSON-RPC message. `why` is the end of a sentence. */
  | {
      readonly kind: 'failed'
      readonly why: string
      readonly passing: boolean
      /** Of the system, TLS or undici, where there was no answer. */
      readonly code?: string
      readonly traits?: AnswerTraits
    }

/** One JSON-RPC request on its way. */
export interface OwnRequest {
  readonly path: string
  readonly headers: readonly string[]
  readonly message: { readonly id?: number; readonly [member: string]: unknown }
  /** Ends the exchange; its reason is not read. */
  readonly signal: AbortSignal
}

/** A list of all pods of a large cluster stays below it. */
const ANSWER_LIMIT_BYTES = 16 * 1_048_576

/**
 * Sends one JSON-RPC request and reads until its answer is there: from JSON or from server-sent
 * events, bounded in bytes here and in time by the signal. Redirects are not followed, nothing is
 * sent twice.
 *
 * @returns never rejects
 */
export async function sendOwnRequest(
  dispatcher: Pick<Dispatcher, 'request'>,
  sent: OwnRequest,
): Promise<OwnAnswer> {
  try {
    const response = await dispatcher.request({
      method: 'POST',
      path: sent.path,
      headers: [...sent.headers],
      body: JSON.stringify(sent.message),
      signal: sent.signal,
    })
    const { statusCode: status, headers, body } = response
    // Its end is not awaited: nobody knows how long it is. A body that is left is an aborted one.
    body.on('error', () => undefined)
    if (status !== 200) return { kind: 'status', status, traits: await readTraits(headers, body) }
    if (sent.message.id === undefined) {
      body.destroy()
      return { kind: 'result', result: {} }
    }
    const type = headerText(headers['content-type']).split(';')[0]?.trim().toLowerCase()
    if (type !== 'application/json' && type !== 'text/event-stream') {
      const traits = await readTraits(headers, body)
      return { ...failed('it answered neither JSON nor an event stream', false), traits }
    }
    const answer = await (type === 'application/json' ? readJson : readEvents)(
      body,
      sent.message.id,
    )
    const sessionId = headerText(headers['mcp-session-id'])
    if (answer.kind !== 'result' || !/^[\x21-\x7e]{1,1024}$/.test(sessionId)) return answer
    return { ...answer, sessionId }
  } catch (error) {
    if (sent.signal.aborted) return failed('it took too long', true)
    const code = errorCode(error)
    return { ...failed(`it could not be reached (${code})`, true), code }
  }
}

function headerText(value: string | string[] | undefined): string {
  return typeof value === 'string' ? value : ''
}

async function readJson(body: AsyncIterable<Uint8Array>, id: number): Promise<OwnAnswer> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of body) {
    size += chunk.byteLength
    if (size > ANSWER_LIMIT_BYTES) return tooLarge
    chunks.push(chunk)
  }
  return (
    answerIn(Buffer.concat(chunks).toString('utf8'), id) ??
    failed('it answered no JSON-RPC message', false)
  )
}

async function readEvents(body: AsyncIterable<Uint8Array>, id: number): Promise<OwnAnswer> {
  let answer: OwnAnswer | undefined
  const parser = createParser({
    onEvent: ({ data }) => {
      answer ??= answerIn(data, id)
    },
  })
  const decoder = new TextDecoder()
  let size = 0
  for await (const chunk of body) {
    size += chunk.byteLength
    if (size > ANSWER_LIMIT_BYTES) return tooLarge
    parser.feed(decoder.decode(chunk, { stream: true }))
    if (answer) return answer
  }
  return failed('its event stream ended without an answer', false)
}

/** The answer to this id in a text, alone or in a batch; nothing when it is not there. */
function answerIn(text: string, id: number): OwnAnswer | undefined {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return undefined
  }
  const messages: readonly unknown[] = Array.isArray(value) ? value : [value]
  const message = messages.find((one) => isJsonObject(one) && member(one, 'id') === id)
  return isJsonObject(message) ? readMessage(message) : undefined
}

function readMessage(message: JsonObject): OwnAnswer | undefined {
  const result = member(message, 'result')
  if (isJsonObject(result)) return { kind: 'result', result }
  const error = member(message, 'error')
  if (!isJsonObject(error)) return undefined
  const words = member(error, 'message')
  return {
    kind: 'error',
    code: member(error, 'code'),
    message: typeof words === 'string' ? words : '',
  }
}

const tooLarge = failed(`its answer is larger than ${ANSWER_LIMIT_BYTES} bytes`, false)

function failed(why: string, passing: boolean): Extract<OwnAnswer, { kind: 'failed' }> {
  return { kind: 'failed', why, passing }
}
