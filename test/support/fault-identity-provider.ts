import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'
import type { Config } from '../../src/config/config.ts'
import { type MockEntra, startMockEntra } from '../environment/mock-entra/mock-entra.ts'
import { SimulatedClock } from './clock.ts'
import { firstKeys } from './first-keys.ts'
import { entraConfig, type Gateway, startGateway } from './gateway.ts'
import { type RecordingUpstream, startUpstream } from './recording-upstream.ts'

export type ProviderDocument = 'discovery' | 'keys'

/** A server before mock Entra, which hands its documents on or does worse. */
export interface ProviderFront {
  /** What its documents say it is called. */
  readonly origin: string
  readonly port: number
  /** How often each document was asked for. */
  readonly requests: Readonly<Record<ProviderDocument, number>>
  /** Answers in place of the mock from now on; `undefined` ends it. */
  answerWith(document: ProviderDocument, listener: RequestListener | undefined): void
  /** Every connection is cut instead of being answered. */
  cut: boolean
}

export interface FrontOptions {
  readonly tls?: { readonly certificate: string; readonly key: string }
  /** Its origin by another name than loopback. */
  readonly name?: string
}

/** Starts it on loopback; it is closed with the test. */
export async function startFront(
  t: TestContext,
  entra: MockEntra,
  options: FrontOptions = {},
): Promise<ProviderFront> {
  const requests = { discovery: 0, keys: 0 }
  const replaced = new Map<ProviderDocument, RequestListener>()
  const listener: RequestListener = (request, response) => {
    const document = request.url?.includes('/.well-known/') ? 'discovery' : 'keys'
    requests[document] += 1
    const replacement = replaced.get(document)
    if (front.cut) response.destroy()
    else if (replacement) replacement(request, response)
    else {
      originalOf(entra, request.url ?? '', front.origin).then(
        (text) => response.setHeader('content-type', 'application/json').end(text),
        () => response.destroy(),
      )
    }
  }
  const server = options.tls
    ? createTlsServer({ cert: options.tls.certificate, key: options.tls.key }, listener)
    : createServer(listener)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  const scheme = options.tls ? 'https' : 'http'
  const front: ProviderFront = {
    origin: `${scheme}://${options.name ?? '127.0.0.1'}:${port}`,
    port,
    requests,
    cut: false,
    answerWith(document, replacement) {
      if (replacement) replaced.set(document, replacement)
      else replaced.delete(document)
    },
  }
  return front
}

/** The mock's own document, under the front's name. */
async function originalOf(entra: MockEntra, url: string, origin: string): Promise<string> {
  const answer = await fetch(entra.origin + url)
  return (await answer.text()).replaceAll(entra.origin, origin)
}

/** The whole product and its identity provider, on one simulated clock. */
export interface FaultyProvider {
  readonly clock: SimulatedClock
  readonly entra: MockEntra
  readonly front: ProviderFront
  readonly upstream: RecordingUpstream
  readonly gateway: Gateway
  /** Lets time pass although the provider does not answer. */
  advanceWithoutAnswers(milliseconds: number): Promise<void>
}

/** Starts everything and waits for the keys. */
export async function startWithFaultyProvider(
  t: TestContext,
  changes: Partial<Config['identity_provider']> = {},
): Promise<FaultyProvider> {
  const clock = new SimulatedClock(Math.floor(Date.now() / 1000) * 1000)
  const entra = await startMockEntra({ clock, firstKeys: await firstKeys() })
  t.after(() => entra.close())
  const front = await startFront(t, entra)
  const upstream = await startUpstream(t)
  const begun = countRequestsTo(t, front.origin)
  const gateway = await startGateway(t, {
    entra,
    clock,
    upstream: upstream.url,
    config: {
      log_level: 'debug',
      identity_provider: {
        ...entraConfig({ tenantId: entra.tenantId, origin: front.origin }),
        ...changes,
      } as Config['identity_provider'],
    },
  })
  const settled = () => untilEqual(begun, () => endedFetches(gateway))
  clock.settleWith(settled)
  await settled()
  return {
    clock,
    entra,
    front,
    upstream,
    gateway,
    async advanceWithoutAnswers(milliseconds) {
      clock.settleWith(() => turns(20))
      await clock.advance(milliseconds)
      clock.settleWith(settled)
    },
  }
}

/** Counts what undici sends to an origin, from the moment it is handed over. */
function countRequestsTo(t: TestContext, origin: string): () => number {
  let count = 0
  const look = (message: unknown) => {
    const { request } = message as { request: { origin: string | URL } }
    if (new URL(request.origin).origin === origin) count += 1
  }
  subscribe('undici:request:create', look)
  t.after(() => {
    unsubscribe('undici:request:create', look)
  })
  return () => count
}

const counted = new WeakMap<Gateway, { upTo: number; ended: number }>()

/** Fetches that ended, by the log; those that never reached a socket are not among them. */
function endedFetches(gateway: Gateway): number {
  const so = counted.get(gateway) ?? { upTo: 0, ended: 0 }
  counted.set(gateway, so)
  for (; so.upTo < gateway.log.length; so.upTo += 1) {
    const { kind, document, reason } = gateway.log[so.upTo] ?? {}
    const isFetch = kind === 'identity_provider' && document !== undefined
    if (isFetch && reason !== 'no_discovery') so.ended += 1
  }
  return so.ended
}

async function untilEqual(begun: () => number, ended: () => number): Promise<void> {
  const deadline = performance.now() + 20_000
  for (;;) {
    await turns(3)
    if (begun() === ended()) return
    if (performance.now() > deadline) {
      throw new Error(`${begun()} fetches of the provider began, ${ended()} ended`)
    }
  }
}

async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i += 1) await new Promise((resolve) => setImmediate(resolve))
}
