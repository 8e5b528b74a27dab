import { readFileSync } from 'node:fs'
import { request as httpRequest } from 'node:http'
import { Client } from 'undici'

const CONNECTIONS = 32
const TICKS_PER_SECOND = 100 // of /proc, on every Linux that Node runs on

/** What a round of calls through one proxy cost. */
export interface Round {
  /** The proxy's own processor time for a request, microseconds. */
  readonly cpu: number
  readonly p50: number
  readonly p99: number
}

/** Calls in a closed loop over 32 connections. Every answer must be a 200 of the right length. */
export async function callsThrough(
  url: string,
  token: string,
  run: { readonly pid: number; readonly calls: number },
): Promise<Round> {
  const { origin, pathname } = new URL(url)
  const body = JSON.stringify({
    jsonrpc: '2.0',
    id: 1,
    method: 'tools/call',
    params: { name: 'a' },
  })
  const headers = {
    authorization: `Bearer ${token}`,
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    'mcp-protocol-version': '2025-11-25',
  }
  const times: number[] = []
  const before = cpuSeconds(run.pid)
  await Promise.all(
    Array.from({ length: CONNECTIONS }, async () => {
      const client = new Client(origin)
      for (let i = 0; i < run.calls / CONNECTIONS; i += 1) {
        const began = performance.now()
        const answer = await client.request({ path: pathname, method: 'POST', headers, body })
        const { length } = await answer.body.text()
        if (answer.statusCode !== 200 || length < 1000)
          throw new Error(`${url}: ${answer.statusCode}`)
        times.push(performance.now() - began)
      }
      await client.close()
    }),
  )
  const cpu = ((cpuSeconds(run.pid) - before) * 1e6) / times.length
  times.sort((a, b) => a - b)
  const at = (share: number) => times[Math.floor(times.length * share)] ?? Number.NaN
  return { cpu, p50: at(0.5), p99: at(0.99) }
}

/** Resident memory that one open stream adds, KiB. */
export async function memoryPerStream(
  url: string,
  token: string,
  run: { readonly pid: number; readonly streams: number },
): Promise<number> {
  const before = residentKiB(run.pid)
  const opened = await Promise.all(
    Array.from({ length: run.streams }, () => openStream(url, token)),
  )
  await new Promise((resolve) => setTimeout(resolve, 1000))
  const after = residentKiB(run.pid)
  for (const stream of opened) stream.destroy()
  return (after - before) / run.streams
}

function openStream(url: string, token: string): Promise<{ destroy(): unknown }> {
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${token}`, accept: 'text/event-stream' }
    const stream = httpRequest(url, { headers, agent: false })
    stream.on('error', reject)
    stream.on('response', (response) => {
      response.on('error', () => undefined)
      response.once('data', () => resolve(stream))
    })
    stream.end()
  })
}

function cpuSeconds(pid: number): number {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND
}

function residentKiB(pid: number): number {
  const match = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))
  return Number(match?.[1])
}
