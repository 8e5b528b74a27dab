import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Gateway } from '../gateways/gateway.ts'
import { CORE, cpuSeconds } from '../pinned-process.ts'

const run = promisify(execFile)
const SCRIPT = fileURLToPath(new URL('./calls.lua', import.meta.url))
const CONNECTIONS = 32

/** What one call cost, in one run. */
export interface CallCost {
  /** The gateway's own processor time for a call, microseconds. */
  readonly cpu: number
  /** Milliseconds. */
  readonly p50: number
  readonly p99: number
}

/**
 * Calls in a closed loop over 32 connections.
 *
 * @param tokens as the client holds them: one for all calls, or each for one call
 * @param seconds at the most; with many tokens it ends when each was used
 * @throws Error when an answer is not what it should be
 */
export async function callsThrough(
  { url, pid, name }: Gateway,
  tokens: readonly string[],
  { folder, seconds }: { readonly folder: string; readonly seconds: number },
): Promise<CallCost> {
  const file = join(folder, 'tokens.txt')
  await writeFile(file, `${tokens.join('\n')}\n`)
  const before = cpuSeconds(pid)
  const { stdout } = await run(
    'taskset',
    [
      '-c',
      String(CORE.measuring),
      'wrk',
      '-t1',
      `-c${CONNECTIONS}`,
      `-d${seconds}s`,
      '--timeout',
      '30s',
      '-s',
      SCRIPT,
      url,
      '--',
      file,
    ],
    { maxBuffer: 1_048_576 },
  )
  const spent = cpuSeconds(pid) - before
  const [, requests, bad, p50, p99] = /figures (\d+) (\d+) ([\d.]+) ([\d.]+)/.exec(stdout) ?? []
  if (Number(bad) !== 0 || !(Number(requests) > 0)) throw new Error(`${name}: ${stdout}`)
  return { cpu: (spent * 1e6) / Number(requests), p50: Number(p50) / 1000, p99: Number(p99) / 1000 }
}
