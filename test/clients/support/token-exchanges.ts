import type { Exchange } from './recording-hop.ts'

/** A request to the token endpoint and what was answered, as they were on the wire. */
export interface TokenExchange {
  readonly form: Readonly<Record<string, string>>
  readonly authorization: string | undefined
  readonly status: number
  readonly answer: Readonly<Record<string, unknown>>
}

/** Those among what passed. */
export function tokenExchangesIn(
  exchanges: readonly Exchange[],
  tokenPath = '/oauth/token',
): TokenExchange[] {
  return exchanges
    .filter(({ path }) => path === tokenPath)
    .map(({ headers: { authorization }, body, status, answer }) => ({
      form: Object.fromEntries(new URLSearchParams(body)),
      authorization,
      status,
      answer: JSON.parse(answer),
    }))
}
