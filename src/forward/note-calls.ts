import { maskedArguments } from '../observe/masked-arguments.ts'
import type { RequestRecord, ToolCall } from '../observe/record.ts'
import type { RequestLog } from '../observe/request-log.ts'
import type { ReadRequest } from './read-request.ts'

/** Longer than any method or tool there is. */
const LONGEST_NAME_CHARACTERS = 200

/** A name as log lines have it, which must not grow with a body. */
export function loggedName(name: string): string {
  return name.slice(0, LONGEST_NAME_CHARACTERS)
}

/** For the log: what the body calls, by the bytes that go up. */
export function noteCalls(
  { bytes, body }: ReadRequest,
  record: RequestRecord,
  log: RequestLog,
): void {
  if (body.kind !== 'messages') return
  const methods: string[] = []
  const calls: ToolCall[] = []
  for (const { method, tool, arguments: given } of body.messages) {
    if (method !== undefined) methods.push(loggedName(method))
    if (tool === undefined) continue
    const shown = given !== undefined && log.wantsArguments(tool)
    calls.push({
      tool: loggedName(tool),
      ...(shown && { arguments: maskedArguments(bytes.toString('utf8', given.from, given.to)) }),
    })
  }
  record.methods = methods
  record.calls = calls
}
