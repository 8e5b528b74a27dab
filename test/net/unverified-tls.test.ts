import assert from 'node:assert/strict'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { before, type TestContext, test } from 'node:test'
import { probe } from '../../src/cli/doctor/probe.ts'
import { systemClock } from '../../src/clock.ts'
import { createUpstream } from '../../src/forward/upstream/upstream.ts'
import { createBoundedFetch } from '../../src/net/bounded-fetch.ts'
import { connectUpstream } from '../../src/proof/upstream-connection.ts'
import { examineRedis } from '../../src/store/examine-redis.ts'
import { createAuthority, loopbackNames } from '../environment/certificates.ts'
import { resourceConfig } from '../support/gateway.ts'

// Node.js warns once, on stderr: that is what this file is about.
before(() => {
  process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0'
})

/** A server whose certificate no authority of ours issued; what it was asked. */
async function startImpostor(t: TestContext) {
  const authority = await createAuthority('Impostor')
  const { certificate, key } = await authority.issue({ names: loopbackNames })
  const asked: string[] = []
  const server = createServer({ cert: certificate, key }, (request, response) => {
    asked.push(request.url ?? '')
    response.setHeader('content-type', 'application/json')
    response.end('{}')
  })
  server.on('tlsClientError', () => undefined)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.close()
    server.closeAllConnections()
  })
  return { origin: `https://localhost:${(server.address() as AddressInfo).port}`, asked }
}

const get = { method: 'GET', headers: {}, body: undefined, redirect: 'manual' } as const
const untrusted = /CERT|VERIFY|certificate|not trusted|cannot be reached/i

/** Every connection that rolecall opens, and why it failed. */
const connections: Readonly<Record<string, (origin: string) => Promise<string>>> = {
  'identity provider and metadata documents': async (origin) => {
    const connection = createBoundedFetch({ clock: systemClock })
    const outcome = await connection.fetch(`${origin}/keys`, get).then(() => 'answered', String)
    connection.close()
    return outcome
  },
  'a proxy with TLS': async (origin) => {
    const before = process.env['HTTPS_PROXY']
    process.env['HTTPS_PROXY'] = origin
    const connection = createBoundedFetch({ clock: systemClock })
    const outcome = await connection
      .fetch('https://idp.example.com/keys', get)
      .then(() => 'answered', String)
    connection.close()
    if (before === undefined) delete process.env['HTTPS_PROXY']
    else process.env['HTTPS_PROXY'] = before
    return outcome
  },
  upstream: async (origin) => {
    const { connections: upstream } = createUpstream(resourceConfig(`${origin}/mcp`))
    const outcome = await upstream
      .lease()
      .client.request({ path: '/mcp', method: 'GET' })
      .then(() => 'answered', String)
    await upstream.close()
    return outcome
  },
  'proof of the upstream': async (origin) => {
    const connection = await connectUpstream(resourceConfig(`${origin}/mcp`))
    return connection.kind === 'failed' ? connection.code : connection.kind
  },
  'public_url and API server of doctor': async (origin) => {
    const answer = await probe(origin)
    return answer.kind === 'failed' ? answer.code : answer.kind
  },
  Redis: async (origin) => {
    const examined = await examineRedis({ redis_url: origin.replace('https:', 'rediss:') })
    return examined.kind === 'failed' ? examined.reason : examined.kind
  },
}

for (const [what, connect] of Object.entries(connections)) {
  test(`NODE_TLS_REJECT_UNAUTHORIZED=0 does not switch verification off: ${what}`, async (t) => {
    const { origin, asked } = await startImpostor(t)
    assert.match(await connect(origin), untrusted)
    assert.deepEqual(asked, [])
  })
}
