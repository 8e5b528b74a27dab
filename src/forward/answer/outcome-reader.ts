import type { IncomingHttpHeaders } from 'node:http'
import { JsonScanner } from '../body/json-scanner.ts'
import type { JsonKind, JsonVisitor } from '../body/json-visitor.ts'
import { EventStream } from './event-stream.ts'
import { mediaType } from './response-headers.ts'

/** How calls ended, from the best to the worst. */
const ranked = ['ok', 'tool_error', 'rpc_error'] as const

export type AnswerOutcome = (typeof ranked)[number]

/** Bytes: of the names that are looked for. */
const LONGEST_NAME = 16

/**
 * Reads from an answer that passes by how its calls ended: of several in one answer, the worst. The
 * memory it takes does not grow with the answer.
 */
export interface OutcomeReader {
  push(piece: Buffer): void
  /** `undefined`: there was no JSON-RPC response in it. */
  outcome(): AnswerOutcome | undefined
  /** Absent but for event streams: whether a comment may stand here. */
  betweenEvents?(): boolean
}

/** A reader for an answer with these headers; none for what is compressed or of another type. */
export function outcomeReader(headers: IncomingHttpHeaders): OutcomeReader | undefined {
  if ((headers['content-encoding'] ?? 'identity') !== 'identity') return undefined
  const type = mediaType(headers)
  if (type === 'application/json') return jsonReader()
  if (type === 'text/event-stream') return eventReader()
  return undefined
}

function jsonReader(): OutcomeReader {
  const responses = new ResponseVisitor()
  const scanner = scannerFor(responses)
  return {
    push: (piece) => {
      scanner.push(piece)
    },
    outcome: () => (scanner.finish() ? responses.worst : undefined),
  }
}

/** Each event is a JSON text of its own; requests and notifications of the server are passed over. */
function eventReader(): OutcomeReader {
  const responses = new ResponseVisitor()
  let scanner: JsonScanner | undefined
  const events = new EventStream({
    data(part) {
      scanner ??= scannerFor(responses)
      scanner.push(part)
    },
    end() {
      scanner = undefined
    },
  })
  return {
    push: (piece) => events.push(piece),
    outcome: () => responses.worst,
    betweenEvents: () => events.betweenEvents,
  }
}

function scannerFor(responses: ResponseVisitor): JsonScanner {
  responses.reset()
  return new JsonScanner(responses, { deepest: 3, longestName: LONGEST_NAME })
}

/** Responses (JSON-RPC 2.0 §5) of a text, alone or in a batch. */
class ResponseVisitor implements JsonVisitor {
  worst: AnswerOutcome | undefined
  #base = 0
  #member = ''
  #inner = ''
  #found: AnswerOutcome | undefined
  #isError = false

  reset(): void {
    this.#base = 0
    this.#found = undefined
    this.#isError = false
  }

  begin(level: number, kind: 'object' | 'array'): void {
    if (level === 0 && kind === 'array') this.#base = 1
    if (level !== this.#base) return
    this.#found = undefined
    this.#isError = false
  }

  member(level: number, name: string): void {
    if (level === this.#base + 1) this.#member = name
    else if (level === this.#base + 2) this.#inner = name
  }

  end(level: number, kind: JsonKind): void {
    if (level === this.#base + 2) {
      const isError = this.#member === 'result' && this.#inner === 'isError'
      if (isError) this.#isError = kind === 'true'
    } else if (level === this.#base + 1) this.#endMember(kind)
    else if (level === this.#base && this.#found !== undefined) {
      const rank = Math.max(
        ranked.indexOf(this.#found),
        this.worst ? ranked.indexOf(this.worst) : 0,
      )
      this.worst = ranked[rank]
    }
  }

  #endMember(kind: JsonKind): void {
    if (this.#member === 'error' && kind !== 'null') this.#found = 'rpc_error'
    else if (this.#member === 'result' && this.#found === undefined) {
      this.#found = this.#isError ? 'tool_error' : 'ok'
    }
  }
}
