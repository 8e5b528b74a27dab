import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { test } from 'node:test'
import { connectUpstream } from '../../src/proof/upstream-connection.ts'
import { createAuthority } from '../environment/certificates.ts'
import { freePort } from '../environment/ports.ts'
import { resourceConfig } from '../support/gateway.ts'
import { startUpstream } from '../support/recording-upstream.ts'

async function secure(t: Parameters<typeof startUpstream>[0], names = ['localhost']) {
  const authority = await createAuthority('Upstream')
  const { certificate, key } = await authority.issue({ names })
  const upstream = await startUpstream(t, { certificate, key })
  return { upstream, authority: authority.certificate }
}

test('plain http is told as such', async (t) => {
  const upstream = await startUpstream(t)
  assert.deepEqual(await connectUpstream(resourceConfig(upstream.url)), { kind: 'plain' })
})

test('TLS with the configured authority is verified, and the end of the certificate is told', async (t) => {
  const { upstream, authority } = await secure(t)
  const over = { upstream_certificate_authority: authority }
  const connection = await connectUpstream(resourceConfig(upstream.url, over))
  assert.equal(connection.kind, 'tls')
  if (connection.kind !== 'tls') return
  assert.equal(connection.verified, true)
  assert.ok(connection.endsAt > Date.now())
})

test('an authority that is not configured is not trusted', async (t) => {
  const { upstream } = await secure(t)
  const connection = await connectUpstream(resourceConfig(upstream.url))
  assert.equal(connection.kind, 'failed')
  assert.match(connection.kind === 'failed' ? connection.code : '', /CERT|VERIFY/)
})

test('another name than that of the certificate is not trusted', async (t) => {
  const { upstream, authority } = await secure(t, ['elsewhere.test'])
  const over = { upstream_certificate_authority: authority }
  const connection = await connectUpstream(resourceConfig(upstream.url, over))
  assert.deepEqual(connection, { kind: 'failed', code: 'ERR_TLS_CERT_ALTNAME_INVALID' })
})

test('unsafe_upstream_tls_unverified connects and says so', async (t) => {
  const { upstream } = await secure(t)
  const over = { unsafe_upstream_tls_unverified: true }
  const connection = await connectUpstream(resourceConfig(upstream.url, over))
  assert.equal(connection.kind === 'tls' && connection.verified, false)
  assert.equal(connection.kind, 'tls')
})

test('nobody there is told by the code of the system', async () => {
  const url = `http://127.0.0.1:${await freePort()}/mcp`
  assert.deepEqual(await connectUpstream(resourceConfig(url)), {
    kind: 'failed',
    code: 'ECONNREFUSED',
  })
})

test('a server that is silent in the handshake ends with connect_timeout', async (t) => {
  const server = createServer(() => undefined)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : 0
  const over = { connect_timeout: 100 }
  const connection = await connectUpstream(resourceConfig(`https://localhost:${port}/mcp`, over))
  assert.deepEqual(connection, { kind: 'failed', code: 'ETIMEDOUT' })
})
