import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { startBroker } from '../support/broker-gateway.ts'
import { limitsWith } from '../support/defaults.ts'
import { type GatewayOptions, startGateway } from '../support/gateway.ts'
import { send, sendBytes, toolCall } from '../support/raw-http.ts'
import { startUpstream } from '../support/recording-upstream.ts'

const MEBIBYTE = 1_048_576

async function start(t: TestContext, options: Partial<GatewayOptions> = {}) {
  const upstream = await startUpstream(t)
  const gateway = await startGateway(t, { upstream: upstream.url, ...options })
  const { host } = new URL(gateway.url)
  return { upstream, gateway, host, token: await gateway.entra.mint() }
}

/** A connection, what came on it so far, and how much of what was written the other side took. */
function open(t: TestContext, url: string) {
  const { hostname, port } = new URL(url)
  const socket = connect({ host: hostname, port: Number(port) })
  t.after(() => socket.destroy())
  const came = { text: '', ended: false }
  socket.on('error', () => undefined)
  socket.on('end', () => {
    came.ended = true
  })
  socket.on('data', (chunk: Buffer) => {
    came.text += chunk.toString('latin1')
  })
  return { socket, came, taken: () => socket.bytesWritten - socket.writableLength }
}

/** Writes as fast as it is taken, until the connection is closed or so much is written. */
async function pour(socket: Socket, bytes: number, piece: Buffer): Promise<void> {
  for (let sent = 0; sent < bytes && socket.writable; sent += piece.length) {
    if (socket.write(piece)) continue
    const closed = new AbortController()
    const leave = () => closed.abort()
    socket.once('close', leave)
    await once(socket, 'drain', { signal: closed.signal }).catch(() => undefined)
    socket.off('close', leave)
  }
}

const chunk = Buffer.alloc(65_536, ' ')
const framings = [
  { name: 'of a length', lines: `Content-Length: ${64 * MEBIBYTE}`, piece: chunk },
  {
    name: 'in chunks',
    lines: 'Transfer-Encoding: chunked',
    piece: Buffer.concat([Buffer.from('10000\r\n'), chunk, Buffer.from('\r\n')]),
  },
]

/** Where a request is refused before its body is read, and how. */
const refusals = [
  { path: '/mcp', method: 'POST', status: 401 },
  { path: '/mcp', method: 'GET', status: 401 },
  { path: '/mcp', method: 'PUT', status: 405 },
  { path: '/', method: 'POST', status: 405 },
  { path: '/', method: 'GET', status: 200 },
  { path: '/nothing', method: 'POST', status: 404 },
  { path: '/mcp?access_token=x', method: 'POST', status: 400 },
  { path: '/.well-known/oauth-protected-resource', method: 'GET', status: 200 },
  { path: '/oauth/token', method: 'POST', status: [400, 413] },
  { path: '/oauth/token', method: 'POST', status: [413], form: true },
  { path: '/oauth/register', method: 'POST', status: [413, 415] },
  { path: '/oauth/authorize', method: 'POST', status: [400, 413] },
]

for (const { name, lines, piece } of framings) {
  test(`64 MiB ${name} after a refusal are not taken, and the answer can be read`, async (t) => {
    const { gateway } = await startBroker(t)
    const { host } = new URL(gateway.origin)
    for (const { path, method, status, form } of refusals) {
      const { socket, came, taken } = open(t, gateway.origin)
      const type = form ? 'Content-Type: application/x-www-form-urlencoded\r\n' : ''
      socket.write(`${method} ${path} HTTP/1.1\r\nHost: ${host}\r\n${type}${lines}\r\n\r\n`)
      await pour(socket, 64 * MEBIBYTE, piece)
      if (!socket.destroyed) await once(socket, 'close')
      const told = Number(came.text.slice(9, 12))
      assert.ok([status].flat().includes(told), `${method} ${path}: ${came.text.slice(0, 200)}`)
      assert.match(came.text, /\r\nconnection: close\r\n/i, path)
      assert.ok(came.ended, `${path}: our side ends before the connection is cut`)
      // The rest are the buffers of two kernels.
      assert.ok(taken() < 16 * MEBIBYTE, `${method} ${path}: ${taken()} bytes were taken`)
    }
  })
}

test('a short body after a refusal is passed over, and the connection goes on', async (t) => {
  const { gateway, host, token, upstream } = await start(t)
  const { socket, came } = open(t, gateway.url)
  const body = 'x'.repeat(200_000)
  const head = (lines: string) => `POST /mcp HTTP/1.1\r\nHost: ${host}\r\n${lines}\r\n`
  socket.write(head(`Content-Length: ${body.length}\r\n`))
  while (!came.text.includes('"request_id"')) await once(socket, 'data')
  assert.match(came.text, /^HTTP\/1\.1 401 /)
  assert.doesNotMatch(came.text, /connection: close/i)
  came.text = ''
  const call = toolCall('pods_list')
  socket.write(body)
  socket.write(
    `${head(`Authorization: Bearer ${token}\r\nContent-Type: application/json\r\nContent-Length: ${call.length}\r\n`)}${call}`,
  )
  while (!came.text.startsWith('HTTP/1.1 200 ')) await once(socket, 'data')
  assert.equal(upstream.received.length, 1)
})

test('a refused request whose body never ends is answered once', async (t) => {
  const limits = limitsWith({ body_bytes: 1000, header_timeout: 300, body_timeout: 300 })
  const { gateway, host } = await start(t, { config: { limits } })
  for (const path of ['/mcp', '/', '/nothing', '/.well-known/oauth-protected-resource']) {
    const text = await sendBytes(
      gateway.url,
      `POST ${path} HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 100\r\n\r\n{`,
      10_000,
    )
    assert.equal(text.match(/HTTP\/1\.1 \d/g)?.length, 1, text)
    assert.match(text, /^HTTP\/1\.1 40[145] /)
  }
})

test('who asks before a body is sent (Expect: 100-continue) is refused before it is', async (t) => {
  const { gateway, host, token } = await start(t)
  const body = toolCall('pods_list')
  const head = (lines: string) =>
    `POST /mcp HTTP/1.1\r\nHost: ${host}\r\nExpect: 100-continue\r\n${lines}Content-Length: ${body.length}\r\n\r\n`
  const refused = await sendBytes(gateway.url, head(''), 3000)
  assert.match(refused, /^HTTP\/1\.1 401 /)
  assert.match(refused, /\r\nconnection: close\r\n/i)
  const { socket, came } = open(t, gateway.url)
  socket.write(head(`Authorization: Bearer ${token}\r\n`))
  while (!came.text.startsWith('HTTP/1.1 100 Continue\r\n\r\n')) await once(socket, 'data')
  socket.write(body)
  while (!came.text.includes('HTTP/1.1 200 ')) await once(socket, 'data')
})

const codings = [
  'identity',
  'identity, chunked',
  'chunked, chunked',
  'chunked,identity',
  'gzip, chunked',
  'chunked;q=1',
  'xchunked',
  ', chunked',
  'chunked,',
  'Transfer-Encoding: chunked',
  '"chunked"',
  'chunked\r\nTransfer-Encoding: chunked',
  'chunked\r\nTransfer-Encoding: identity',
  'identity\r\nTransfer-Encoding: chunked',
  '\tidentity\t,\tchunked',
  'chunked\r\nContent-Length: 0',
  'chunked\r\nContent-Length: 5',
]
test('a Transfer-Encoding that is not chunked alone is 400, and ends the connection', async (t) => {
  const { gateway, host, token, upstream } = await start(t)
  const next = `GET /smuggled HTTP/1.1\r\nHost: ${host}\r\n\r\n`
  for (const path of ['/mcp', '/', '/nothing']) {
    for (const coding of codings) {
      const text = await sendBytes(
        gateway.url,
        `POST ${path} HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer ${token}\r\nTransfer-Encoding: ${coding}\r\n\r\n0\r\n\r\n${next}`,
        3000,
      )
      assert.match(text, /^HTTP\/1\.1 400 /, `${path} ${coding}: ${text.slice(0, 100)}`)
      assert.equal(text.match(/HTTP\/1\.1 \d/g)?.length, 1, coding)
    }
  }
  const old = `POST /mcp HTTP/1.0\r\nHost: ${host}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`
  assert.match(await sendBytes(gateway.url, old, 3000), /^HTTP\/1\.1 400 /)
  assert.equal(upstream.received.length, 0)
})

test('Transfer-Encoding: chunked in any case is taken', async (t) => {
  const { gateway, token } = await start(t)
  for (const coding of ['chunked', 'Chunked', 'CHUNKED']) {
    const headers = [
      ['Authorization', `Bearer ${token}`],
      ['Content-Type', 'application/json'],
      ['Transfer-Encoding', coding],
    ] as const
    const answer = await send(gateway.url, { method: 'POST', headers, body: toolCall('a') })
    assert.equal(answer.status, 200, coding)
  }
})
