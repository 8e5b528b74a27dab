import type { Gateway } from '../gateways/gateway.ts'
import { latencyThrough } from '../load/open-loop.ts'
import type { Latency } from '../results.ts'
import type { World } from '../world.ts'

export interface LatencyPlan {
  readonly rounds: number
  readonly seconds: number
  readonly rates: readonly number[]
}

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
  const held = await Promise.all(gateways.map((gateway) => gateway.hold(token)))
  const added = new Map<Gateway, Latency[][]>(gateways.map((one) => [one, rates.map(() => [])]))
  for (let round = 0; round < rounds; round += 1) {
    for (const [i, rate] of rates.entries()) {
      const direct = { name: 'direct', url: upstream }
      const floor = await latencyThrough(direct, token, { rate, seconds, folder })
      for (const [j, gateway] of gateways.entries()) {
        const run = await latencyThrough(gateway, held[j] ?? '', { rate, seconds, folder })
        const over = { p50: run.p50 - floor.p50, p99: run.p99 - floor.p99 }
        added.get(gateway)?.[i]?.push(over)
      }
    }
    tell(`round ${round + 1} of ${rounds}`)
  }
  return added
}
