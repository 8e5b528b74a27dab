import { closeSync, fstatSync, openSync } from 'node:fs'
import { LineWriter } from './line-writer.ts'
import type { Logger } from './logger.ts'

/** `[audit] file`. */
export interface AuditFile {
  readonly lines: { write(line: string): void }
  written(): Promise<void>
  /** Writes what waits, and closes. */
  close(): Promise<void>
}

/** Where audit lines go beside standard output: a reload can put another file in its place. */
export class AuditOutput {
  #file: AuditFile | undefined

  constructor(file: AuditFile | undefined) {
    this.#file = file
  }

  get file(): AuditFile | undefined {
    return this.#file
  }

  /** From now on lines go to this file, those of requests that began before as well. */
  async replace(file: AuditFile | undefined): Promise<void> {
    const before = this.#file
    this.#file = file
    await before?.close()
  }
}

/** Readable for its owner alone: the lines say who did what. */
const MODE = 0o600

/**
 * Opens a file for audit lines and appends to it. A reload opens it anew, so that one that was moved
 * away (logrotate) is followed by a new one.
 *
 * @param log is told when lines could not be written
 * @throws Error that names the setting, with the system's error as its cause
 */
export function openAuditFile(path: string, log: Logger): AuditFile {
  const fd = openForLines(path)
  const writer = new LineWriter(fd, { neverBlocks: fstatSync(fd).isFile() })
  writer.tellLosses(({ other, failure }) => {
    const lost = { lines: other, reason: failure ?? 'file_too_slow' }
    log.error({ kind: 'audit_file', ...lost }, 'audit lines are missing in audit.file')
  })
  return {
    lines: writer.stream('audit'),
    written: () => writer.written(),
    async close() {
      await writer.written().catch(() => undefined)
      closeSync(fd)
    },
  }
}

function openForLines(path: string): number {
  try {
    return openSync(path, 'a', MODE)
  } catch (cause) {
    throw new Error('audit.file cannot be opened for writing; make its folder, or change it', {
      cause,
    })
  }
}
