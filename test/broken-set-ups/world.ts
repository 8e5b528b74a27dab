import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { aksServerId, holmes } from '../environment/mock-entra/directory.ts'
import type { MockEntra, MockEntraOptions } from '../environment/mock-entra/mock-entra.ts'
import { freePort } from '../environment/ports.ts'
import { startEntra } from '../support/gateway.ts'
import { startUpstream } from '../support/recording-upstream.ts'
import { failure, followScript, type Script } from '../support/scripted-mcp.ts'

type Table = Readonly<Record<string, unknown>>

/** What happens when a set-up is done with. */
export interface Ends {
  after(end: () => unknown): void
}

/** What set-ups are built from. Everything that is started ends with it. */
export interface World extends Ends {
  /** How an address of this machine is called on the page. */
  call(real: string, shown: string): void
  /** A text with every address as it is called on the page. */
  shown(text: string): string
  entra(options?: MockEntraOptions): Promise<MockEntra>
  /** An MCP server that passes the caller's token through, unless its script says otherwise. */
  upstream(script?: Script): Promise<string>
  /** A file on disk; what is read at each use needs one. */
  file(name: string, text: string): string
  port(): Promise<number>
  /** HolmesGPT by relay with the app registration of the documentation, changed table by table. */
  relay(entra: MockEntra, changes?: Changes): Promise<Table>
  /** The same for every MCP client. */
  broker(entra: MockEntra, changes?: Changes): Promise<Table>
}

/** By table; `undefined` takes a key away. */
export interface Changes {
  readonly top?: Table
  readonly provider?: Table
  readonly signIn?: Table
  readonly resource?: Table
  readonly store?: Table
}

/** What passes the token of each caller through, and has no credential of its own. */
export const passesThrough: Script = { call: () => failure('provide credentials') }
export const sealingKeys = 'A'.repeat(43)
export const scopes = [`${aksServerId}/.default`, 'openid', 'profile', 'offline_access']

/** @param t ends what is started */
export function createWorld(t: Ends): World {
  const names = new Map<string, string>()
  let folder: string | undefined
  const world: World = {
    after: (end) => t.after(end),
    call: (real, shown) => void names.set(real, shown),
    shown(text) {
      const longestFirst = [...names].sort(([one], [other]) => other.length - one.length)
      return longestFirst.reduce((told, [real, shown]) => told.replaceAll(real, shown), text)
    },
    async entra(options = {}) {
      const entra = await startEntra(t, options)
      world.call(entra.origin, 'https://login.microsoftonline.com')
      world.call(entra.tenantId, '<tenant-id>')
      world.call(holmes.client_id, '<client-id>')
      return entra
    },
    async upstream(script = passesThrough) {
      const upstream = await startUpstream(t)
      followScript(upstream, script)
      world.call(new URL(upstream.url).origin, 'http://kubernetes-mcp-server:8080')
      world.call(new URL(upstream.url).host, 'kubernetes-mcp-server:8080')
      return upstream.url
    },
    file(name, text) {
      folder ??= temporaryFolder(world)
      const path = join(folder, name)
      writeFileSync(path, text)
      return path
    },
    port: freePort,
    relay: (entra, changes) =>
      configuration(world, entra, changes, { mode: 'relay', redirect_uris: ['robusta'] }),
    broker: (entra, changes) =>
      configuration(world, entra, changes, { mode: 'broker', redirect_uris: ['loopback'] }),
  }
  return world
}

function temporaryFolder(world: World): string {
  const folder = mkdtempSync(join(tmpdir(), 'rolecall-set-up-'))
  world.after(() => rmSync(folder, { recursive: true, force: true }))
  world.call(folder, '/etc/rolecall')
  return folder
}

async function configuration(
  world: World,
  entra: MockEntra,
  { top, provider, signIn, resource, store }: Changes = {},
  mode: Table,
): Promise<Table> {
  const [port, adminPort] = [await world.port(), await world.port()]
  world.call(`http://localhost:${port}`, 'https://mcp.example.com')
  const { client_id, client_secret } = holmes
  return withoutNothing({
    listen: `127.0.0.1:${port}`,
    admin_listen: `127.0.0.1:${adminPort}`,
    shutdown_delay: '0s',
    sealing_keys: sealingKeys,
    ...top,
    identity_provider: withoutNothing({
      kind: 'entra',
      tenant_id: entra.tenantId,
      authority: entra.origin,
      client_id,
      client_secret,
      ...provider,
    }),
    sign_in: withoutNothing({ ...mode, ...signIn }),
    ...(store && { store }),
    resource: [
      withoutNothing({
        name: 'prod',
        path: '/mcp',
        upstream: resource?.['upstream'] ?? (await world.upstream()),
        audiences: [aksServerId],
        request_scopes: scopes,
        ...resource,
      }),
    ],
  })
}

function withoutNothing(table: Table): Table {
  return Object.fromEntries(Object.entries(table).filter(([, value]) => value !== undefined))
}
