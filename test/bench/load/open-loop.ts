import { execFile } from 'node:child_process'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Gateway } from '../gateways/gateway.ts'
import { CORE } from '../pinned-process.ts'

const run = promisify(execFile)
const CONNECTIONS = 20

/** How long calls took that came at a fixed rate, milliseconds. */
export interface Latency {
  readonly p50: number
  readonly p99: number
}

/**
 * Calls that come at a fixed rate, whether the ones before were answered or not, so that a pause of
 * the gateway shows in all that came meanwhile.
 *
 * @param rate calls a second
 * @throws Error when an answer is not 200
 */
export async function latencyThrough(
  { url, name }: Pick<Gateway, 'url' | 'name'>,
  token: string,
  {
    rate,
    seconds,
    folder,
  }: { readonly rate: number; readonly seconds: number; readonly folder: string },
): Promise<Latency> {
  const [body, log] = [join(folder, 'call.json'), join(folder, 'calls.log')]
  await writeFile(
    body,
    '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"pods_list"}}',
  )
  await rm(log, { force: true })
  await run('taskset', [
    '-c',
    String(CORE.measuring),
    'h2load',
    '--h1',
    '-c',
    String(CONNECTIONS),
    '-m1',
    '-D',
    String(seconds),
    '--rps',
    String(rate / CONNECTIONS),
    '-d',
    body,
    '--log-file',
    log,
    '-H',
    `authorization: Bearer ${token}`,
    '-H',
    'content-type: application/json',
    '-H',
    'accept: application/json, text/event-stream',
    url,
  ])
  // Start, status, duration: microseconds.
  const lines = (await readFile(log, 'utf8'))
    .trim()
    .split('\n')
    .filter(Boolean)
    .map((line) => line.split('\t').map(Number))
  const wrong = lines.find(([, status]) => status !== 200)
  if (lines.length === 0) throw new Error(`${name}: no answer within ${seconds} s`)
  if (wrong) throw new Error(`${name}: an answer was ${wrong[1]}`)
  const times = lines.map(([, , duration]) => (duration ?? Number.NaN) / 1000).sort((a, b) => a - b)
  const at = (share: number) => times[Math.floor(times.length * share)] ?? Number.NaN
  return { p50: at(0.5), p99: at(0.99) }
}
