import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { Writable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'

export interface ChildOptions {
  readonly command: string
  readonly arguments: readonly string[]
  readonly environment: NodeJS.ProcessEnv
  /** Where its standard output goes, too; a file to follow. */
  readonly output?: Writable
  /** Lines that say nothing about an end: not kept. Default: none is. */
  readonly isNoise?: (line: string) => boolean
}

/** How a child ended: its exit code, or the signal that ended it, and its last words. */
export interface ChildExit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly lastLines: readonly string[]
}

export interface Child {
  readonly pid: number
  /** Settles when the child is gone; never rejects. */
  readonly exited: Promise<ChildExit>
  /** Asks it to end, and after five seconds ends it. */
  close(): Promise<void>
}

const KEPT_LINES = 12
const PATIENCE = 5_000
const START_TIMEOUT = 20_000

/**
 * Starts a program without a shell and keeps the last lines it writes. The child is ended with this
 * process, unless this process is killed by SIGKILL.
 *
 * @throws when the program cannot be started
 */
export async function startChild(options: ChildOptions): Promise<Child> {
  const child = spawn(options.command, options.arguments, {
    env: options.environment,
    stdio: ['ignore', 'pipe', 'pipe'],
    // A group of its own: Ctrl-C reaches us alone, and we end the parts in order.
    detached: true,
  })
  if (options.output) child.stdout.pipe(options.output, { end: false })
  const lines: string[] = []
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => {
      if (options.isNoise?.(line)) return
      lines.push(line)
      lines.splice(0, Math.max(0, lines.length - KEPT_LINES))
    })
  }
  await once(child, 'spawn')
  endWithUs(child)
  const exited = new Promise<ChildExit>((resolve) => {
    // `close` comes after the streams' ends, so that the last lines are all there.
    child.once('close', (code, signal) => {
      endsAlone(child)
      resolve({ code, signal, lastLines: lines })
    })
  })
  return { pid: child.pid ?? 0, exited, close: () => endChild(child, exited) }
}

const running = new Set<ChildProcess>()

function endAll(): void {
  for (const child of running) child.kill('SIGKILL')
}

/** One listener for all: Node.js takes many of an event for a leak. */
function endWithUs(child: ChildProcess): void {
  if (running.size === 0) process.once('exit', endAll)
  running.add(child)
}

function endsAlone(child: ChildProcess): void {
  running.delete(child)
  if (running.size === 0) process.removeListener('exit', endAll)
}

async function endChild(
  child: { kill(signal: NodeJS.Signals): boolean },
  exited: Promise<unknown>,
): Promise<void> {
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), PATIENCE)
  await exited
  clearTimeout(timer)
}

/** One sentence and the last lines: what people need to see of a child that ended. */
export function describeExit({ code, signal, lastLines }: ChildExit): string {
  const how = signal ? `it was ended by ${signal}` : `it exited with code ${code}`
  return [how, ...lastLines.map((line) => `    ${line}`)].join('\n')
}

/**
 * Waits until a child that serves http answers 200, for at most 20 seconds. If it does not, the
 * child is ended.
 *
 * @throws when it ends or stays silent; the message has its name and last lines
 */
export async function untilAnswers(child: Child, name: string, url: string): Promise<void> {
  const deadline = Date.now() + START_TIMEOUT
  const ended = new AbortController()
  const exit = child.exited.then((how) => {
    ended.abort()
    return how
  })
  while (!(await answersOk(url, ended.signal))) {
    if (ended.signal.aborted) {
      throw new Error(`${name} did not start: ${describeExit(await exit)}`)
    }
    if (Date.now() > deadline) {
      await child.close()
      const last = (await exit).lastLines.join('\n    ')
      throw new Error(`${name} did not answer at ${url} in 20 s:\n    ${last}`)
    }
    await delay(20)
  }
}

async function answersOk(url: string, ended: AbortSignal): Promise<boolean> {
  try {
    const answer = await fetch(url, {
      signal: AbortSignal.any([ended, AbortSignal.timeout(2_000)]),
    })
    await answer.body?.cancel()
    return answer.ok
  } catch {
    return false
  }
}
