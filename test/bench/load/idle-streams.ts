import { request } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import type { Gateway } from '../gateways/gateway.ts'
import { residentKiB } from '../pinned-process.ts'

const AT_ONCE = 100
/** V8 gives back what opening them left behind after some ten seconds: a quarter of the memory. */
const SETTLED_AFTER_MS = 15_000
/** What was of the streams is gone from the gateway, too. */
const CLOSED_AFTER_MS = 5_000

/**
 * Opens silent event streams and keeps them open while `meanwhile` runs.
 *
 * @returns resident memory that each adds to the gateway, KiB, and what `meanwhile` made
 */
export async function withIdleStreams<T>(
  { url, pid }: Gateway,
  token: string,
  { count, meanwhile }: { readonly count: number; readonly meanwhile: () => Promise<T> },
): Promise<{ readonly kibEach: number; readonly made: T }> {
  const before = residentKiB(pid)
  const streams: { destroy(): unknown }[] = []
  try {
    for (let opened = 0; opened < count; opened += AT_ONCE) {
      const next = Array.from({ length: Math.min(AT_ONCE, count - opened) }, () =>
        openStream(url, token),
      )
      streams.push(...(await Promise.all(next)))
    }
    await delay(SETTLED_AFTER_MS)
    const kibEach = (residentKiB(pid) - before) / count
    return { kibEach, made: await meanwhile() }
  } finally {
    for (const stream of streams) stream.destroy()
    await delay(CLOSED_AFTER_MS)
  }
}

function openStream(url: string, token: string): Promise<{ destroy(): unknown }> {
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${token}`, accept: 'text/event-stream' }
    const stream = request(url, { headers, agent: false })
    stream.on('error', reject)
    stream.on('response', (response) => {
      response.on('error', () => undefined)
      response.once('data', () => resolve(stream))
    })
    stream.end()
  })
}
