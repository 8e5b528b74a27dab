import type { Gateway } from '../gateways/gateway.ts'
import { sendNewTokens } from '../load/new-tokens.ts'
import { latencyThrough } from '../load/open-loop.ts'
import type { CrowdResult, Latency } from '../results.ts'
import type { World } from '../world.ts'
import { runIn } from './settle.ts'

const NEW_PER_SECOND = 500
const RATE = 1_000

/** Whether tokens that are new hold up those that are known. */
export async function measureCrowd(
  gateway: Gateway,
  world: World,
  { rounds, seconds }: { readonly rounds: number; readonly seconds: number },
): Promise<CrowdResult> {
  const { folder } = world.setup
  const [token = ''] = await world.tokens(1)
  const calls = () => latencyThrough(gateway, token, { rate: RATE, seconds, folder })
  const [alone, among]: [Latency[], Latency[]] = [[], []]
  for (let round = 0; round < rounds; round += 1) {
    await runIn(gateway, world, token)
    alone.push(await calls())
    const fresh = await world.tokens(NEW_PER_SECOND * (seconds + 2))
    const stop = await sendNewTokens(gateway.url, fresh, { folder, perSecond: NEW_PER_SECOND })
    among.push(await calls())
    await stop()
  }
  return { newPerSecond: NEW_PER_SECOND, rate: RATE, alone, among }
}
