import { constants, fstatSync, openSync, write, writeSync } from 'node:fs'

/**
 * `audit` is written within this turn of the event loop, `request` is the first to be left out, `other`
 * is all the rest.
 */
export type LineKind = 'audit' | 'request' | 'other'

/** Lines that were left out because nobody read, or that could not be written. */
export interface LostLines {
  readonly request: number
  readonly other: number
  /** The system's code of the last write that failed. */
  readonly failure?: string
}

/** What waits for a reader that stands still: from here on request lines are left out. */
const MOST_WAITING_BYTES = 8 * 1_048_576
/** From here on every line is. */
const MOST_WAITING_BYTES_OF_OTHERS = 2 * MOST_WAITING_BYTES
const WRITTEN_FROM_BYTES = 8192
const WRITTEN_AFTER_MS = 100
const MOST_BYTES_AT_ONCE = 1_048_576
const TRY_AGAIN_AFTER_MS = 50
const STANDARD_OUTPUT = 1

interface Waiter {
  readonly upTo: number
  resolve(): void
  reject(error: Error): void
}

/**
 * Writes lines to a file descriptor, one write at a time, without ever waiting for whoever reads it: a
 * log reader that stands still costs bounded memory, and no request (back-pressure would make logging
 * a way to stop the service). pino's own destination drops whatever comes last, an audit line as
 * well as any other, and cannot say when a line was written, which is why this is ours.
 */
export class LineWriter {
  readonly #fd: number
  readonly #neverBlocks: boolean
  #waiting: string[] = []
  #waitingBytes = 0
  #inFlight: Buffer | undefined
  #inFlightLines = 0
  #accepted = 0
  #done = 0
  #lastWasLost = false
  #waiters: Waiter[] = []
  #auditWaits = false
  #timer: NodeJS.Timeout | undefined
  #atTurnsEnd: NodeJS.Immediate | undefined
  #lost: { request: number; other: number; failure?: string } = { request: 0, other: 0 }
  #untold = false
  #tell: (lost: LostLines) => void = () => undefined
  readonly #total = { request: 0, other: 0 }

  /**
   * @param fd open for writing; closing it is the caller's
   * @param neverBlocks a write returns at once, as one to a file does, which goes to the system's memory:
   *   lines are then there at the end of their turn, whatever becomes of the process
   */
  constructor(fd: number, { neverBlocks = false } = {}) {
    this.#fd = fd
    this.#neverBlocks = neverBlocks
  }

  /** A destination for lines of one kind. */
  stream(kind: LineKind): { write(line: string): void } {
    return { write: (line) => this.#write(line, kind) }
  }

  /** How many lines were lost so far. */
  get lost(): Readonly<Record<'request' | 'other', number>> {
    return this.#total
  }

  /** @param tell gets what was lost, once lines can be written again */
  tellLosses(tell: (lost: LostLines) => void): void {
    this.#tell = tell
  }

  /**
   * Resolves when every line so far is with the operating system; a crash of the process loses none
   * of them, one of the machine may.
   *
   * @throws Error when the last line was left out, or one of those that are waited for was lost
   */
  written(): Promise<void> {
    if (this.#lastWasLost) return Promise.reject(new Error('the line was left out'))
    if (this.#done === this.#accepted) return Promise.resolve()
    const waiting = new Promise<void>((resolve, reject) => {
      this.#waiters.push({ upTo: this.#accepted, resolve, reject })
    })
    this.#begin()
    return waiting
  }

  /** For the end of the process: writes what waits, unless a reader that stands still would block. */
  flushSync(): void {
    if (this.#inFlight !== undefined || this.#waiting.length === 0) return
    const text = this.#waiting.join('')
    this.#waiting = []
    try {
      writeSync(this.#fd, text)
    } catch {
      // Nobody is left to be told.
    }
  }

  #write(line: string, kind: LineKind): void {
    const most = kind === 'request' ? MOST_WAITING_BYTES : MOST_WAITING_BYTES_OF_OTHERS
    this.#lastWasLost = this.#waitingBytes + line.length > most
    if (this.#lastWasLost) {
      this.#lose(kind === 'request' ? 'request' : 'other', 1)
      return
    }
    this.#waiting.push(line)
    this.#waitingBytes += line.length
    this.#accepted += 1
    if (kind === 'audit') this.#auditWaits = true
    if (this.#waitingBytes >= WRITTEN_FROM_BYTES) this.#begin()
    else this.#beginLater()
  }

  /**
   * Audit lines of calls that came together go in one write, at the end of this turn of the event loop;
   * all others may wait a little for company.
   */
  #beginLater(): void {
    if (this.#auditWaits) this.#atTurnsEnd ??= setImmediate(this.#beginAtTurnsEnd)
    else this.#timer ??= setTimeout(this.#beginInTime, WRITTEN_AFTER_MS).unref()
  }

  readonly #beginAtTurnsEnd = (): void => {
    this.#atTurnsEnd = undefined
    this.#begin()
  }

  readonly #beginInTime = (): void => {
    this.#timer = undefined
    this.#begin()
  }

  #lose(kind: 'request' | 'other', lines: number): void {
    this.#lost[kind] += lines
    this.#total[kind] += lines
    this.#untold = true
  }

  #begin(): void {
    if (this.#inFlight !== undefined || this.#waiting.length === 0) return
    const lines = this.#take()
    const text = lines.join('')
    this.#waitingBytes -= text.length
    this.#inFlightLines = lines.length
    this.#send(Buffer.from(text))
  }

  #take(): string[] {
    let bytes = 0
    let count = 0
    while (count < this.#waiting.length && (count === 0 || bytes < MOST_BYTES_AT_ONCE)) {
      bytes += this.#waiting[count]?.length ?? 0
      count += 1
    }
    if (count < this.#waiting.length) return this.#waiting.splice(0, count)
    const all = this.#waiting
    this.#waiting = []
    this.#auditWaits = false
    return all
  }

  #send(bytes: Buffer): void {
    this.#inFlight = bytes
    if (this.#neverBlocks) this.#sendNow(bytes)
    else write(this.#fd, bytes, (error, written) => this.#sent(bytes, error, written))
  }

  // The thread pool's way costs 15 µs a write, this one 2, and the lines are there when it returns.
  #sendNow(bytes: Buffer): void {
    let written = 0
    try {
      written = writeSync(this.#fd, bytes)
    } catch (error) {
      this.#sent(bytes, error as NodeJS.ErrnoException, 0)
      return
    }
    this.#sent(bytes, null, written)
  }

  #sent(bytes: Buffer, error: NodeJS.ErrnoException | null, written: number): void {
    if (error?.code === 'EAGAIN') {
      setTimeout(() => this.#send(bytes), TRY_AGAIN_AFTER_MS).unref()
    } else if (error) this.#failed(error)
    else if (written < bytes.length) this.#send(bytes.subarray(written))
    else this.#ended()
  }

  #failed(error: NodeJS.ErrnoException): void {
    this.#lose('other', this.#inFlightLines)
    this.#lost.failure = error.code ?? error.name
    this.#settle((waiter) => waiter.reject(error))
  }

  #ended(): void {
    this.#settle((waiter) => waiter.resolve())
    if (!this.#untold || this.#waitingBytes > MOST_WAITING_BYTES / 2) return
    const lost = this.#lost
    this.#lost = { request: 0, other: 0 }
    this.#untold = false
    this.#tell(lost)
  }

  #settle(end: (waiter: Waiter) => void): void {
    this.#done += this.#inFlightLines
    this.#inFlight = undefined
    const waiters = this.#waiters
    this.#waiters = waiters.filter(({ upTo }) => upTo > this.#done)
    for (const waiter of waiters) if (waiter.upTo <= this.#done) end(waiter)
    if (this.#waitingBytes >= WRITTEN_FROM_BYTES || this.#waiters.length > 0) this.#begin()
    else if (this.#waiting.length > 0) this.#beginLater()
  }
}

/**
 * A writer on standard output. Where that is a pipe, as in a container, it is opened once more for
 * writing without waiting (a flag of our own, which nobody shares), so that lines need no thread.
 */
export function standardOutputLines(): LineWriter {
  const fd = STANDARD_OUTPUT
  try {
    const kind = fstatSync(fd)
    if (kind.isFIFO() || kind.isCharacterDevice()) {
      const flags = constants.O_WRONLY | constants.O_APPEND | constants.O_NONBLOCK
      return new LineWriter(openSync(`/proc/self/fd/${fd}`, flags), { neverBlocks: true })
    }
    return new LineWriter(fd, { neverBlocks: kind.isFile() })
  } catch {
    // Not ours to open, or no Linux: it is written to as it is.
  }
  return new LineWriter(fd)
}
