import type { TestContext } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { stringify } from 'smol-toml'
import { createLogger } from '../../src/observe/logger.ts'
import { startService } from '../../src/service/service.ts'
import { freePort } from '../environment/ports.ts'
import { configOf, loadToml } from './configuration.ts'
import { LineSink } from './gateway.ts'
import { sealingKey } from './handed-out.ts'
import { AUDIENCE, clientId, clientSecret } from './oidc-provider.ts'

type Table = Readonly<Record<string, unknown>>

export interface OidcGatewayOptions {
  readonly issuer: string
  readonly upstream: string
  /** Put over the table of that name in the configuration file. */
  readonly identityProvider?: Table
  readonly signIn?: Table
  readonly resource?: Table
  /** Contents by absolute path, of files that the configuration names; they are on disk, too. */
  readonly files?: Readonly<Record<string, string>>
}

/** A running rolecall over an OpenID Connect provider. */
export interface OidcGateway {
  readonly origin: string
  readonly url: string
  readonly log: readonly Record<string, unknown>[]
}

/** Starts it in this process from a file with as little in it as people write; ends with the test. */
export async function startOidcGateway(
  t: TestContext,
  options: OidcGatewayOptions,
): Promise<OidcGateway> {
  const port = await freePort()
  const origin = `http://localhost:${port}`
  const sink = new LineSink()
  const config = configOf(
    loadToml(stringify(oidcFile(options, port)), { files: options.files ?? {} }),
  )
  const service = await startService(
    { ...config, admin_listen: { host: '127.0.0.1', port: 0 } },
    { log: createLogger('info', sink), version: '0.0.0-test', probesUpstreams: false },
  )
  t.after(() => service.stop(AbortSignal.abort()))
  while (!service.readiness().ready) await delay(10, undefined, { signal: t.signal })
  return { origin, url: `${origin}/mcp`, log: sink.lines }
}

/** The configuration file, as a table. */
export function oidcFile(options: OidcGatewayOptions, port: number): Table {
  return {
    listen: `127.0.0.1:${port}`,
    sealing_keys: [sealingKey],
    shutdown_delay: '0s',
    identity_provider: {
      kind: 'oidc',
      issuer: options.issuer,
      client_id: clientId,
      client_secret: clientSecret,
      ...options.identityProvider,
    },
    sign_in: { redirect_uris: ['loopback'], ...options.signIn },
    resource: [
      { name: 'prod', upstream: options.upstream, audiences: [AUDIENCE], ...options.resource },
    ],
  }
}
