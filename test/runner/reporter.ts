/** Tells the parent process what node:test reports in this one (`worker.ts`). */
import { inspect } from 'node:util'
import type { Message, Outcome, TestResult } from './messages.ts'

/** What we read of node:test's events; its own types know less than it sends. */
interface Ended {
  readonly name: string
  /** 0: the suite that is a file. */
  readonly nesting: number
  readonly skip?: string | boolean
  readonly todo?: string | boolean
  readonly details: {
    readonly type?: string
    readonly error?: Error & { readonly failureType?: string; readonly cause?: unknown }
  }
}

interface Begun {
  readonly name: string
  readonly nesting: number
}

type Event =
  /** It runs from now on. */
  | { readonly type: 'test:dequeue'; readonly data: Begun }
  /** It is its turn to be reported: directly after the suite it is in, or another test of that. */
  | { readonly type: 'test:start'; readonly data: Begun }
  | { readonly type: 'test:pass' | 'test:fail'; readonly data: Ended }
  | { readonly type: 'test:diagnostic'; readonly data: { readonly message: string } }

/** The names of what runs now, and of what is reported now, from the file to the innermost test. */
const running: string[] = []
const reported: string[] = []

// biome-ignore lint/style/noDefaultExport: node:test asks for it
// biome-ignore lint/correctness/useYield: nothing is printed here
export default async function* reporter(events: AsyncIterable<Event>): AsyncGenerator<string> {
  for await (const { type, data } of events) {
    if (type === 'test:dequeue') began(data)
    else if (type === 'test:start') reported.splice(data.nesting, reported.length, data.name)
    else if (type === 'test:diagnostic') diagnosed(data.message)
    else if (type === 'test:pass' || type === 'test:fail') ended(data, type === 'test:pass')
  }
}

function began({ name, nesting }: Begun): void {
  running.splice(nesting, running.length, name)
  send({ kind: 'began', name: running.slice(1).join(' › ') })
}

function ended(data: Ended, passed: boolean): void {
  reported.splice(data.nesting, reported.length, data.name)
  const [file = '', ...path] = reported
  if (counts(data, passed)) {
    send({ kind: 'result', result: { file, path, ...outcomeOf(data, passed) } })
  }
  if (data.nesting === 0) send({ kind: 'file ended' })
}

/** A suite is no test, but where something of its own went wrong: a hook, or what defines it. */
function counts({ details }: Ended, passed: boolean): boolean {
  if (details.type !== 'suite') return true
  return !passed && details.error?.failureType !== 'subtestsFailed'
}

function outcomeOf(data: Ended, passed: boolean): { outcome: Outcome; text: string } {
  if (isGiven(data.skip)) return { outcome: 'skip', text: reasonOf(data.skip) }
  if (isGiven(data.todo)) return { outcome: 'todo', text: reasonOf(data.todo) }
  return passed ? { outcome: 'pass', text: '' } : { outcome: 'fail', text: textOf(data) }
}

function isGiven(value: string | boolean | undefined): value is string | boolean {
  return value !== undefined && value !== false
}

function reasonOf(value: string | boolean): string {
  return typeof value === 'string' ? value : ''
}

function textOf({ details: { error } }: Ended): string {
  const cause = error?.cause ?? error
  if (!(cause instanceof Error)) return inspect(cause)
  // Where in Node or a library it passed by helps nobody.
  const lines = inspect(cause).split('\n')
  return lines.filter((line) => !/^ +at .*(node:|node_modules)/.test(line)).join('\n')
}

/** What a test leaves to happen after its end is told at the end of all, and would be lost. */
function diagnosed(message: string): void {
  if (!message.includes('asynchronous activity after the test ended')) return
  const result: TestResult = { file: '', path: [], outcome: 'fail', text: message }
  send({ kind: 'result', result })
}

function send(message: Message): void {
  process.send?.(message)
}
