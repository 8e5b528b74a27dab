import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Registry } from 'prom-client'
import { createAdmin } from '../../src/http/admin.ts'
import { startGateway } from '../support/gateway.ts'
import { send } from '../support/raw-http.ts'

const foreign = ['rebound.example', 'localhost.example', '10.0.0.1:9090', 'a.svc:9090', '']
const PATHS = ['/', '/livez', '/readyz', '/metrics', '/nothing']

test('on loopback the admin port takes loopback hosts alone, and no Origin', async (t) => {
  const gateway = await startGateway(t, { upstream: 'http://127.0.0.1:9/mcp' })
  const { port } = gateway.service.adminAddress
  const ask = (path: string, name: string, value: string) =>
    send(`http://127.0.0.1:${port}${path}`, { headers: [[name, value]] })
  for (const path of PATHS) {
    for (const host of foreign) {
      const answer = await ask(path, 'Host', host)
      assert.deepEqual([answer.status, answer.json()['error']], [421, 'misdirected_request'], host)
    }
    for (const origin of ['https://evil.example', `http://localhost:${port}`, 'null', '']) {
      const answer = await ask(path, 'Origin', origin)
      assert.deepEqual([answer.status, answer.json()['error']], [403, 'origin_not_allowed'], origin)
    }
  }
  for (const host of [`localhost:${port}`, `127.0.0.1:${port}`, '[::1]', 'LOCALHOST']) {
    assert.equal((await ask('/livez', 'Host', host)).status, 200, host)
  }
})

test('elsewhere the admin port takes any Host, as probes and Prometheus send it', async () => {
  const admin = createAdmin({
    registry: new Registry(),
    readiness: () => ({ ready: true }),
    status: () => assert.fail('nobody asked for the page'),
    isLoopback: false,
  })
  const ask = (headers: Record<string, string>) => admin.inject({ url: '/livez', headers })
  assert.equal((await ask({ host: '10.0.0.1:9090' })).statusCode, 200)
  assert.equal((await ask({ host: '10.0.0.1:9090', origin: 'https://a.example' })).statusCode, 403)
})
