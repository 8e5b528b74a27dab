import type { Gateway } from '../gateways/gateway.ts'
import type { World } from '../world.ts'

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

/** What a call costs in each gateway, with a known token and with a new one; interleaved. */
export async function measureCosts(
  gateways: readonly Gateway[],
  world: World,
  { rounds, seconds, fresh }: CostPlan,
): Promise<ReadonlyMap<Gateway, Costs>> {
  const [known = ''] = await world.tokens(1)
  const costs = new Map<Gateway, Costs>(gateways.map((each) => [each, { known: [], fresh: [] }]))
  // Compilers get warm on both paths before anything counts.
  for (const gateway of gateways) {
    await world.callKnown(gateway, known, 2)
    if (gateway.judges) await world.callEach(gateway, await world.tokens(fresh))
  }
  for (let round = 0; round < rounds; round += 1) {
    for (const [gateway, cost] of costs) {
      cost.known.push((await world.callKnown(gateway, known, seconds)).cpu)
      if (!gateway.judges) continue
      cost.fresh.push((await world.callEach(gateway, await world.tokens(fresh))).cpu)
    }
  }
  return costs
}
