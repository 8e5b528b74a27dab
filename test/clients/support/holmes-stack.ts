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
import { type Holmes, type HolmesOauth, startHolmesHost } from './holmes.ts'
import { type Exchange, startRecordingHop } from './recording-hop.ts'

/** The name of the MCP server in HolmesGPT's values. */
export const TOOLSET = 'kubernetes'
export const CONNECT = `${TOOLSET}_connect`

export const PUBLIC: HolmesOauth = { client_id: holmesClient.client_id, resource: '' }
export const CONFIDENTIAL: HolmesOauth = {
  ...PUBLIC,
  client_secret: holmesClient.client_secret ?? '',
}

/** rolecall by its own command, behind a hop. */
export interface Served {
  /** `http://localhost:<port>`: the hop's, which is its `public_url`. */
  readonly origin: string
  /** What it was asked, and answered. */
  readonly exchanges: readonly Exchange[]
  /** Ends it; returns its whole log. */
  end(): Promise<string>
}

/** HolmesGPT's code, rolecall in relay mode, and everything behind that. */
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
  startWithoutRelay(oauth: HolmesOauth): Promise<Holmes>
  /** A file that is not there yet. */
  newStore(): string
  close(): Promise<void>
}

export interface StackParts {
  readonly python: string
  readonly binaries: KubeBinaries
}

/**
 * Starts everything on loopback.
 *
 * @throws as its parts do; what had started is ended first
 */
export async function startHolmesStack(parts: StackParts): Promise<HolmesStack> {
  const closers: (() => unknown)[] = []
  const close = async (): Promise<void> => {
    for (const closer of closers.splice(0).reverse()) await closer()
  }
  const closing = { after: (closer: () => unknown) => void closers.push(closer) }
  try {
    return { ...(await startParts(parts, closing)), close }
  } catch (error) {
    await close()
    throw error
  }
}

interface Closing {
  after(closer: () => unknown): void
}

async function startParts(
  { python, binaries }: StackParts,
  closing: Closing,
): Promise<Omit<HolmesStack, 'close'>> {
  const folder = await mkdtemp(join(tmpdir(), 'rolecall-holmes-'))
  closing.after(() => rm(folder, { recursive: true, force: true }))
  const entra = await startMockEntra({ lifetime: 3600 })
  closing.after(() => entra.close())
  const starting = startHolmesHost(python)
  closing.after(() =>
    starting.then(
      (host) => host.close(),
      () => undefined,
    ),
  )
  const cluster = await startApiServer(entra, binaries)
  closing.after(() => cluster.close())
  const { url: upstream, close } = await startKubernetesMcpServer({ cluster })
  closing.after(close)
  const relay = await serve({ entra, upstream, mode: 'relay' }, closing)
  const host = await starting
  const start = ({ origin }: Served, oauth: HolmesOauth, store?: string): Promise<Holmes> => {
    const servers = { [TOOLSET]: { url: `${origin}/mcp`, oauth } }
    return host.start({ servers, ...(store === undefined ? {} : { store }) })
  }
  let stores = 0
  return {
    ...relay,
    entra,
    cluster,
    start: (oauth, store) => start(relay, oauth, store),
    startWithoutRelay: async (oauth) =>
      start(await serve({ entra, upstream, mode: 'off' }, closing), oauth),
    newStore() {
      stores += 1
      return join(folder, `tokens-${stores}.json`)
    },
  }
}

interface Serving {
  readonly entra: MockEntra
  readonly upstream: string
  readonly mode: 'relay' | 'off'
}

async function serve({ entra, upstream, mode }: Serving, closing: Closing): Promise<Served> {
  const hop = await startRecordingHop()
  closing.after(() => hop.close())
  const { client_id, client_secret } = holmesClient
  const begin = await prepareServe(closing, {
    upstream,
    tenantId: entra.tenantId,
    authority: entra.origin,
    identityProvider: mode === 'relay' ? { client_id, client_secret } : { client_id },
    settings: {
      public_url: hop.origin,
      ...(mode === 'relay' && { sealing_keys: [randomBytes(32).toString('base64url')] }),
      sign_in: mode === 'relay' ? { mode, redirect_uris: ['robusta'] } : { mode },
    },
  })
  const rolecall = await begin()
  hop.leadTo(Number(new URL(rolecall.url).port))
  await untilReady(rolecall)
  const end = async (): Promise<string> => {
    await rolecall.close()
    return rolecall.log()
  }
  return { origin: hop.origin, exchanges: hop.exchanges, end }
}
