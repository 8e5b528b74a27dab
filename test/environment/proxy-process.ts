import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Writable } from 'node:stream'
import { stringify } from 'smol-toml'
import { type Child, startChild, untilAnswers } from './child-process.ts'
import { rolecallProgram } from './program.ts'

/** How people come to their tokens: `sign_in.mode`. */
export type SignInMode = 'broker' | 'relay' | 'off'

export interface ProxyOptions {
  /** Where the configuration is written, and beside it the secrets that it names. */
  readonly folder: string
  /** Of its files and its resource; default `rolecall` and `demo`. */
  readonly name?: string
  /** Of its resource alone, by which clients list it. */
  readonly resource?: string
  readonly mode: SignInMode
  readonly port: number
  readonly adminPort: number
  readonly identityProvider: {
    readonly tenantId: string
    readonly authority: string
    readonly clientId: string
    /** For every mode but `off`, in which clients bring their tokens. */
    readonly clientSecret?: string
  }
  readonly upstream: string
  /** Further resources beside it, and a fleet of them all; absent: neither. */
  readonly fleet?: readonly FurtherResource[]
  /** Whom tokens must be for. */
  readonly audience: string
  /** Its log lines. */
  readonly log: Writable
}

/** A resource of the fleet. */
export interface FurtherResource {
  readonly name: string
  readonly description: string
  readonly upstream: string
}

/** Where a fleet is. */
export const FLEET_PATH = '/fleet/mcp'

export interface ProxyProcess extends Child {
  /** `http://localhost:<port>` */
  readonly publicUrl: string
  /** The endpoint that MCP clients are given. */
  readonly url: string
  /** The configuration that it runs with. */
  readonly config: string
}

/**
 * Starts rolecall by its own command, `serve --config FILE`, as anybody would, and waits until it is
 * ready. Settings in the environment (`ROLECALL…`) do not reach it: what the file says holds.
 *
 * @throws when it ends or stays silent; the message has its last lines
 */
export async function startProxy(options: ProxyOptions): Promise<ProxyProcess> {
  const publicUrl = `http://localhost:${options.port}`
  const config = await writeConfiguration(options, publicUrl)
  const child = await startChild({
    command: process.execPath,
    arguments: [...rolecallProgram, 'serve', '--config', config],
    environment: environmentOf(process.env),
    output: options.log,
  })
  await untilAnswers(child, 'rolecall', `http://127.0.0.1:${options.adminPort}/readyz`)
  return { ...child, publicUrl, url: `${publicUrl}/mcp`, config }
}

/** The configuration and the files that it names, all for their owner alone. */
async function writeConfiguration(options: ProxyOptions, publicUrl: string): Promise<string> {
  const { folder, name = 'rolecall', mode, identityProvider } = options
  const write = async (ending: string, content: string): Promise<string> => {
    const path = join(folder, `${name}${ending}`)
    await writeFile(path, content, { mode: 0o600 })
    return path
  }
  const { clientSecret } = identityProvider
  if (clientSecret === undefined && mode !== 'off') throw new Error(`${mode} needs a secret`)
  const files =
    mode === 'off' || clientSecret === undefined
      ? undefined
      : {
          secret: await write('.client-secret', clientSecret),
          keys: await write('.sealing-keys', `${randomBytes(32).toString('base64url')}\n`),
        }
  return await write('.toml', stringify(configurationOf(options, publicUrl, files)))
}

/** Where a code may go: to the Robusta UI and this machine by a relay, to every client by a broker. */
const REDIRECT_URIS = {
  relay: ['robusta', 'loopback'],
  broker: ['loopback', 'robusta', 'claude', 'vscode', 'cursor'],
} as const

function configurationOf(
  options: ProxyOptions,
  publicUrl: string,
  files: { readonly secret: string; readonly keys: string } | undefined,
): Record<string, unknown> {
  const { mode, name = 'demo', resource = name, upstream, fleet = [], audience } = options
  const { tenantId, authority, clientId } = options.identityProvider
  return {
    public_url: publicUrl,
    listen: `127.0.0.1:${options.port}`,
    admin_listen: `127.0.0.1:${options.adminPort}`,
    ...(files && { sealing_keys_file: files.keys }),
    shutdown_delay: '0s',
    shutdown_grace: '2s',
    identity_provider: {
      kind: 'entra',
      tenant_id: tenantId,
      authority,
      client_id: clientId,
      ...(files && { client_secret_file: files.secret }),
    },
    sign_in: mode === 'off' ? { mode } : { mode, redirect_uris: [...REDIRECT_URIS[mode]] },
    resource_defaults: { audiences: [audience] },
    resource: [
      { name: resource, path: '/mcp', upstream },
      ...fleet.map((one) => ({ path: `/c/${one.name}/mcp`, ...one })),
    ],
    ...(fleet.length > 0 && { fleet: { path: FLEET_PATH } }),
  }
}

function environmentOf(inherited: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const kept = Object.entries(inherited).filter(([name]) => !name.startsWith('ROLECALL'))
  const noProxy = [inherited['NO_PROXY'] ?? inherited['no_proxy'], 'localhost', '127.0.0.1']
  const list = noProxy.filter((entry) => entry).join(',')
  return { ...Object.fromEntries(kept), NO_PROXY: list, no_proxy: list }
}
