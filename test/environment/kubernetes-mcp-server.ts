import { readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { stringify } from 'smol-toml'
import { type ChildExit, startChild, untilAnswers } from './child-process.ts'
import { freePort } from './ports.ts'

export interface KubernetesMcpServerOptions {
  readonly cluster: { readonly server: string; readonly certificateAuthority: string }
  /** On 127.0.0.1; default: any free one. */
  readonly port?: number
  /** Without MCP sessions: no `Mcp-Session-Id`, `GET` is 405. Default false, as the server's own. */
  readonly stateless?: boolean
  /** Default true. False lets calls without a bearer run as the server itself. */
  readonly requireOauth?: boolean
  /** Default `passthrough`. `kubeconfig` never uses the caller's token. */
  readonly clusterAuthMode?: 'passthrough' | 'kubeconfig'
  /** Default true: no tool that writes. */
  readonly readOnly?: boolean
  /** Another binary than the installed one: of another version. */
  readonly binary?: string
  /** A bearer of the server's own in its kubeconfig. Default: none, so that it has no identity. */
  readonly kubeconfigToken?: string
}

export interface KubernetesMcpServer {
  readonly url: string
  readonly pid: number
  readonly exited: Promise<ChildExit>
  close(): Promise<void>
}

/**
 * Starts the real kubernetes-mcp-server (the Go binary from npm) on loopback and waits until it
 * answers. By default it passes the caller's token through and has no credentials of its own; the
 * options make the configurations in which it does not, for those who test for them.
 *
 * @throws when the binary is not installed, or it ends or stays silent instead of answering; the
 *   message has its last lines
 */
export async function startKubernetesMcpServer(
  options: KubernetesMcpServerOptions,
): Promise<KubernetesMcpServer> {
  const command = options.binary ?? kubernetesMcpServerBinary()
  const port = options.port ?? (await freePort())
  // mkdtemp makes the folder for its owner alone (0700).
  const folder = await mkdtemp(join(tmpdir(), 'rolecall-mcp-'))
  try {
    const config = await writeConfiguration(folder, port, options)
    const child = await startChild({
      command,
      arguments: ['--config', config],
      environment: quietEnvironment(folder),
      // After an error it prints its whole usage, indented.
      isNoise: (line) => /^(\s|$|Usage:|Examples:|Flags:)/.test(line),
    })
    const exited = child.exited.finally(() => rm(folder, { recursive: true, force: true }))
    await untilAnswers(child, 'kubernetes-mcp-server', `http://127.0.0.1:${port}/healthz`)
    const close = async (): Promise<void> => {
      await child.close()
      await exited
    }
    return { url: `http://127.0.0.1:${port}/mcp`, pid: child.pid, exited, close }
  } catch (error) {
    await rm(folder, { recursive: true, force: true })
    throw error
  }
}

/**
 * The path of the Go binary for this platform, from the npm package that holds it.
 *
 * @param from the module whose packages are searched
 * @throws naming the package, when it is not installed
 */
export function kubernetesMcpServerBinary(
  platform: NodeJS.Platform = process.platform,
  arch: string = process.arch,
  from: string = import.meta.url,
): string {
  const os = platform === 'win32' ? 'windows' : platform
  const name = `kubernetes-mcp-server-${os}-${arch === 'x64' ? 'amd64' : arch}`
  try {
    const manifest = createRequire(from).resolve(`${name}/package.json`)
    const ending = platform === 'win32' ? '.exe' : ''
    return join(dirname(manifest), 'bin', `${name}${ending}`)
  } catch {
    throw new Error(
      `the package ${name} is not installed: run "npm ci" without --omit=optional; ` +
        'kubernetes-mcp-server exists for linux, darwin and windows on amd64 and arm64',
    )
  }
}

/** The version of the installed kubernetes-mcp-server. */
export function kubernetesMcpServerVersion(): string {
  const manifest = createRequire(import.meta.url).resolve('kubernetes-mcp-server/package.json')
  const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }
  return version
}

async function writeConfiguration(
  folder: string,
  port: number,
  options: KubernetesMcpServerOptions,
): Promise<string> {
  const { stateless = false, requireOauth = true, readOnly = true } = options
  const { clusterAuthMode = 'passthrough' } = options
  const kubeconfig = join(folder, 'kubeconfig.json')
  const config = join(folder, 'kubernetes-mcp-server.toml')
  await writeFile(kubeconfig, JSON.stringify(kubeconfigOf(options)), { mode: 0o600 })
  await writeFile(
    config,
    stringify({
      port: String(port),
      bind_address: '127.0.0.1',
      kubeconfig,
      cluster_provider_strategy: 'kubeconfig',
      cluster_auth_mode: clusterAuthMode,
      require_oauth: requireOauth,
      // With require_oauth and no authorization_url it takes any bearer and leaves the judgement to
      // the API server. An authorization_url would refuse Entra's v1 tokens.
      ...(requireOauth && { skip_jwt_verification: true }),
      read_only: readOnly,
      stateless,
      toolsets: ['core'],
    }),
    { mode: 0o600 },
  )
  return config
}

function kubeconfigOf(options: KubernetesMcpServerOptions): object {
  const { cluster, kubeconfigToken: token } = options
  const certificateAuthority = Buffer.from(cluster.certificateAuthority).toString('base64')
  return {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      {
        name: 'demo',
        cluster: {
          server: cluster.server,
          'certificate-authority-data': certificateAuthority,
        },
      },
    ],
    users: token === undefined ? [] : [{ name: 'self', user: { token } }],
    contexts: [
      { name: 'demo', context: { cluster: 'demo', user: token === undefined ? '' : 'self' } },
    ],
    'current-context': 'demo',
  }
}

/** No kubeconfig, cluster or proxy of the person who runs this reaches the server. */
function quietEnvironment(folder: string): NodeJS.ProcessEnv {
  return { PATH: process.env['PATH'], HOME: folder, TMPDIR: folder }
}
