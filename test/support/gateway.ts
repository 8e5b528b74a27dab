import { Writable } from 'node:stream'
import type { TestContext } from 'node:test'
import type { Clock } from '../../src/clock.ts'
import type { Config, EntraConfig, ResourceConfig } from '../../src/config/config.ts'
import { createLogger, type Logger } from '../../src/observe/logger.ts'
import type { ProcessLog } from '../../src/observe/process-log.ts'
import { type Service, startService } from '../../src/service/service.ts'
import type { MetadataFetch } from '../../src/sign-in/clients/metadata-cache.ts'
import { holmes } from '../environment/mock-entra/directory.ts'
import {
  type MockEntra,
  type MockEntraOptions,
  startMockEntra,
} from '../environment/mock-entra/mock-entra.ts'
import { freePort } from '../environment/ports.ts'
import { DEFAULTS, ENTRA_DEFAULTS, RESOURCE_DEFAULTS } from './defaults.ts'
import { firstKeys } from './first-keys.ts'

export const AKS = '6dae42f8-4368-4678-94ff-3960e28e3630'

/** A running rolecall over a mock Entra, with what it logs. */
export interface Gateway {
  readonly service: Service
  readonly origin: string
  readonly url: string
  readonly entra: MockEntra
  readonly config: Config
  readonly log: readonly Record<string, unknown>[]
  /** The first line that fits, now or when it comes. */
  logged(fits: (line: Record<string, unknown>) => boolean): Promise<Record<string, unknown>>
}

export interface GatewayOptions {
  readonly upstream: string
  readonly entra?: MockEntra
  readonly clock?: Clock
  readonly config?: Partial<Config>
  readonly resource?: Partial<ResourceConfig>
  readonly resources?: readonly ResourceConfig[]
  /** Do not wait for the keys. */
  readonly cold?: boolean
  /** Ask the upstream as whom it acts, as in earnest; the requests of that are received too. */
  readonly probesUpstreams?: boolean
  /** What lines are written through, made of the logger of `Gateway.log`. */
  readonly lines?: (log: Logger) => ProcessLog
  /** Fetches metadata documents of clients, on loopback. */
  readonly fetchMetadata?: MetadataFetch
}

/** A resource with the defaults of the configuration. */
export function resourceConfig(
  upstream: string,
  over: Partial<ResourceConfig> = {},
): ResourceConfig {
  const scopes = [`${AKS}/.default`, 'openid', 'profile']
  return { ...RESOURCE_DEFAULTS, upstream, request_scopes: scopes, ...over }
}

/** Starts both; they are stopped with the test. */
export async function startGateway(t: TestContext, options: GatewayOptions): Promise<Gateway> {
  const entra = options.entra ?? (await startEntra(t))
  const config = gatewayConfig(entra, options, await freePort())
  const sink = new LineSink()
  const log = createLogger(config.log_level, sink)
  const service = await startService(config, {
    log,
    version: '0.0.0-test',
    probesUpstreams: options.probesUpstreams ?? false,
    ...(options.lines && { lines: options.lines(log) }),
    ...(options.clock ? { clock: options.clock } : {}),
    ...(options.fetchMetadata && { fetchMetadata: options.fetchMetadata }),
  })
  t.after(() => service.stop(AbortSignal.abort()))
  const origin = `http://localhost:${service.address.port}`
  if (!options.cold) await ready(service)
  return {
    service,
    origin,
    url: `${origin}${config.resources[0]?.path ?? ''}`,
    entra,
    config,
    log: sink.lines,
    logged: (fits) => sink.find(fits),
  }
}

export async function startEntra(
  t: Pick<TestContext, 'after'>,
  options: MockEntraOptions = {},
): Promise<MockEntra> {
  const entra = await startMockEntra({ firstKeys: await firstKeys(), ...options })
  t.after(() => entra.close())
  return entra
}

/** What rolecall is told of a mock Entra: nothing of an app registration, unless it is put over it. */
export function entraConfig(
  { tenantId, origin }: Pick<MockEntra, 'tenantId' | 'origin'>,
  over: Partial<EntraConfig> = {},
): EntraConfig {
  return { ...ENTRA_DEFAULTS, tenant_id: tenantId, authority: origin, ...over }
}

/** With the app registration of the documentation page. */
export function registeredConfig(
  entra: Pick<MockEntra, 'tenantId' | 'origin'>,
  over: Partial<EntraConfig> = {},
): EntraConfig {
  const { client_id, client_secret: secret = '' } = holmes
  return entraConfig(entra, { client_id, credential: { kind: 'secret', secret }, ...over })
}

/** The whole configuration; `public_url` is where it listens. */
function gatewayConfig(entra: MockEntra, options: GatewayOptions, port: number): Config {
  return {
    ...DEFAULTS,
    public_url: `http://localhost:${port}`,
    listen: { host: '127.0.0.1', port },
    admin_listen: { host: '127.0.0.1', port: 0 },
    shutdown_delay: 0,
    shutdown_grace: 5000,
    identity_provider: entraConfig(entra, { groups_claim: 'groups' }),
    resources: options.resources ?? [resourceConfig(options.upstream, options.resource)],
    files: [],
    ...options.config,
  }
}

async function ready(service: Service): Promise<void> {
  for (let i = 0; i < 500; i += 1) {
    if (service.readiness().ready) return
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  throw new Error(`not ready: ${JSON.stringify(service.readiness())}`)
}

/** What a logger writes to: its lines, parsed. */
export class LineSink extends Writable {
  readonly lines: Record<string, unknown>[] = []

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    for (const text of chunk.toString().split('\n')) {
      if (text === '') continue
      const line = JSON.parse(text) as Record<string, unknown>
      this.lines.push(line)
      this.emit('line', line)
    }
    done()
  }

  find(fits: (line: Record<string, unknown>) => boolean): Promise<Record<string, unknown>> {
    const there = this.lines.find(fits)
    if (there) return Promise.resolve(there)
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error('no such line was logged in 5 s')), 5000)
      const look = (line: Record<string, unknown>) => {
        if (!fits(line)) return
        clearTimeout(timer)
        this.off('line', look)
        resolve(line)
      }
      this.on('line', look)
    })
  }
}
