import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Child, startChild, untilAnswers } from '../../environment/child-process.ts'
import { kubernetesMcpServerBinary } from '../../environment/kubernetes-mcp-server.ts'
import { freePort } from '../../environment/ports.ts'

/** Contents by path, as pods find them. */
export type PodFiles = Readonly<Record<string, string>>

export interface Installation {
  /** Of rolecall's pods, with `/etc/rolecall/rolecall.yaml`. */
  readonly files: PodFiles
  /** Of the MCP servers' pods, by the name of their Service. */
  readonly mcpServers: Readonly<Record<string, PodFiles>>
  /** What stands for the mock's or a loopback address here: text by text. */
  readonly changes?: Readonly<Record<string, string>>
  /** Settings that only say where things are. */
  readonly environment?: Readonly<Record<string, string>>
  /** What it calls itself. Default: as it is reached; another one where a balancer would be. */
  readonly publicUrl?: string
  /** Where the API server is that pods know as `https://kubernetes.default.svc`. */
  readonly cluster: { readonly server: string; readonly certificateAuthority: string }
}

export interface Ends {
  after(end: () => unknown): void
}

const COMMAND = fileURLToPath(new URL('../../../src/cli/rolecall.ts', import.meta.url))

/** What runs. */
export interface Installed {
  /** Where clients find rolecall: `http://localhost:<port>`. */
  readonly origin: string
  /**
   * What `helm test` runs, where rolecall runs: its exit code and what it said.
   *
   * @param token shown to doctor, and by it to the API server
   */
  doctor(token?: string): Promise<{ readonly code: number | null; readonly said: string }>
  /** As the kubelet ends a pod: SIGTERM, and SIGKILL after five seconds. */
  stop(): Promise<void>
}

/**
 * Runs what a chart would: each MCP server by its own files, rolecall by its own, as processes on
 * loopback. Changed is only where things are.
 */
export async function runInstallation(t: Ends, installation: Installation): Promise<Installed> {
  const folder = mkdtempSync(join(tmpdir(), 'rolecall-installed-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const changes: Record<string, string> = { ...installation.changes }
  for (const [name, files] of Object.entries(installation.mcpServers)) {
    const upstream = await runMcpServer(t, join(folder, name), files, installation.cluster)
    changes[`http://${name}.holmes.svc.cluster.local:8080/mcp`] = upstream
  }
  const [port, adminPort] = [await freePort(), await freePort()]
  const origin = `http://localhost:${port}`
  const placed = place(join(folder, 'rolecall'), installation.files, changes)
  const environment = {
    PATH: process.env['PATH'],
    ROLECALL__LISTEN: `127.0.0.1:${port}`,
    ROLECALL__ADMIN_LISTEN: `127.0.0.1:${adminPort}`,
    ROLECALL__PUBLIC_URL: installation.publicUrl ?? origin,
    ROLECALL__INTERNAL_HOSTS: installation.publicUrl === undefined ? '' : `localhost:${port}`,
    ...installation.environment,
  }
  const command = (name: string): readonly string[] => [
    ...process.execArgv,
    COMMAND,
    name,
    '--config',
    placed('/etc/rolecall/rolecall.yaml'),
  ]
  const start = (name: string, further: readonly string[] = []): Promise<Child> => {
    const argv = [...command(name), ...further]
    return startChild({ command: process.execPath, arguments: argv, environment })
  }
  const child = await start('serve')
  t.after(() => child.close())
  await untilAnswers(child, 'rolecall', `http://127.0.0.1:${adminPort}/readyz`)
  const doctor = async (token?: string) => {
    const further = token === undefined ? [] : shown(token, folder, installation.cluster)
    const { code, lastLines } = await (await start('doctor', further)).exited
    return { code, said: lastLines.join('\n') }
  }
  return { origin, doctor, stop: () => child.close() }
}

/** A token and the API server that is asked about it, as doctor takes them. */
function shown(
  token: string,
  folder: string,
  { server, certificateAuthority }: Installation['cluster'],
): readonly string[] {
  const [tokenFile, authorityFile] = [join(folder, 'token'), join(folder, 'api-server.crt')]
  writeFileSync(tokenFile, token)
  writeFileSync(authorityFile, certificateAuthority)
  const api = ['--api-server', server, '--api-server-ca', authorityFile]
  return ['--token-file', tokenFile, ...api]
}

async function runMcpServer(
  t: Ends,
  folder: string,
  files: PodFiles,
  cluster: Installation['cluster'],
): Promise<string> {
  const port = await freePort()
  const authority = { '/etc/kubernetes-authority/ca.crt': cluster.certificateAuthority }
  const placed = place(
    folder,
    { ...files, ...authority },
    {
      'port = "8080"': `port = "${port}"\nbind_address = "127.0.0.1"`,
      'https://kubernetes.default.svc': cluster.server,
    },
  )
  const child = await startChild({
    command: kubernetesMcpServerBinary(),
    arguments: ['--config', placed('/etc/kubernetes-mcp-server/config.toml')],
    environment: { HOME: folder, PATH: process.env['PATH'] },
  })
  t.after(() => child.close())
  await untilAnswers(child, 'kubernetes-mcp-server', `http://127.0.0.1:${port}/healthz`)
  return `http://127.0.0.1:${port}/mcp`
}

/** Writes files below a folder, in which they then name each other; returns where each is. */
function place(
  folder: string,
  files: PodFiles,
  changes: Readonly<Record<string, string>>,
): (path: string) => string {
  const placed = (path: string): string => join(folder, path)
  for (const [path, content] of Object.entries(files)) {
    let text = content.replace(/(^|[\s"])(\/(?:etc|var)\/)/g, `$1${folder}$2`)
    for (const [from, to] of Object.entries(changes)) text = text.replaceAll(from, to)
    mkdirSync(dirname(placed(path)), { recursive: true })
    writeFileSync(placed(path), text)
  }
  return (path) => {
    assert.ok(path in files, `${path} is not mounted`)
    return placed(path)
  }
}
