import { type ChildProcess, fork } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Message, Order, TestResult } from './messages.ts'

export interface PoolOptions {
  /** In the order to run them. */
  readonly files: readonly string[]
  /** Processes at once. */
  readonly workers: number
  /** How long a process may say nothing before it is ended, in milliseconds. */
  readonly silence: number
  /** How long a process may take to end when all is done, in milliseconds. */
  readonly patience: number
  readonly onResult: (result: TestResult) => void
}

/** Lines of a process's own output that are shown when it ends in the middle of a file. */
const KEPT_LINES = 30

/**
 * Runs test files in a few processes, one file after the other in each. A process that ends in the
 * middle of a file, or says nothing for too long, is a failure of that file alone: the files after
 * it run in a new process.
 */
export async function runFiles(options: PoolOptions): Promise<void> {
  const queue = [...options.files]
  const one = async (): Promise<void> => {
    while (queue.length > 0) await new Worker(queue, options).ended
  }
  await Promise.all(Array.from({ length: options.workers }, one))
}

/** One process, until the queue is empty or the process has ended. */
class Worker {
  /** Settles when the process is gone; never rejects. */
  readonly ended: Promise<void>
  readonly #child = startWorker()
  readonly #queue: string[]
  readonly #patience: number
  readonly #onResult: PoolOptions['onResult']
  readonly #output: string[]
  readonly #silence: NodeJS.Timeout
  #file: string | undefined
  /** What began last in the file. */
  #test = ''
  #failed = false
  #killed = ''

  constructor(queue: string[], { silence, patience, onResult }: PoolOptions) {
    this.#queue = queue
    this.#patience = patience
    this.#onResult = onResult
    this.#output = keepOutput(this.#child)
    this.#silence = setTimeout(() => {
      this.#killed = `nothing was heard of it for ${silence / 1000} s`
      this.#child.kill('SIGKILL')
    }, silence)
    this.#child.on('message', (message: Message) => this.#heard(message))
    this.ended = new Promise((resolve) => {
      this.#child.once('close', (code, signal) => {
        clearTimeout(this.#silence)
        this.#gone(code, signal)
        resolve()
      })
    })
  }

  #heard(message: Message): void {
    this.#silence.refresh()
    if (message.kind === 'result') this.#tell(message.result)
    else if (message.kind === 'began') this.#test = message.name
    else this.#next()
  }

  #next(): void {
    this.#file = this.#queue.shift()
    this.#test = ''
    this.#output.splice(0)
    const order: Order =
      this.#file === undefined
        ? { kind: 'end', patience: this.#patience }
        : { kind: 'run', file: this.#file }
    this.#child.send(order)
  }

  #tell(result: TestResult): void {
    if (result.outcome === 'fail') this.#failed = true
    this.#onResult(result)
  }

  /** Node's exit code is 1 where a test failed, which has been told then. */
  #gone(code: number | null, signal: NodeJS.Signals | null): void {
    const isTold = code === 0 || (code === 1 && this.#failed)
    if (this.#file === undefined && isTold) return
    const how = this.#killed || (signal ? `ended by ${signal}` : `exited with code ${code}`)
    const text = [`the process that ran it: ${how}`, ...this.#output].join('\n')
    const path = this.#test === '' ? [] : [this.#test]
    this.#tell({ file: this.#file ?? '', path, outcome: 'fail', text })
  }
}

function startWorker(): ChildProcess {
  // Where node's own runner started us, node:test would answer that one and nobody else.
  const { NODE_TEST_CONTEXT: _others, ...env } = process.env
  const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url))
  const loader = process.execArgv.filter((argument) => !argument.startsWith('--test'))
  const reporter = [`--test-reporter=${here('reporter.ts')}`, '--test-reporter-destination=stdout']
  return fork(here('worker.ts'), {
    env,
    execArgv: [...loader, ...reporter],
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
}

/** The last lines of what it writes, since the last file began. */
function keepOutput({ stdout, stderr }: ChildProcess): string[] {
  const lines: string[] = []
  for (const stream of [stdout, stderr]) {
    if (stream === null) continue
    createInterface({ input: stream }).on('line', (line) => {
      lines.push(line)
      lines.splice(0, lines.length - KEPT_LINES)
    })
  }
  return lines
}
