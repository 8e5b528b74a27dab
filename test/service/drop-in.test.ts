import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { type TestContext, test } from 'node:test'
import { Agent, fetch } from 'undici'
import { load } from '../../src/config/load.ts'
import { createLogger } from '../../src/observe/logger.ts'
import { startService } from '../../src/service/service.ts'
import { createAuthority } from '../environment/certificates.ts'
import { clusterContents } from '../environment/cluster/contents.ts'
import { startStandInCluster } from '../environment/cluster/stand-in/stand-in.ts'
import { startKubernetesMcpServer } from '../environment/kubernetes-mcp-server.ts'
import { openMcpSession } from '../environment/mcp-session.ts'
import { type MockEntra, startMockEntra } from '../environment/mock-entra/mock-entra.ts'
import { freePort } from '../environment/ports.ts'
import { firstKeys } from '../support/first-keys.ts'
import { AKS } from '../support/gateway.ts'

const documented = readFileSync(new URL('../fixtures/drop-in.toml', import.meta.url), 'utf8')
const tenantId = /sts\.windows\.net\/([0-9a-f-]+)/.exec(documented)?.[1] ?? ''
const LOGIN = 'https://login.microsoftonline.com'

/**
 * The mock under Entra's own name: https with a certificate for login.microsoftonline.com, reached
 * through a CONNECT proxy, its documents with Entra's addresses in them.
 */
async function startAsEntra(t: TestContext) {
  const authority = await createAuthority('stands for the public authorities')
  const tls = await authority.issue({
    names: ['login.microsoftonline.com', 'localhost', '127.0.0.1'],
  })
  const entra = await startMockEntra({ firstKeys: await firstKeys(), tls, tenantId })
  t.after(() => entra.close())
  const fetched = async (path: string) => {
    const dispatcher = new Agent({ connect: { ca: authority.certificate } })
    const text = await (await fetch(entra.origin + path, { dispatcher })).text()
    await dispatcher.close()
    return text.replaceAll(entra.origin, LOGIN)
  }
  const headers = { 'content-type': 'application/json' }
  for (const path of [
    `/${tenantId}/v2.0/.well-known/openid-configuration`,
    `/${tenantId}/discovery/v2.0/keys`,
  ]) {
    entra.answer(path, { status: 200, headers, body: await fetched(path) })
  }
  const proxy = createServer()
  const asked: string[] = []
  proxy.on('connect', (request, socket) => {
    asked.push(request.url ?? '')
    const target = connect(Number(new URL(entra.origin).port), '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n')
      target.pipe(socket).pipe(target)
    })
    socket.on('error', () => target.destroy())
    socket.on('close', () => target.destroy())
    target.on('error', () => socket.destroy())
  })
  proxy.listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  t.after(() => proxy.close())
  return {
    entra,
    asked,
    authority: authority.certificate,
    proxy: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`,
  }
}

async function startUpstream(t: TestContext, entra: MockEntra, authority: string) {
  const group = (name: string) => entra.people.groups.find((one) => one.name === name)?.id ?? ''
  const cluster = await startStandInCluster({
    identityProvider: {
      jwksUri: `${entra.origin}/common/discovery/keys`,
      issuer: `https://sts.windows.net/${tenantId}/`,
      audience: AKS,
      tenantId,
      certificateAuthority: authority,
    },
    contents: clusterContents({ 'team-a': group('team-a'), 'team-b': group('team-b') }),
  })
  t.after(() => cluster.close())
  const server = await startKubernetesMcpServer({ cluster })
  t.after(() => server.close())
  return server.url
}

test('the five lines of the documentation page work as they stand, with upstream added', async (t) => {
  const { entra, asked, authority, proxy } = await startAsEntra(t)
  const upstream = await startUpstream(t, entra, authority)
  const before = process.env['HTTPS_PROXY']
  process.env['HTTPS_PROXY'] = proxy
  t.after(() => {
    if (before === undefined) delete process.env['HTTPS_PROXY']
    else process.env['HTTPS_PROXY'] = before
  })
  const port = await freePort()
  const loaded = load({
    flags: { config: '/etc/rolecall/config.toml' },
    environment: {
      ROLECALL__LISTEN: `127.0.0.1:${port}`,
      ROLECALL__ADMIN_LISTEN: `127.0.0.1:${await freePort()}`,
      ROLECALL__IDENTITY_PROVIDER__CERTIFICATE_AUTHORITY_FILE: '/ca.crt',
    },
    readFile: (path) =>
      path === '/ca.crt' ? authority : `${documented}upstream = "${upstream}"\n`,
  })
  assert.equal(loaded.kind, 'config', JSON.stringify(loaded))
  if (loaded.kind !== 'config') return
  const log = createLogger('silent', process.stdout)
  const service = await startService(loaded.config, { log, version: '0' })
  t.after(() => service.stop(AbortSignal.abort()))
  while (!service.readiness().ready) await new Promise((resolve) => setTimeout(resolve, 20))
  assert.deepEqual([...new Set(asked)], ['login.microsoftonline.com:443'])

  const url = `http://localhost:${port}/mcp`
  const seen: Record<string, string> = {}
  for (const person of ['alice', 'bob', 'carol']) {
    const session = await openMcpSession(url, await entra.mint({ person }))
    assert.ok((await session.listTools()).includes('pods_list_in_namespace'))
    for (const namespace of ['team-a', 'team-b']) {
      const { isError, text } = await session.call('pods_list_in_namespace', { namespace })
      seen[`${person} ${namespace}`] = isError ? 'refused' : 'seen'
      if (isError) assert.match(text, new RegExp(`forbidden: User "${person}@contoso.test"`))
    }
    await session.close()
  }
  assert.deepEqual(seen, {
    'alice team-a': 'seen',
    'alice team-b': 'refused',
    'bob team-a': 'refused',
    'bob team-b': 'seen',
    'carol team-a': 'refused',
    'carol team-b': 'refused',
  })
})
