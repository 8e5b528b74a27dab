import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { PassThrough, type Writable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import { z } from 'zod'
import type { AuditLine } from './footprints.ts'

/** rolecall's audit lines of late, read as they are written. */
export interface AuditLines {
  /** What rolecall's standard output is sent to; all of it goes on to the log. */
  readonly output: Writable
  /** Waits a little: the line is written before the call, but comes here by a pipe of its own. */
  find(requestId: string): Promise<AuditLine | undefined>
  /** Writes what is left to the log. */
  close(): Promise<void>
}

const lineSchema = z.object({
  kind: z.literal('audit'),
  request_id: z.string(),
  decision: z.string(),
  reason: z.string().optional(),
  user: z.string().optional(),
  acts_as: z.string().optional(),
})

const KEPT_LINES = 1000
/** Milliseconds. */
const PATIENCE = 2000
const INTERVAL = 20

/** Reads audit lines on their way to `log`, the last thousand of them. */
export function readAuditLines(log: Writable): AuditLines {
  const output = new PassThrough()
  output.pipe(log, { end: false })
  const lines = new Map<string, AuditLine>()
  createInterface({ input: output }).on('line', (text) => {
    const line = lineSchema.safeParse(parseJson(text))
    if (!line.success) return
    const { request_id, decision, reason, user, acts_as: actsAs } = line.data
    const [oldest] = lines.keys()
    if (lines.size >= KEPT_LINES && oldest !== undefined) lines.delete(oldest)
    lines.set(request_id, { decision, reason, user, actsAs, text })
  })
  return {
    output,
    async find(requestId) {
      const deadline = Date.now() + PATIENCE
      while (!lines.has(requestId) && Date.now() < deadline) await delay(INTERVAL)
      return lines.get(requestId)
    },
    async close() {
      const ended = once(output, 'end')
      output.end()
      await ended
    },
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
