import assert from 'node:assert/strict'
import { once } from 'node:events'
import { existsSync, statSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { startTestIssuer } from '../../support/test-issuer.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { clusterContents } from '../cluster/contents.ts'
import { startStandInCluster } from '../cluster/stand-in/stand-in.ts'
import {
  type KubernetesMcpServerOptions,
  kubernetesMcpServerBinary,
  startKubernetesMcpServer,
} from '../kubernetes-mcp-server.ts'
import { openMcpSession } from '../mcp-session.ts'

const MCP_HEADERS = {
  'content-type': 'application/json',
  accept: 'application/json, text/event-stream',
}

interface Started {
  readonly cluster: Cluster
  tokenOf(name: string): Promise<string>
}

async function startCluster(t: TestContext): Promise<Started> {
  const issuer = await startTestIssuer((close) => t.after(close))
  const { identityProvider } = issuer
  const contents = clusterContents({ 'team-a': 'group-a', 'team-b': 'group-b' })
  const cluster = await startStandInCluster({ identityProvider, contents })
  t.after(() => cluster.close())
  const { issuer: iss, audience: aud, tenantId: tid } = identityProvider
  const exp = Math.floor(Date.now() / 1000) + 600
  const tokenOf = (name: string): Promise<string> =>
    issuer.sign({ iss, aud, tid, exp, oid: name, upn: name, groups: ['group-a'] })
  return { cluster, tokenOf }
}

async function start(t: TestContext, options: KubernetesMcpServerOptions) {
  const server = await startKubernetesMcpServer(options)
  t.after(() => server.close())
  return server
}

function initialize(url: string, headers: Record<string, string> = {}): Promise<Response> {
  const params = {
    protocolVersion: '2025-06-18',
    capabilities: {},
    clientInfo: { name: 'test', version: '1' },
  }
  return fetch(url, {
    method: 'POST',
    headers: { ...MCP_HEADERS, ...headers },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params }),
  })
}

async function callersSeen(cluster: Cluster): Promise<(string | undefined)[]> {
  const events = await cluster.auditEvents()
  const calls = events.filter((event) => event.objectRef?.resource === 'pods')
  return calls.map((event) => event.user.username)
}

/** Another temporary folder for one test, so that what is left in it can be seen. */
async function ownTemporaryFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'rolecall-test-'))
  const before = process.env['TMPDIR']
  process.env['TMPDIR'] = folder
  t.after(() => {
    if (before === undefined) delete process.env['TMPDIR']
    else process.env['TMPDIR'] = before
    return rm(folder, { recursive: true })
  })
  return folder
}

test('by default a call without a bearer is 401 and reaches nothing', async (t) => {
  const { cluster } = await startCluster(t)
  const server = await start(t, { cluster })
  const reached = (await cluster.auditEvents()).length
  assert.equal((await initialize(server.url)).status, 401)
  assert.equal((await cluster.auditEvents()).length, reached)
})

test('by default it is given no credentials, in a folder of its owner alone', async (t) => {
  const temporary = await ownTemporaryFolder(t)
  const { cluster } = await startCluster(t)
  await start(t, { cluster })
  const [name = ''] = await readdir(temporary)
  const folder = join(temporary, name)
  assert.equal(statSync(folder).mode & 0o777, 0o700)
  const kubeconfig = JSON.parse(await readFile(join(folder, 'kubeconfig.json'), 'utf8'))
  assert.deepEqual(kubeconfig.users, [])
  assert.equal(kubeconfig.contexts[0].context.user, '')
})

test('closing ends the process and removes its folder', async (t) => {
  const temporary = await ownTemporaryFolder(t)
  const { cluster } = await startCluster(t)
  const server = await startKubernetesMcpServer({ cluster })
  assert.equal((await readdir(temporary)).length, 1)
  await server.close()
  assert.deepEqual(await readdir(temporary), [])
  assert.throws(() => process.kill(server.pid, 0), { code: 'ESRCH' })
})

for (const stateless of [true, false]) {
  test(`stateless = ${stateless}: an MCP session id is ${stateless ? 'not ' : ''}given`, async (t) => {
    const { cluster, tokenOf } = await startCluster(t)
    const server = await start(t, { cluster, stateless })
    const authorization = `Bearer ${await tokenOf('alice')}`
    const answer = await initialize(server.url, { authorization })
    await answer.body?.cancel()
    assert.equal(answer.status, 200)
    assert.equal(answer.headers.get('mcp-session-id') === null, stateless)
  })
}

test('require_oauth = false with a token of its own: a call without a bearer runs as the server', async (t) => {
  const { cluster, tokenOf } = await startCluster(t)
  const kubeconfigToken = await tokenOf('the-server-itself')
  const server = await start(t, {
    cluster,
    requireOauth: false,
    kubeconfigToken,
    stateless: true,
  })
  const answer = await fetch(server.url, {
    method: 'POST',
    headers: MCP_HEADERS,
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'tools/call',
      params: { name: 'pods_list_in_namespace', arguments: { namespace: 'team-a' } },
    }),
  })
  assert.match(await answer.text(), /shop-web/)
  assert.deepEqual(await callersSeen(cluster), ['the-server-itself'])
})

test('cluster_auth_mode = kubeconfig: the caller is never the one who calls', async (t) => {
  const { cluster, tokenOf } = await startCluster(t)
  const server = await start(t, {
    cluster,
    requireOauth: false,
    clusterAuthMode: 'kubeconfig',
    kubeconfigToken: await tokenOf('the-server-itself'),
  })
  const session = await openMcpSession(server.url, await tokenOf('alice'))
  await session.call('pods_list_in_namespace', { namespace: 'team-a' })
  await session.close()
  assert.deepEqual(await callersSeen(cluster), ['the-server-itself'])
})

test('a configuration that it refuses is told in its own words', async (t) => {
  const { cluster } = await startCluster(t)
  // require_oauth together with kubeconfig: no caller's token could ever be used.
  await assert.rejects(
    startKubernetesMcpServer({ cluster, clusterAuthMode: 'kubeconfig' }),
    /kubernetes-mcp-server did not start: it exited with code 1\n.*cluster_auth_mode/s,
  )
})

test('a taken port is told with the words of the server, not found healthy', async (t) => {
  const { cluster } = await startCluster(t)
  const taken = createServer((socket) => socket.destroy())
  taken.listen(0, '127.0.0.1')
  await once(taken, 'listening')
  t.after(() => taken.close())
  const address = taken.address()
  const port = typeof address === 'object' && address ? address.port : 0
  await assert.rejects(startKubernetesMcpServer({ cluster, port }), /address already in use/)
})

test('its end is reported with the signal and its last lines', async (t) => {
  const { cluster } = await startCluster(t)
  const server = await start(t, { cluster })
  process.kill(server.pid, 'SIGKILL')
  const exit = await server.exited
  assert.equal(exit.signal, 'SIGKILL')
  assert.ok(exit.lastLines.length > 0)
})

test('the binary is the one of the platform, and a missing one is named by its package', () => {
  assert.ok(existsSync(kubernetesMcpServerBinary()))
  assert.throws(
    () => kubernetesMcpServerBinary('win32', 'x64'),
    /package kubernetes-mcp-server-windows-amd64 is not installed: run "npm ci"/,
  )
  assert.throws(
    () => kubernetesMcpServerBinary('darwin', 'arm64'),
    /package kubernetes-mcp-server-darwin-arm64 is not installed/,
  )
})
