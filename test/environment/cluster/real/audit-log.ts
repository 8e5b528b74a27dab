import { type FileHandle, open } from 'node:fs/promises'
import type { Writable } from 'node:stream'
import type { AuditEvent } from '../cluster.ts'

/** An API server's audit log, followed as it grows. */
export interface AuditLog {
  /** Every event since the log was opened, oldest first. */
  events(): Promise<readonly AuditEvent[]>
  close(): Promise<void>
}

const FOLLOW_INTERVAL = 250
const CHUNK_BYTES = 256 * 1024

/**
 * Follows the file from its present end on. The API server writes an event before it ends the
 * answer (its log backend is blocking), so that whoever has read an answer finds its event here.
 *
 * @param path a file of JSON lines that only grows: not rotated
 * @param copy gets each line within a quarter of a second
 */
export async function followAuditLog(path: string, copy?: Writable): Promise<AuditLog> {
  const file = await open(path, 'r')
  const events: AuditEvent[] = []
  let { size: position } = await file.stat()
  let rest = Buffer.alloc(0)
  const read = async (): Promise<void> => {
    const added = await readFrom(file, position)
    position += added.length
    const text = Buffer.concat([rest, added])
    const end = text.lastIndexOf('\n') + 1
    rest = text.subarray(end)
    const lines = text.subarray(0, end).toString('utf8').split('\n').slice(0, -1)
    for (const line of lines) {
      events.push(JSON.parse(line) as AuditEvent)
      copy?.write(`${line}\n`)
    }
  }
  let last: Promise<void> = Promise.resolve()
  const readInTurn = (): Promise<void> => {
    last = last.catch(() => undefined).then(read)
    return last
  }
  // What a read throws is told to the next who asks for events.
  const timer = copy && setInterval(() => void readInTurn().catch(() => undefined), FOLLOW_INTERVAL)
  return {
    events: async () => {
      await readInTurn()
      return [...events]
    },
    close: async () => {
      clearInterval(timer)
      await readInTurn().finally(() => file.close())
    },
  }
}

async function readFrom(file: FileHandle, start: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let position = start
  for (;;) {
    const { bytesRead, buffer } = await file.read({
      buffer: Buffer.alloc(CHUNK_BYTES),
      position,
    })
    if (bytesRead === 0) return Buffer.concat(chunks)
    chunks.push(buffer.subarray(0, bytesRead))
    position += bytesRead
  }
}
