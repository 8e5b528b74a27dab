import { createPublicKey, type JsonWebKey } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readJwt } from '../../src/oauth/jwt.ts'
import { type MockEntra, startMockEntra } from '../environment/mock-entra/mock-entra.ts'
import { AKS } from '../support/gateway.ts'
import type { Gateway, Setup } from './gateways/gateway.ts'
import { startUpstream } from './gateways/nginx.ts'
import { type CallCost, callsThrough } from './load/closed-loop.ts'
import { endAll } from './pinned-process.ts'

/** Identity provider, MCP server and tokens, the same for every gateway. */
export interface World {
  readonly setup: Setup
  /** Tokens nobody has seen. */
  tokens(count: number): Promise<readonly string[]>
  /** Calls with one token, again and again. */
  callKnown(gateway: Gateway, token: string, seconds: number): Promise<CallCost>
  /** Calls with these tokens, one for each. */
  callEach(gateway: Gateway, tokens: readonly string[]): Promise<CallCost>
  close(): Promise<void>
}

/** In one piece: many at once would only wait for each other's signatures. */
const MINTED_AT_ONCE = 2_000
const LONGEST_SECONDS = 120

export async function startWorld(): Promise<World> {
  const folder = await mkdtemp(join(tmpdir(), 'rolecall-bench-'))
  const entra = await startMockEntra()
  const mint = () => entra.mint({ groups: 12, lifetime: 3_600 })
  const setup = await setUp(entra, folder, await mint())
  return {
    setup,
    async tokens(count) {
      const made: string[] = []
      while (made.length < count) {
        const piece = Math.min(MINTED_AT_ONCE, count - made.length)
        made.push(...(await Promise.all(Array.from({ length: piece }, mint))))
      }
      return made
    },
    async callKnown(gateway, token, seconds) {
      return callsThrough(gateway, [await gateway.hold(token)], { folder, seconds })
    },
    async callEach(gateway, tokens) {
      const held = await Promise.all(tokens.map((token) => gateway.hold(token)))
      return callsThrough(gateway, held, { folder, seconds: LONGEST_SECONDS })
    },
    async close() {
      await endAll()
      await entra.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

async function setUp(
  { origin, tenantId }: MockEntra,
  folder: string,
  token: string,
): Promise<Setup> {
  const jwt = readJwt(token)
  const answer = await fetch(`${origin}/${tenantId}/discovery/v2.0/keys`)
  const { keys } = (await answer.json()) as { keys: (JsonWebKey & { kid?: string })[] }
  const key = keys.find(({ kid }) => kid === jwt?.header['kid'])
  if (!key) throw new Error('the mock does not publish the key that it signs with')
  return {
    folder,
    upstream: await startUpstream(folder),
    issuer: String(jwt?.claims['iss']),
    audience: AKS,
    tenantId,
    authority: origin,
    publicKey: createPublicKey({ key, format: 'jwk' })
      .export({ type: 'spki', format: 'pem' })
      .toString(),
  }
}
