import type { Gateway } from '../gateways/gateway.ts'
import type { World } from '../world.ts'

const RUN_SECONDS = 2
const MOST_RUNS = 8
/** Two runs that cost at least so much of the two before them are the end of getting cheaper. */
const SETTLED_SHARE = 0.97

/**
 * Calls a gateway until its calls no longer get cheaper. V8 needs some 50,000 of them: compiling what is
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

const RUN_IN_SECONDS = 3

/**
 * Calls a settled gateway for a while, before a round of it. After ten seconds without calls V8 collects to
 * give memory back, and compiled code goes with it: 130 functions of rolecall were optimised anew after a
 * pause of 45 s, and there were twelve times as many scavenges for a call, since the young generation
 * is small again. In turns of seven gateways each has such a pause.
 */
export async function runIn(gateway: Gateway, world: World, token: string): Promise<void> {
  if (gateway.onV8) await world.callKnown(gateway, token, RUN_IN_SECONDS)
}

/** Whether the last two runs were about as dear as the two before. */
export function isSettled(costs: readonly number[]): boolean {
  const [third = 0, fourth = 0, second = 0, last = 0] = costs.slice(-4)
  return costs.length >= 4 && second + last >= SETTLED_SHARE * (third + fourth)
}
