import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Writable } from 'node:stream'
import { stringify } from 'smol-toml'
import { type Child, startChild, untilAnswers } from './child-process.ts'
import { rolecallProgram } from './program.ts'

export interface ProxyOptions {
  /** Where the configuration is written, and beside it the secrets that it names. */
  readonly folder: string
  readonly port: number
  readonly adminPort: number
  readonly identityProvider: {
    readonly tenantId: string
    readonly authority: string
    readonly clientId: string
    /** Absent: `sign_in.mode` is off, and clients bring their tokens; else it is relay. */
    readonly clientSecret?: string
  }
  readonly upstream: string
  /** Whom tokens must be for. */
  readonly audience: string
  /** Its log lines. */
  readonly log: Writable
}

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
  const write = async (name: string, content: string): Promise<string> => {
    const path = join(options.folder, name)
    await writeFile(path, content, { mode: 0o600 })
    return path
  }
  const { clientSecret } = options.identityProvider
  const relay =
    clientSecret === undefined
      ? undefined
      : {
          secretFile: await write('client-secret', clientSecret),
          keysFile: await write('sealing-keys', `${randomBytes(32).toString('base64url')}\n`),
        }
  return await write('rolecall.toml', stringify(configurationOf(options, publicUrl, relay)))
}

function configurationOf(
  options: ProxyOptions,
  publicUrl: string,
  relay: { readonly secretFile: string; readonly keysFile: string } | undefined,
): Record<string, unknown> {
  const { tenantId, authority, clientId } = options.identityProvider
  return {
    public_url: publicUrl,
    listen: `127.0.0.1:${options.port}`,
    admin_listen: `127.0.0.1:${options.adminPort}`,
    ...(relay && { sealing_keys_file: relay.keysFile }),
    shutdown_delay: '0s',
    shutdown_grace: '2s',
    identity_provider: {
      kind: 'entra',
      tenant_id: tenantId,
      authority,
      client_id: clientId,
      ...(relay && { client_secret_file: relay.secretFile }),
    },
    sign_in: relay ? { mode: 'relay', redirect_uris: ['robusta', 'loopback'] } : { mode: 'off' },
    resource: [
      { name: 'demo', path: '/mcp', upstream: options.upstream, audiences: [options.audience] },
    ],
  }
}

function environmentOf(inherited: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const kept = Object.entries(inherited).filter(([name]) => !name.startsWith('ROLECALL'))
  const noProxy = [inherited['NO_PROXY'] ?? inherited['no_proxy'], 'localhost', '127.0.0.1']
  const list = noProxy.filter((entry) => entry).join(',')
  return { ...Object.fromEntries(kept), NO_PROXY: list, no_proxy: list }
}
