import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { stringify } from 'smol-toml'
import { type Child, startChild } from '../environment/child-process.ts'
import { freePort } from '../environment/ports.ts'
import { rolecallProgram } from '../environment/program.ts'
import { AKS } from './gateway.ts'

/** `rolecall serve` as a process of its own. */
export interface ServeProcess extends Child {
  readonly url: string
  /** The admin port's base URL. */
  readonly admin: string
  /** The file that it was started with. */
  readonly config: string
  /** What it wrote to its log. */
  readonly log: () => string
  /** Ends it at once, without a word to it. */
  kill(): Promise<void>
}

export interface ServeProgram {
  readonly environment?: Readonly<Record<string, string>>
  /** What Node runs. Default: `rolecallProgram`. */
  readonly program?: readonly string[]
}

export interface ServeOptions extends ServeProgram {
  readonly upstream: string
  readonly tenantId: string
  readonly authority: string
  /** Put over the configuration. */
  readonly settings?: Readonly<Record<string, unknown>>
  readonly identityProvider?: Readonly<Record<string, unknown>>
  /** Beside the first, `prod` at `/mcp`, by name. */
  readonly furtherResources?: Readonly<Record<string, FurtherResource>>
}

export interface FurtherResource {
  readonly path: string
  /** Default: the first one's. */
  readonly upstream?: string
}

/** A configuration in a folder of its own, which can be served more than once. */
export async function prepareServe(
  t: { after(close: () => Promise<void>): void },
  options: ServeOptions,
): Promise<() => Promise<ServeProcess>> {
  const configure = (port: number, adminPort: number) => configurationOf(options, port, adminPort)
  return prepareServeOf(t, configure, options)
}

/** The same for any configuration that listens on these two ports. */
export async function prepareServeOf(
  t: { after(close: () => Promise<void>): void },
  configure: (port: number, adminPort: number) => object,
  { environment = {}, program = rolecallProgram }: ServeProgram = {},
): Promise<() => Promise<ServeProcess>> {
  const folder = await mkdtemp(join(tmpdir(), 'rolecall-faults-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  const [port, adminPort] = [await freePort(), await freePort()]
  const config = join(folder, 'rolecall.toml')
  await writeFile(config, stringify(configure(port, adminPort)))
  return async () => {
    let text = ''
    const output = new Writable({
      write(chunk: Buffer, _encoding, done) {
        text += chunk.toString()
        done()
      },
    })
    const child = await startChild({
      command: process.execPath,
      arguments: [...program, 'serve', '--config', config],
      environment: environmentOf(environment),
      output,
    })
    t.after(() => child.close())
    return {
      ...child,
      config,
      url: `http://localhost:${port}/mcp`,
      admin: `http://127.0.0.1:${adminPort}`,
      log: () => text,
      async kill() {
        process.kill(child.pid, 'SIGKILL')
        await child.exited
      },
    }
  }
}

/** Waits until it says that it is ready; returns after how many milliseconds. */
export async function untilReady(serving: ServeProcess, milliseconds = 20_000): Promise<number> {
  const began = performance.now()
  while ((await readiness(serving)) !== 200) {
    if (performance.now() - began > milliseconds) {
      throw new Error(`not ready within ${milliseconds} ms:\n${serving.log()}`)
    }
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  return performance.now() - began
}

/** The status of /readyz; 0 while nobody answers. */
export async function readiness({ admin }: ServeProcess): Promise<number> {
  const answer = await fetch(`${admin}/readyz`, { headers: { connection: 'close' } }).catch(
    () => undefined,
  )
  await answer?.body?.cancel()
  return answer?.status ?? 0
}

function configurationOf(options: ServeOptions, port: number, adminPort: number) {
  return {
    public_url: `http://localhost:${port}`,
    listen: `127.0.0.1:${port}`,
    admin_listen: `127.0.0.1:${adminPort}`,
    shutdown_delay: '0s',
    shutdown_grace: '0s',
    sign_in: { mode: 'off' },
    ...options.settings,
    identity_provider: {
      kind: 'entra',
      tenant_id: options.tenantId,
      authority: options.authority,
      ...options.identityProvider,
    },
    resource: Object.entries({ prod: { path: '/mcp' }, ...options.furtherResources }).map(
      ([name, resource]) => ({
        name,
        upstream: options.upstream,
        audiences: [AKS],
        allowed_clients: ['*'],
        ...resource,
      }),
    ),
  }
}

/** No proxy and no setting of the machine reaches it, but what is given. */
function environmentOf(given: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(
    ([name]) => !/^ROLECALL|_proxy$|^NODE_TEST|^NODE_EXTRA_CA/i.test(name),
  )
  return { ...Object.fromEntries(kept), ...given }
}
