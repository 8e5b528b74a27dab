import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { startChild, untilAnswers } from '../../environment/child-process.ts'
import type { Cluster } from '../../environment/cluster/cluster.ts'
import { freePort } from '../../environment/ports.ts'
import { pathWithKubectl } from './kubectl.ts'

export interface OtherServer {
  readonly url: string
  close(): Promise<void>
}

/**
 * Starts mcp-server-kubernetes, which runs kubectl with the credential of its kubeconfig, whoever
 * calls.
 *
 * @param ownToken the bearer in its kubeconfig
 */
export async function startMcpServerKubernetes(
  cluster: Cluster,
  ownToken: string,
): Promise<OtherServer> {
  const folder = await mkdtemp(join(tmpdir(), 'rolecall-mcp-'))
  const kubeconfig = join(folder, 'kubeconfig.json')
  await writeFile(kubeconfig, JSON.stringify(kubeconfigOf(cluster, ownToken)), { mode: 0o600 })
  const port = await freePort()
  const server = await startServer('mcp-server-kubernetes', {
    words: [],
    port,
    health: '/health',
    environment: {
      ENABLE_UNSAFE_STREAMABLE_HTTP_TRANSPORT: '1',
      HOST: '127.0.0.1',
      PORT: String(port),
      KUBECONFIG: kubeconfig,
      HOME: folder,
      PATH: pathWithKubectl(),
    },
  })
  return {
    ...server,
    async close() {
      await server.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** Starts argocd-mcp, which takes the token of a session's first request for all of the session. */
export async function startArgocdMcp(argoCd: string): Promise<OtherServer> {
  const port = await freePort()
  return startServer('argocd-mcp', {
    words: ['http', '--port', String(port)],
    port,
    health: '/healthz',
    environment: { ARGOCD_BASE_URL: argoCd },
  })
}

interface ServerStart {
  readonly words: readonly string[]
  readonly port: number
  readonly health: string
  readonly environment: NodeJS.ProcessEnv
}

async function startServer(name: string, start: ServerStart): Promise<OtherServer> {
  const manifest = createRequire(import.meta.url).resolve(`${name}/package.json`)
  const child = await startChild({
    command: process.execPath,
    arguments: [join(dirname(manifest), 'dist', 'index.js'), ...start.words],
    environment: { PATH: process.env['PATH'], NO_PROXY: '127.0.0.1', ...start.environment },
  })
  const origin = `http://127.0.0.1:${start.port}`
  await untilAnswers(child, name, `${origin}${start.health}`)
  return { url: `${origin}/mcp`, close: () => child.close() }
}

function kubeconfigOf({ server, certificateAuthority }: Cluster, token: string): object {
  const authority = Buffer.from(certificateAuthority).toString('base64')
  return {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'c', cluster: { server, 'certificate-authority-data': authority } }],
    users: [{ name: 'self', user: { token } }],
    contexts: [{ name: 'c', context: { cluster: 'c', user: 'self' } }],
    'current-context': 'c',
  }
}
