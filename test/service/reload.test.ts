import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { test } from 'node:test'
import { startGateway } from '../support/gateway.ts'
import { post, send, toolCall } from '../support/raw-http.ts'
import { startUpstream } from '../support/recording-upstream.ts'

test('a request whose body is still arriving ends on what it began with, over two reloads', async (t) => {
  const upstream = await startUpstream(t)
  const other = await startUpstream(t)
  const gateway = await startGateway(t, { upstream: upstream.url })
  const { hostname, port, host } = new URL(gateway.url)
  const token = await gateway.entra.mint()
  const body = toolCall('pods_list')
  const socket = connect({ host: hostname, port: Number(port) })
  t.after(() => socket.destroy())
  socket.write(
    `POST /mcp HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer ${token}\r\nExpect: 100-continue\r\nContent-Length: ${body.length}\r\n\r\n`,
  )
  const [asked] = await once(socket, 'data')
  assert.match(String(asked), /^HTTP\/1\.1 100 /)
  socket.write(body.slice(0, 10))
  const [resource] = gateway.config.resources
  assert.ok(resource)
  for (const change of [{ upstream: other.url }, { upstream: other.url, description: 'again' }]) {
    await gateway.service.reload({ ...gateway.config, resources: [{ ...resource, ...change }] })
  }
  assert.equal((await send(gateway.url, post(token))).status, 200)
  assert.deepEqual([upstream.received.length, other.received.length], [0, 1])
  socket.write(body.slice(10))
  const [answer] = await once(socket, 'data')
  assert.match(String(answer), /^HTTP\/1\.1 200 /)
  assert.equal(upstream.received.length, 1)
})

test('a reload asks nothing anew of an upstream and a provider that did not change', async (t) => {
  const upstream = await startUpstream(t)
  let connections = 0
  upstream.server.on('connection', () => {
    connections += 1
  })
  const gateway = await startGateway(t, { upstream: upstream.url })
  const token = await gateway.entra.mint()
  const call = async () => assert.equal((await send(gateway.url, post(token))).status, 200)
  await call()
  const { entra } = gateway
  const paths = ['v2.0/.well-known/openid-configuration', 'discovery/v2.0/keys']
  const fetches = () => paths.map((path) => entra.requests(`/${entra.tenantId}/${path}`))
  const fetched = fetches()
  assert.deepEqual(fetched, [1, 1])
  for (const log_level of ['debug', 'info'] as const) {
    await gateway.service.reload({ ...gateway.config, log_level })
    await call()
  }
  assert.equal(connections, 1)
  assert.deepEqual(fetches(), fetched)
  const [resource] = gateway.config.resources
  assert.ok(resource)
  const resources = [{ ...resource, response_timeout: 1000 }]
  await gateway.service.reload({ ...gateway.config, resources })
  await call()
  assert.equal(connections, 2)
})
