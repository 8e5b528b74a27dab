import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Cluster } from '../../../src/demo/cluster/cluster.ts'
import type { KubeBinaries } from '../../../src/demo/cluster/kube-binaries.ts'
import { startKubernetesMcpServer } from '../../../src/demo/kubernetes-mcp-server.ts'
import { holmes as holmesClient } from '../../../src/demo/mock-entra/directory.ts'
import { type MockEntra, startMockEntra } from '../../../src/demo/mock-entra/mock-entra.ts'
import { prepareServe, untilReady } from '../../support/fault-process.ts'
import { startApiServer } from './cluster.ts'
import { type Holmes, type HolmesHost, type HolmesOauth, startHolmesHost } from './holmes.ts'
import { type Exchange, startRecordingHop } from './recording-hop.ts'

/** The name of the MCP server in HolmesGPT's values. */
export const TOOLSET = 'kubernetes'
export const CONNECT = `${TOOLSET}_connect`

export const PUBLIC: HolmesOauth = { client_id: holmesClient.client_id, resource: '' }
export const CONFIDENTIAL: HolmesOauth = {
  ...PUBLIC,
  client_secret: holmesClient.client_secret ?? '',
}

/** HolmesGPT's code, rolecall in relay mode behind a hop, and everything behind that. */
export interface HolmesStack {
  readonly entra: MockEntra
  readonly cluster: Cluster
  /** What HolmesGPT asked rolecall, and was answered. */
  readonly exchanges: readonly Exchange[]
  /** `http://localhost:<port>`: rolecall's, through the hop. */
  readonly origin: string
  /** rolecall's log. */
  log(): string
  /** Starts a HolmesGPT that knows rolecall as its MCP server. */
  start(oauth: HolmesOauth, store?: string): Promise<Holmes>
  /** A file for the tokens of a HolmesGPT; it is not there yet. */
  newStore(): string
  close(): Promise<void>
}

export interface StackParts {
  readonly python: string
  readonly binaries: KubeBinaries
  readonly mode: 'relay' | 'off'
}

export async function startHolmesStack(parts: StackParts): Promise<HolmesStack> {
  const closers: (() => unknown)[] = []
  const close = async (): Promise<void> => {
    for (const closer of closers.splice(0).reverse()) await closer()
  }
  try {
    return { ...(await startParts(parts, closers)), close }
  } catch (error) {
    await close()
    throw error
  }
}

async function startParts(
  { python, binaries, mode }: StackParts,
  closers: (() => unknown)[],
): Promise<Omit<HolmesStack, 'close'>> {
  const closing = { after: (closer: () => unknown) => void closers.push(closer) }
  const folder = await mkdtemp(join(tmpdir(), 'rolecall-holmes-'))
  closing.after(() => rm(folder, { recursive: true, force: true }))
  const entra = await startMockEntra({ lifetime: 4000 })
  closing.after(() => entra.close())
  const starting = startHolmesHost(python)
  closing.after(async () => (await starting).close())
  const cluster = await startApiServer(entra, binaries)
  closing.after(() => cluster.close())
  const upstream = await startKubernetesMcpServer({ cluster })
  closing.after(() => upstream.close())
  const hop = await startRecordingHop()
  closing.after(() => hop.close())
  const serve = await prepareServe(closing, {
    upstream: upstream.url,
    tenantId: entra.tenantId,
    authority: entra.origin,
    identityProvider: {
      client_id: holmesClient.client_id,
      client_secret: holmesClient.client_secret,
    },
    settings: {
      public_url: hop.origin,
      sealing_keys: [randomBytes(32).toString('base64url')],
      sign_in: { mode, redirect_uris: ['robusta'] },
    },
  })
  const rolecall = await serve()
  hop.leadTo(Number(new URL(rolecall.url).port))
  await untilReady(rolecall)
  const host: HolmesHost = await starting
  let stores = 0
  return {
    entra,
    cluster,
    exchanges: hop.exchanges,
    origin: hop.origin,
    log: rolecall.log,
    start: (oauth, store) => {
      const servers = { [TOOLSET]: { url: `${hop.origin}/mcp`, oauth } }
      return host.start({ servers, ...(store === undefined ? {} : { store }) })
    },
    newStore() {
      stores += 1
      return join(folder, `tokens-${stores}.json`)
    },
  }
}
