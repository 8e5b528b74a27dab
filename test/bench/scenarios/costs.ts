import type { Gateway } from '../gateways/gateway.ts'
import type { World } from '../world.ts'
import { runIn, settle } from './settle.ts'

/** Processor time for a call, microseconds, one value for each round. */
export interface Costs {
  readonly known: number[]
  readonly fresh: number[]
}

export interface CostPlan {
  readonly rounds: number
  readonly seconds: number
  /** How many tokens never seen in each round. */
  readonly fresh: number
}

/**
 * What a call costs in each gateway, with a known token and with a new one. Every gateway is settled
 * first, runs on through all rounds, which are interleaved, and is run in before each. New tokens are new to each gateway.
 */
export async function measureCosts(
  gateways: readonly Gateway[],
  world: World,
  { rounds, seconds, fresh }: CostPlan,
  tell: (text: string) => void,
): Promise<ReadonlyMap<Gateway, Costs>> {
  const [known = ''] = await world.tokens(1)
  const costs = new Map<Gateway, Costs>(gateways.map((each) => [each, { known: [], fresh: [] }]))
  const judges = gateways.filter((gateway) => gateway.judges)
  for (const gateway of gateways) {
    const runs = await settle(gateway, world, known)
    tell(`${gateway.name} settled: ${runs.map((cost) => cost.toFixed(0)).join(' ')} µs`)
  }
  for (let i = 0; i < 2; i += 1) {
    const tokens = await world.tokens(fresh)
    for (const gateway of judges) await world.callEach(gateway, tokens)
  }
  for (let round = 0; round < rounds; round += 1) {
    for (const [gateway, cost] of costs) {
      await runIn(gateway, world, known)
      cost.known.push((await world.callKnown(gateway, known, seconds)).cpu)
    }
    const [first, tokens] = [await world.tokens(fresh), await world.tokens(fresh)]
    for (const gateway of judges) {
      await runIn(gateway, world, known)
      if (gateway.onV8) await world.callEach(gateway, first) // what only new tokens run, too
      costs.get(gateway)?.fresh.push((await world.callEach(gateway, tokens)).cpu)
    }
    tell(`round ${round + 1} of ${rounds}`)
  }
  return costs
}
