import type { Gateway } from '../gateways/gateway.ts'
import { latencyThrough } from '../load/open-loop.ts'
import type { Latency } from '../results.ts'
import type { World } from '../world.ts'
import { runIn } from './settle.ts'

export interface LatencyPlan {
  readonly rounds: number
  readonly seconds: number
  readonly rates: readonly number[]
}

type Target = Pick<Gateway, 'name' | 'url'>

/** What a gateway adds, by rate: a value for each round. */
export type AddedLatency = readonly (readonly Latency[])[]

/**
 * What each gateway adds to calls that come at fixed rates, over the upstream alone in the same round;
 * interleaved.
 */
export async function measureLatency(
  gateways: readonly Gateway[],
  world: World,
  { rounds, seconds, rates }: LatencyPlan,
  tell: (text: string) => void,
): Promise<ReadonlyMap<Gateway, AddedLatency>> {
  const { folder, upstream } = world.setup
  const [token = ''] = await world.tokens(1)
  const latencies = async (target: Target, held: string): Promise<readonly Latency[]> => {
    const found: Latency[] = []
    for (const rate of rates)
      found.push(await latencyThrough(target, held, { rate, seconds, folder }))
    return found
  }
  const added = new Map<Gateway, Latency[][]>(gateways.map((one) => [one, rates.map(() => [])]))
  for (let round = 0; round < rounds; round += 1) {
    const floor = await latencies({ name: 'direct', url: upstream }, token)
    for (const gateway of gateways) {
      await runIn(gateway, world, token)
      const found = await latencies(gateway, await gateway.hold(token))
      for (const [i, { p50, p99 }] of found.entries()) {
        const { p50: least, p99: worst } = floor[i] ?? { p50: Number.NaN, p99: Number.NaN }
        added.get(gateway)?.[i]?.push({ p50: p50 - least, p99: p99 - worst })
      }
    }
    tell(`round ${round + 1} of ${rounds}`)
  }
  return added
}
