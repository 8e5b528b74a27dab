import type { Gateway } from '../gateways/gateway.ts'
import { startRolecall } from '../gateways/rolecall.ts'
import { end, residentKiB } from '../pinned-process.ts'
import type { FlatResult } from '../results.ts'
import type { World } from '../world.ts'
import { settle } from './settle.ts'

export interface FlatPlan {
  /** Ascending: how many known tokens take turns. */
  readonly tokens: readonly number[]
  readonly resources: readonly number[]
  readonly rounds: number
  readonly seconds: number
}

/** Whether a call costs the same however many tokens are known and resources are served. */
export async function measureFlatness(
  world: World,
  plan: FlatPlan,
  tell: (text: string) => void,
): Promise<FlatResult> {
  const resources = await byResources(world, plan)
  tell('by resources')
  return { tokens: await byTokens(world, plan, tell), resources }
}

/** Fewer take too little time to be measured. */
const LEAST_CALLS = 20_000

async function byTokens(
  world: World,
  { tokens: counts, rounds }: FlatPlan,
  tell: (text: string) => void,
): Promise<FlatResult['tokens']> {
  const gateway = await startRolecall(world.setup, { name: 'many tokens' })
  const all = await world.tokens(Math.max(...counts))
  tell(`${all.length} tokens made`)
  await settle(gateway, world, all[0] ?? '')
  const found: FlatResult['tokens'][number][] = []
  for (const count of counts) {
    const some = all.slice(0, count)
    if (count > 1) await world.callEach(gateway, some) // from here on they are known
    const turns = Array.from({ length: Math.ceil(LEAST_CALLS / count) }, () => some).flat()
    const cpu: number[] = []
    for (let round = 0; round < Math.min(3, rounds); round += 1) {
      cpu.push((await world.callEach(gateway, turns)).cpu)
    }
    found.push({ count, cpu, mib: residentKiB(gateway.pid) / 1024 })
    tell(`${count} known tokens`)
  }
  await end(gateway.pid)
  return found
}

async function byResources(
  world: World,
  { resources, rounds, seconds }: FlatPlan,
): Promise<FlatResult['resources']> {
  const [token = ''] = await world.tokens(1)
  const served: { readonly count: number; readonly gateway: Gateway; readonly cpu: number[] }[] = []
  for (const count of resources) {
    const gateway = await startRolecall(world.setup, { name: 'resources', resources: count })
    served.push({ count, gateway, cpu: [] })
    await settle(gateway, world, token)
  }
  for (let round = 0; round < rounds; round += 1) {
    for (const { gateway, cpu } of served) {
      cpu.push((await world.callKnown(gateway, token, seconds)).cpu)
    }
  }
  const found = served.map(({ count, gateway, cpu }) => {
    return { count, cpu, mib: residentKiB(gateway.pid) / 1024 }
  })
  for (const { gateway } of served) await end(gateway.pid)
  return found
}
