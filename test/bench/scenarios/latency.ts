import type { Gateway } from '../gateways/gateway.ts'
import { latencyThrough } from '../load/open-loop.ts'
import { type Latency, median } from '../results.ts'
import type { World } from '../world.ts'

export interface LatencyPlan {
  readonly rounds: number
  readonly seconds: number
  readonly rates: readonly number[]
}

/** What each gateway adds to calls that come at fixed rates, over the upstream alone; interleaved. */
export async function measureLatency(
  gateways: readonly Gateway[],
  world: World,
  { rounds, seconds, rates }: LatencyPlan,
): Promise<ReadonlyMap<Gateway, readonly Latency[]>> {
  const { folder, upstream } = world.setup
  const [token = ''] = await world.tokens(1)
  const direct = { name: 'direct', url: upstream }
  const targets = new Map<string, { url: string; name: string; held: string; runs: Latency[][] }>()
  const add = (target: { readonly name: string; readonly url: string }, held: string) =>
    targets.set(target.name, { ...target, held, runs: rates.map(() => []) })
  add(direct, token)
  for (const gateway of gateways) add(gateway, await gateway.hold(token))
  for (let round = 0; round < rounds; round += 1) {
    for (const target of targets.values()) {
      for (const [i, rate] of rates.entries()) {
        const run = await latencyThrough(target, target.held, { rate, seconds, folder })
        target.runs[i]?.push(run)
      }
    }
  }
  const medians = (name: string): readonly Latency[] =>
    (targets.get(name)?.runs ?? []).map((runs) => ({
      p50: median(runs.map(({ p50 }) => p50)),
      p99: median(runs.map(({ p99 }) => p99)),
    }))
  const floor = medians(direct.name)
  return new Map(
    gateways.map((gateway) => [
      gateway,
      medians(gateway.name).map(({ p50, p99 }, i) => ({
        p50: p50 - (floor[i]?.p50 ?? 0),
        p99: p99 - (floor[i]?.p99 ?? 0),
      })),
    ]),
  )
}
