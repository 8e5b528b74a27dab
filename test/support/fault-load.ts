import type { TestContext } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { Pool } from 'undici'
import { toolCall } from './raw-http.ts'

export interface Reply {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly text: string
}

/** A client with kept connections; nothing is ever sent a second time. */
export interface Caller {
  /** @throws when the connection ends before the answer does */
  call(token: string, body?: string, headers?: Readonly<Record<string, string>>): Promise<Reply>
}

/** @param connections how many at most */
export function startCaller(t: TestContext, url: string, connections: number): Caller {
  const { origin, pathname } = new URL(url)
  const pool = new Pool(origin, { connections, pipelining: 1 })
  t.after(() => pool.destroy())
  return {
    async call(token, body = toolCall('pods_list'), headers = {}) {
      const answer = await pool.request({
        path: pathname,
        method: 'POST',
        headers: {
          authorization: `Bearer ${token}`,
          'content-type': 'application/json',
          accept: 'application/json, text/event-stream',
          ...headers,
        },
        body,
      })
      return { status: answer.statusCode, headers: answer.headers, text: await answer.body.text() }
    },
  }
}

/** Runs `work` for 0 to `total` - 1, `concurrency` at once. */
export async function repeat(
  total: number,
  concurrency: number,
  work: (index: number) => Promise<void>,
): Promise<void> {
  let next = 0
  const worker = async () => {
    while (next < total) {
      const index = next
      next += 1
      await work(index)
    }
  }
  await Promise.all(Array.from({ length: concurrency }, worker))
}

/** Milliseconds between a person's calls: other tests share the machine. */
const pause = 4

/** People who call until told to stop. */
export interface SteadyLoad {
  /** The status of every answer so far, and how long it took in milliseconds. */
  readonly answers: readonly { readonly status: number; readonly took: number }[]
  /** Resolves when each person has a fresh token and had an answer with it. */
  renewTokens(): Promise<void>
  /** Resolves when every call that was begun has ended. */
  stop(): Promise<void>
}

export interface SteadyLoadOptions {
  readonly people: readonly string[]
  readonly mint: (person: string) => Promise<string>
  readonly call: (token: string) => Promise<{ readonly status: number }>
}

/** One call after the other for each person, with the same token until `renewTokens`. */
export function startSteadyLoad(t: TestContext, options: SteadyLoadOptions): SteadyLoad {
  const answers: { status: number; took: number }[] = []
  const waiting = new Set<() => void>()
  const renewed = new Map<number, Set<number>>()
  let generation = 0
  let stopped = false
  const person = async (name: string, index: number) => {
    let mine = -1
    let token = ''
    while (!stopped) {
      if (mine !== generation) {
        mine = generation
        token = await options.mint(name)
      }
      const used = mine
      const began = performance.now()
      const { status } = await options.call(token)
      answers.push({ status, took: performance.now() - began })
      renewed.get(used)?.add(index)
      for (const look of waiting) look()
      await delay(pause)
    }
  }
  const running = Promise.all(options.people.map(person))
  const stop = async () => {
    stopped = true
    await running
  }
  t.after(stop)
  return {
    answers,
    async renewTokens() {
      generation += 1
      const now = generation
      renewed.set(now, new Set())
      const all = new Promise<void>((resolve) => {
        const look = () => {
          if (renewed.get(now)?.size !== options.people.length) return
          waiting.delete(look)
          resolve()
        }
        waiting.add(look)
      })
      await Promise.race([all, running])
    },
    stop,
  }
}

/** How often each status came. */
export function countStatuses(
  answers: readonly { readonly status: number }[],
): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const { status } of answers) counts[status] = (counts[status] ?? 0) + 1
  return counts
}

/** The value below which `share` of the numbers are. */
export function quantile(numbers: readonly number[], share: number): number {
  const sorted = [...numbers].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}

/** Waits until `holds`, looking every 10 ms. */
export async function until(
  what: string,
  holds: () => boolean | Promise<boolean>,
  milliseconds = 5000,
): Promise<void> {
  const deadline = performance.now() + milliseconds
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`${what}: not within ${milliseconds} ms`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}
