import { startRolecall } from '../gateways/rolecall.ts'
import { end, residentKiB } from '../pinned-process.ts'
import { type FlatResult, median } from '../results.ts'
import type { World } from '../world.ts'

export interface FlatPlan {
  /** Ascending: how many known tokens take turns. */
  readonly tokens: readonly number[]
  readonly resources: readonly number[]
  readonly rounds: number
  readonly seconds: number
}

/** Whether a call costs the same however many tokens are known and resources are served. */
export async function measureFlatness(world: World, plan: FlatPlan): Promise<FlatResult> {
  return { tokens: await byTokens(world, plan), resources: await byResources(world, plan) }
}

async function byTokens(world: World, { tokens: counts }: FlatPlan): Promise<FlatResult['tokens']> {
  const gateway = await startRolecall(world.setup, { name: 'many tokens' })
  const all = await world.tokens(Math.max(...counts))
  await world.callEach(gateway, all.slice(0, LEAST_CALLS)) // warm
  const found: { count: number; cpu: number; mib: number }[] = []
  for (const count of counts) {
    const some = all.slice(0, count)
    await world.callEach(gateway, some) // from here on they are known
    const turns = Array.from({ length: Math.ceil(LEAST_CALLS / count) }, () => some).flat()
    const { cpu } = await world.callEach(gateway, turns)
    found.push({ count, cpu, mib: residentKiB(gateway.pid) / 1024 })
  }
  await end(gateway.pid)
  return found
}

/** Fewer take too little time to be measured. */
const LEAST_CALLS = 10_000

async function byResources(
  world: World,
  { resources, rounds, seconds }: FlatPlan,
): Promise<FlatResult['resources']> {
  const [token = ''] = await world.tokens(1)
  const served: { count: number; last: Awaited<ReturnType<typeof startRolecall>> }[] = []
  for (const count of resources) {
    const gateway = await startRolecall(world.setup, { name: 'resources', resources: count })
    served.push({ count, last: gateway })
    await world.callKnown(gateway, token, 2)
  }
  const costs = served.map((): number[] => [])
  for (let round = 0; round < rounds; round += 1) {
    for (const [i, { last }] of served.entries()) {
      costs[i]?.push((await world.callKnown(last, token, seconds)).cpu)
    }
  }
  for (const { last } of served) await end(last.pid)
  return served.map(({ count }, i) => ({ count, cpu: median(costs[i] ?? []) }))
}
