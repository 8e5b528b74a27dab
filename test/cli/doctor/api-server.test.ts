import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import { stringify } from 'smol-toml'
import { command as doctor } from '../../../src/cli/doctor/doctor.ts'
import type { DoctorCheck } from '../../../src/cli/doctor/report.ts'
import { type Authority, createAuthority, loopbackNames } from '../../environment/certificates.ts'
import { fileWith } from '../../support/configuration.ts'
import { startEntra } from '../../support/gateway.ts'
import { startUpstream } from '../../support/recording-upstream.ts'
import { recordingTerminal } from '../../support/terminal.ts'

interface Asked {
  readonly method?: string | undefined
  readonly url?: string | undefined
  readonly authorization?: string | undefined
}

/** An API server that knows every token as alice's. */
async function startApiServer(t: TestContext, authority: Authority) {
  const { certificate: cert, key } = await authority.issue({ names: loopbackNames })
  const asked: Asked[] = []
  const server = createServer({ cert, key }, ({ method, url, headers }, response) => {
    asked.push({ method, url, authorization: headers.authorization })
    const userInfo = { username: 'aks:jwt:alice', groups: ['team-a', 'system:authenticated'] }
    response.writeHead(201, { 'content-type': 'application/json' })
    response.end(JSON.stringify({ kind: 'SelfSubjectReview', status: { userInfo } }))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  return { url: `https://localhost:${(server.address() as AddressInfo).port}`, asked }
}

async function setUp(t: TestContext) {
  const entra = await startEntra(t)
  const upstream = await startUpstream(t)
  const authority = await createAuthority('API Server')
  const file = fileWith({
    identity_provider: { kind: 'entra', tenant_id: entra.tenantId, authority: entra.origin },
    'resource.0.upstream': upstream.url,
  })
  const token = await entra.mint()
  const run = async (argv: readonly string[]) => {
    const terminal = recordingTerminal({
      '/etc/rolecall.toml': stringify(file),
      '/token': token,
      '/ca.crt': authority.certificate,
      '/no.crt': 'no certificate',
    })
    const code = await doctor.run(['--config', '/etc/rolecall.toml', '--json', ...argv], terminal)
    return { code, out: terminal.out(), err: terminal.err() }
  }
  const check = async (argv: readonly string[]) => {
    const { out } = await run(argv)
    const { checks } = JSON.parse(out) as { checks: readonly DoctorCheck[] }
    return checks.find(({ name }) => name === 'API server')
  }
  return { token, run, check, upstream, api: await startApiServer(t, authority) }
}

test('the API server that is named is asked as whom it knows the token, and it alone', async (t) => {
  const { token, check, upstream, api } = await setUp(t)
  const argv = ['--token-file', '/token', '--api-server', api.url, '--api-server-ca', '/ca.crt']
  const found = await check(argv)
  assert.equal(found?.verdict, 'ok', JSON.stringify(found))
  assert.match(found?.sentence ?? '', /as aks:jwt:alice, with groups team-a, system:authenticated/)
  assert.deepEqual(api.asked, [
    {
      method: 'POST',
      url: '/apis/authentication.k8s.io/v1/selfsubjectreviews',
      authorization: `Bearer ${token}`,
    },
  ])
  for (const { rawHeaders } of upstream.received) assert.ok(!rawHeaders.join().includes(token))
})

test('an API server whose authority is not known is shown no token', async (t) => {
  const { check, api } = await setUp(t)
  const found = await check(['--token-file', '/token', '--api-server', api.url])
  assert.equal(found?.verdict, 'warning')
  assert.match(`${found?.sentence} ${found?.remedy}`, /cannot be reached.*--api-server-ca/)
  assert.deepEqual(api.asked, [])
})

test('without the flag no API server is asked', async (t) => {
  const { check } = await setUp(t)
  assert.equal(await check(['--token-file', '/token']), undefined)
})

test('plain http off loopback, a path and what is no certificate are bad usage', async (t) => {
  const { run, token, api } = await setUp(t)
  for (const argv of [
    ['--api-server', api.url],
    ['--token-file', '/token', '--api-server', 'http://10.0.0.1:6443'],
    ['--token-file', '/token', '--api-server', `${api.url}/api`],
    ['--token-file', '/token', '--api-server', 'localhost'],
    ['--token-file', '/token', '--api-server-ca', '/ca.crt'],
    ['--token-file', '/token', '--api-server', api.url, '--api-server-ca', '/no.crt'],
    ['--token-file', '/token', '--api-server', api.url, '--api-server-ca', '/none'],
  ]) {
    const { code, out, err } = await run(argv)
    assert.equal(code, 2, argv.join(' '))
    assert.match(err, /--api-server/)
    assert.ok(!`${out}${err}`.includes(token))
  }
})
