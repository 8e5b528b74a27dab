import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Cluster } from '../../environment/cluster/cluster.ts'
import type { KubeBinaries } from '../../environment/cluster/real/kube-binaries.ts'
import { holmes as holmesClient } from '../../environment/mock-entra/directory.ts'
import type { MockEntra } from '../../environment/mock-entra/mock-entra.ts'
import { startApiServerStack } from './api-server-stack.ts'
import { type Closing, closable } from './closing.ts'
import { type Holmes, type HolmesOauth, type HolmesServer, startHolmesHost } from './holmes.ts'
import { type Served, type Serving, serve } from './served.ts'

/** The name of the MCP server in HolmesGPT's values. */
export const TOOLSET = 'kubernetes'
export const CONNECT = `${TOOLSET}_connect`

export const PUBLIC: HolmesOauth = { client_id: holmesClient.client_id, resource: '' }
export const CONFIDENTIAL: HolmesOauth = {
  ...PUBLIC,
  client_secret: holmesClient.client_secret ?? '',
}

/** HolmesGPT's code, a rolecall that signs people in, and everything behind that. */
export interface HolmesStack extends Served {
  readonly entra: MockEntra
  readonly cluster: Cluster
  /**
   * Starts a HolmesGPT that knows rolecall as its MCP server.
   *
   * @param store a file for its tokens; absent: they are in its memory alone
   */
  start(oauth: HolmesOauth, store?: string): Promise<Holmes>
  /** The same with a rolecall of its own in mode off, which leaves people to Entra. */
  startWithoutSignIn(oauth: HolmesOauth): Promise<Holmes>
  /** A file that is not there yet. */
  newStore(): string
  close(): Promise<void>
}

export interface StackParts {
  readonly python: string
  readonly binaries: KubeBinaries
  /** How rolecall signs people in. */
  readonly signIn: Serving['signIn']
}

/**
 * Starts everything on loopback.
 *
 * @throws as its parts do; what had started is ended first
 */
export function startHolmesStack(parts: StackParts): Promise<HolmesStack> {
  return closable((closing) => startParts(parts, closing))
}

async function startParts(
  { python, binaries, signIn }: StackParts,
  closing: Closing,
): Promise<Omit<HolmesStack, 'close'>> {
  const folder = await mkdtemp(join(tmpdir(), 'rolecall-holmes-'))
  closing.after(() => rm(folder, { recursive: true, force: true }))
  const starting = startHolmesAt(python, closing)
  const { entra, cluster, upstream } = await startApiServerStack(binaries, closing)
  const served = await serve({ entra, upstream, signIn }, closing)
  const startAt = await starting
  let stores = 0
  return {
    ...served,
    entra,
    cluster,
    start: (oauth, store) => startAt({ url: `${served.origin}/mcp`, oauth }, store),
    startWithoutSignIn: async (oauth) => {
      const { origin } = await serve({ entra, upstream, signIn: { mode: 'off' } }, closing)
      return startAt({ url: `${origin}/mcp`, oauth })
    },
    newStore() {
      stores += 1
      return join(folder, `tokens-${stores}.json`)
    },
  }
}

/** Starts a HolmesGPT that knows one MCP server. */
export type StartHolmesAt = (server: HolmesServer, store?: string) => Promise<Holmes>

/** Loads HolmesGPT's code, which takes seconds: to be begun before what else has to start. */
export async function startHolmesAt(python: string, closing: Closing): Promise<StartHolmesAt> {
  const starting = startHolmesHost(python)
  closing.after(() =>
    starting.then(
      (host) => host.close(),
      () => undefined,
    ),
  )
  const host = await starting
  return (server, store) =>
    host.start({ servers: { [TOOLSET]: server }, ...(store === undefined ? {} : { store }) })
}
