import { text } from '../../oauth/claims.ts'
import { type JsonObject, parseObject } from '../../oauth/json.ts'

/** Of one line; rolecall's own are a few kilobytes. */
const LONGEST_LINE_BYTES = 1_048_576
const MOST_LINES = 500

/** What a log has of one request. */
export interface RequestLines {
  /** In the order of the log. */
  readonly lines: readonly JsonObject[]
  /** Lines that name the request and are cut, or no JSON. */
  readonly unreadable: number
  /** Lines beyond the most that are told. */
  readonly more: number
}

/**
 * Finds the lines of one request in a log, in bounded memory. What stands before a line's object (the
 * pod's name, a time) is passed over, and so is what is no line of ours: rotated files begin and end
 * anywhere.
 *
 * @param log its bytes
 */
export async function findRequest(
  log: AsyncIterable<Buffer>,
  requestId: string,
): Promise<RequestLines> {
  const lines: JsonObject[] = []
  let unreadable = 0
  let more = 0
  for await (const line of linesOf(log)) {
    if (!line.includes(requestId)) continue
    const begin = line.indexOf('{')
    const read = begin < 0 ? undefined : parseObject(line.slice(begin).trimEnd())
    if (!read) unreadable += 1
    else if (text(read, 'request_id') !== requestId) continue
    else if (lines.length < MOST_LINES) lines.push(read)
    else more += 1
  }
  return { lines, unreadable, more }
}

/** Lines as text; one that is too long is dropped. */
async function* linesOf(log: AsyncIterable<Buffer>): AsyncGenerator<string> {
  let rest: Buffer[] = []
  let size = 0
  for await (const chunk of log) {
    let from = 0
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, from)) {
      const part = chunk.subarray(from, end)
      if (size + part.length <= LONGEST_LINE_BYTES) yield Buffer.concat([...rest, part]).toString()
      rest = []
      size = 0
      from = end + 1
    }
    const part = chunk.subarray(from)
    size += part.length
    if (size <= LONGEST_LINE_BYTES) rest.push(part)
    else rest = []
  }
  if (size > 0 && size <= LONGEST_LINE_BYTES) yield Buffer.concat(rest).toString()
}
