import type { Gateway } from '../gateways/gateway.ts'
import type { World } from '../world.ts'

const RUN_SECONDS = 2
const MOST_RUNS = 9
/** Two runs that cost at least so much of the two before them are the end of getting cheaper. */
const SETTLED_SHARE = 0.97

/**
 * Calls a gateway until a call no longer gets cheaper. V8 needs some 50,000 of them: compiling what is
 * hot takes longer than what it saves for the first seconds, and is the gateway's own processor time.
 *
 * @returns what a call cost in each run, microseconds
 */
export async function settle(
  gateway: Gateway,
  world: World,
  token: string,
): Promise<readonly number[]> {
  const costs: number[] = []
  while (costs.length < MOST_RUNS && !isSettled(costs)) {
    costs.push((await world.callKnown(gateway, token, RUN_SECONDS)).cpu)
  }
  return costs
}

/** Whether the last two runs were about as dear as the two before. */
export function isSettled(costs: readonly number[]): boolean {
  const [third = 0, fourth = 0, second = 0, last = 0] = costs.slice(-4)
  return costs.length >= 4 && second + last >= SETTLED_SHARE * (third + fourth)
}
