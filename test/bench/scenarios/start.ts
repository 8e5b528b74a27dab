import { setTimeout as delay } from 'node:timers/promises'
import { startRolecall } from '../gateways/rolecall.ts'
import { end, residentKiB } from '../pinned-process.ts'
import type { StartResult } from '../results.ts'
import type { World } from '../world.ts'

const SETTLED_AFTER_MS = 2_000

/** Starts rolecall several times, one after the other. */
export async function measureStart(
  { setup }: World,
  times: number,
  tell: (text: string) => void,
): Promise<StartResult> {
  const [readyMs, idleMiB]: [number[], number[]] = [[], []]
  for (let i = 0; i < times; i += 1) {
    const gateway = await startRolecall(setup, { name: 'start' })
    readyMs.push(gateway.readyMs ?? Number.NaN)
    await delay(SETTLED_AFTER_MS)
    idleMiB.push(residentKiB(gateway.pid) / 1024)
    await end(gateway.pid)
    tell(`start ${i + 1} of ${times}: ready after ${gateway.readyMs?.toFixed(0)} ms`)
  }
  return { readyMs, idleMiB }
}
