import type { GrantOutcome, ProviderGrants } from './provider-grants.ts'
import { SHORTEST_RETRY_SECONDS } from './token-endpoint-error.ts'

/**
 * Anybody can have made-up codes redeemed: rolecall must not amplify a flood. At 200 ms for an answer this is room for 320 sign-ins a
 * second, and a provider that hangs holds no more sockets than these.
 */
const MOST_REDEMPTIONS = 64
/** More: clients refresh by themselves, and many at once after an outage. */
const MOST_REFRESHES = 256

/**
 * The same grants, with a limit to how many are under way. Codes and refreshes are counted apart:
 * anybody can make up a code, but a refresh token comes out of a sealed one of ours, so that no flood
 * of codes ends a session.
 *
 * Beyond the limit a grant is `unavailable` at once: nothing is sent, and nothing waits.
 */
export function limitConcurrency(grants: ProviderGrants): ProviderGrants {
  const redemptions = limitTo(MOST_REDEMPTIONS, 'too many code redemptions are under way')
  const refreshes = limitTo(MOST_REFRESHES, 'too many refreshes are under way')
  return {
    redeemCode: (request) => redemptions(() => grants.redeemCode(request)),
    refresh: (request) => refreshes(() => grants.refresh(request)),
  }
}

type Ask = () => Promise<GrantOutcome>

function limitTo(most: number, reason: string): (ask: Ask) => Promise<GrantOutcome> {
  let underWay = 0
  return async (ask) => {
    if (underWay >= most) return { kind: 'unavailable', reason, retryAfter: SHORTEST_RETRY_SECONDS }
    underWay += 1
    try {
      return await ask()
    } finally {
      underWay -= 1
    }
  }
}
