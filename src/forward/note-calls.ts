import { maskedArguments } from '../observe/masked-arguments.ts'
import type { RequestRecord, ToolCall } from '../observe/record.ts'
import type { RequestLog } from '../observe/request-log.ts'
import type { ReadRequest } from './read-request.ts'

/** Longer than any method or tool there is: log lines must not grow with a body. */
const LONGEST_NAME_CHARACTERS = 200

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
    if (method !== undefined) methods.push(method.slice(0, LONGEST_NAME_CHARACTERS))
    if (tool === undefined) continue
    const shown = given !== undefined && log.wantsArguments(tool)
    calls.push({
      tool: tool.slice(0, LONGEST_NAME_CHARACTERS),
      ...(shown && { arguments: maskedArguments(bytes.toString('utf8', given.from, given.to)) }),
    })
  }
  record.methods = methods
  record.calls = calls
}
