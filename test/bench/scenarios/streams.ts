import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { freePort } from '../../environment/ports.ts'
import { startRolecall } from '../gateways/rolecall.ts'
import { withIdleStreams } from '../load/idle-streams.ts'
import { CORE, end, startPinned } from '../pinned-process.ts'
import type { StreamResult } from '../results.ts'
import type { World } from '../world.ts'
import { settle } from './settle.ts'

const UPSTREAM = fileURLToPath(new URL('../load/silent-upstream.ts', import.meta.url))
/** Of rolecall, for everything but streams: its files, and the calls' connections both ways. */
const OTHER_DESCRIPTORS = 140

export interface StreamPlan {
  readonly most: number
  readonly rounds: number
  readonly seconds: number
}

/**
 * Memory of idle streams, as many as descriptors allow, above a rolecall that has served nothing; and
 * what a call costs among them, by what it costs alone. The same process for both, settled each time, so
 * that neither is measured while code is compiled. An upstream of its own, that can hold the streams.
 */
export async function measureStreams(
  world: World,
  { most, rounds, seconds }: StreamPlan,
): Promise<StreamResult> {
  const port = await freePort()
  const command = [process.execPath, '--import', 'tsx', UPSTREAM, String(port)]
  const silent = await startPinned(CORE.measuring, command, { port })
  const upstream = `http://127.0.0.1:${port}/mcp`
  const gateway = await startRolecall({ ...world.setup, upstream }, { name: 'streams' })
  const [token = ''] = await world.tokens(1)
  const calls = async (): Promise<readonly number[]> => {
    await settle(gateway, world, token)
    const costs: number[] = []
    for (let round = 0; round < rounds; round += 1) {
      costs.push((await world.callKnown(gateway, token, seconds)).cpu)
    }
    return costs
  }
  const count = Math.min(most, Math.floor((descriptors() - OTHER_DESCRIPTORS) / 2))
  const { kibEach, made } = await withIdleStreams(gateway, token, { count, meanwhile: calls })
  const alone = await calls()
  await end(gateway.pid)
  await end(silent)
  return { count, kibEach, among: made, alone }
}

/** Each stream takes two of rolecall's. */
function descriptors(): number {
  const limits = readFileSync('/proc/self/limits', 'utf8')
  return Number(/^Max open files +(\d+)/m.exec(limits)?.[1] ?? 1_024)
}
