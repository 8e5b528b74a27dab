import assert from 'node:assert/strict'
import { once } from 'node:events'
import { Agent, createServer, get, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, type TestContext, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import type { MockEntra } from '../environment/mock-entra/mock-entra.ts'
import { startMockEntra } from '../environment/mock-entra/mock-entra.ts'
import { prepareServeOf, type ServeProcess, untilReady } from '../support/fault-process.ts'
import { firstKeys } from '../support/first-keys.ts'
import { AKS } from '../support/gateway.ts'

/** `limits.body_bytes` as it comes. */
const LIMIT_BYTES = 4_194_304
/** What `/livez` may take while a body is read. */
const MOST_MS = 250
/** Bodies of a kind at once. */
const AT_ONCE = 4
/** Others use the machine: the best of so many runs counts. */
const RUNS = 4

const call =
  '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"pods_list","arguments":'

/** `part` as often as it goes between the two. */
function filled(head: string, part: string, tail: string, bytes = LIMIT_BYTES): string {
  const room = bytes - head.length - tail.length
  return head + part.repeat(Math.floor(room / Buffer.byteLength(part))) + tail
}

function nested(open: string, close: string, head = '', tail = ''): string {
  const depth = Math.floor((LIMIT_BYTES - head.length - tail.length) / (open.length + close.length))
  return head + open.repeat(depth) + close.repeat(depth) + tail
}

function numbered(head: string, member: (index: number) => string, tail: string): string {
  const members: string[] = []
  let size = head.length + tail.length
  for (let i = 0; ; i += 1) {
    const text = member(i)
    size += text.length + 1
    if (size > LIMIT_BYTES) return head + members.join() + tail
    members.push(text)
  }
}

/** Bodies of MCP requests, as large as is taken, each the worst of its kind. */
const bodies: Readonly<Record<string, () => string>> = {
  'a batch of messages that lack everything': () =>
    filled('[', '{"method":"tools/call"},', '{"method":"tools/call"}]'),
  'a batch of tool calls': () => filled('[', `${call}{}}},`, `${call}{}}}]`),
  'a batch of notifications': () =>
    filled('[', '{"jsonrpc":"2.0","method":"n"},', '{"jsonrpc":"2.0","method":"n"}]'),
  'a batch of numbers': () => filled('[', '1,', '1]'),
  'a batch of empty batches': () => filled('[', '[],', '[]]'),
  'arrays within arrays': () => nested('[', ']'),
  'objects within objects': () => nested('{"a":', '}', '', ''),
  'arrays within the arguments': () => nested('[', ']', call, '}}'),
  'arrays that never close': () => '['.repeat(LIMIT_BYTES),
  'one long text': () => filled(`${call}"`, 'a', '"}}'),
  'one long text of escapes': () => filled(`${call}"`, '\\u0041', '"}}'),
  'one long text that never ends': () => filled(`${call}"`, '\\"', ''),
  'one long number': () => filled(call, '9', '}}'),
  'many numbers': () => filled(`${call}[`, '1e308,', '1]}}'),
  'many members of the message': () => numbered('{', (i) => `"a${i}":1`, '}'),
  'many members of the parameters': () =>
    numbered('{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{', (i) => `"a${i}":1`, '}}'),
  'many members of the arguments': () => numbered(`${call}{`, (i) => `"a${i}":1`, '}}}'),
  'one member again and again': () => filled('{', '"method":"tools/call",', '"id":1}'),
  'one member in every case': () =>
    numbered('{', (i) => `"${casing('jsonrpcmethodparams', i)}":1`, '}'),
  'names that end in NULs': () =>
    numbered('{', (i) => `"method${'\\u0000'.repeat(i % 40)}":1`, '}'),
  'nothing but white space': () => ' '.repeat(LIMIT_BYTES),
  'white space within': () => filled('{"jsonrpc":"2.0",', '\n', '"method":"ping","id":1}'),
  'bytes that are no text': () => '\xff'.repeat(LIMIT_BYTES),
  'a long name of a tool': () =>
    filled('{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"', 'x', '"}}'),
  'a long id': () => filled('{"jsonrpc":"2.0","method":"ping","id":"', 'x', '"}'),
  'a long method': () => filled('{"jsonrpc":"2.0","id":1,"method":"', 'x', '"}'),
}

/** The letters of a text in the case that the bits of a number say. */
function casing(text: string, bits: number): string {
  return [...text].map((c, i) => ((bits >> i) & 1 ? c.toUpperCase() : c)).join('')
}

/** Forms and registrations, for endpoints that anybody may ask. */
const open: Readonly<Record<string, { path: string; type: string; body: () => string }>> = {
  'a form of many parameters': {
    path: '/oauth/token',
    type: 'application/x-www-form-urlencoded',
    body: () => filled('grant_type=refresh_token', '&a=b', ''),
  },
  'a form of escapes': {
    path: '/oauth/token',
    type: 'application/x-www-form-urlencoded',
    body: () => filled('grant_type=refresh_token&refresh_token=', '%41', ''),
  },
  'a refresh token without an end': {
    path: '/oauth/revoke',
    type: 'application/x-www-form-urlencoded',
    body: () => filled('token=', 'a.', ''),
  },
  'a registration of many addresses': {
    path: '/oauth/register',
    type: 'application/json',
    body: () => filled('{"redirect_uris":[', '"http://127.0.0.1/a",', '"http://127.0.0.1/b"]}'),
  },
  'a registration that is nested': {
    path: '/oauth/register',
    type: 'application/json',
    body: () => nested('[', ']', '{"redirect_uris":', '}'),
  },
  'a decision of many fields': {
    path: '/oauth/authorize',
    type: 'application/x-www-form-urlencoded',
    body: () => filled('decision=allow', '&transaction=x', ''),
  },
}

/** Asks on one connection: each question is one turn of the event loop, and not the three of a new one. */
const probing = new Agent({ keepAlive: true, maxSockets: 1 })
const ends: (() => unknown)[] = [() => probing.destroy()]
let entra: MockEntra
let serving: ServeProcess

before(async () => {
  const scope = { after: (end: () => unknown) => void ends.push(end) }
  entra = await startMockEntra({ firstKeys: await firstKeys() })
  ends.push(() => entra.close())
  const upstream = await startSink()
  const serve = await prepareServeOf(scope, (port, adminPort) =>
    configuration(port, adminPort, upstream),
  )
  serving = await serve()
  await untilReady(serving)
})
after(async () => {
  for (const end of ends.reverse()) await end()
})

for (const resource of ['/mcp', '/refused']) {
  for (const [what, body] of Object.entries(bodies)) {
    test(`${what}, at ${resource}: /livez answers within ${MOST_MS} ms`, async (t) => {
      const token = await entra.mint()
      await staysAlive(t, resource, body(), {
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        authorization: `Bearer ${token}`,
      })
    })
  }
}

for (const [what, { path, type, body }] of Object.entries(open)) {
  test(`${what}, at ${path}, by anybody: /livez answers within ${MOST_MS} ms`, async (t) => {
    await staysAlive(t, path, body(), { 'content-type': type })
  })
}

/** Sends a body a few times at once while `/livez` is asked; nothing is answered with a 500. */
async function staysAlive(
  t: TestContext,
  path: string,
  body: string,
  headers: Readonly<Record<string, string>>,
): Promise<void> {
  assert.ok(Buffer.byteLength(body, 'latin1') <= LIMIT_BYTES)
  const bytes = Buffer.from(body, 'latin1')
  const runs: string[] = []
  for (let run = 0; run < RUNS; run += 1) {
    const answers = Promise.all(
      Array.from({ length: AT_ONCE }, () => statusOf(path, bytes, headers)),
    )
    const took = await slowestUntil(answers)
    const codes = await answers
    assert.ok(
      codes.every((status) => status < 500 || status === 503),
      String(codes),
    )
    const most = MOST_MS * slowness()
    runs.push(`${Math.round(took)} of ${Math.round(most)} ms`)
    if (took < most) {
      t.diagnostic(runs.join(', '))
      return
    }
  }
  assert.fail(`/livez took ${runs.join(', ')}`)
}

/** How much longer work takes now than its processor time: others have the processors too. */
function slowness(): number {
  const [wall, processor] = [performance.now(), process.cpuUsage()]
  let used = 0
  while (used < 20_000) {
    const { user, system } = process.cpuUsage(processor)
    used = user + system
  }
  return Math.max(1, ((performance.now() - wall) * 1000) / used)
}

/** The longest that `/livez` took until then, asked again and again. */
async function slowestUntil(end: Promise<unknown>): Promise<number> {
  let ended = false
  const stop = end.then(() => {
    ended = true
  })
  let slowest = 0
  do {
    const began = performance.now()
    const live = get(`${serving.admin}/livez`, { agent: probing })
    const [response] = await once(live, 'response')
    response.resume()
    slowest = Math.max(slowest, performance.now() - began)
    await delay(5)
  } while (!ended)
  await stop
  return slowest
}

/** The status; 0 where the connection was closed before there was any. */
async function statusOf(
  path: string,
  body: Buffer,
  headers: Readonly<Record<string, string>>,
): Promise<number> {
  const url = new URL(path, serving.url)
  const sending = request(url, {
    method: 'POST',
    agent: false,
    headers: { ...headers, 'content-length': body.length },
  })
  sending.on('error', () => undefined)
  sending.end(body)
  return new Promise((resolve) => {
    sending.once('response', (response) => {
      response.resume().on('error', () => undefined)
      response.once('close', () => resolve(response.statusCode ?? 0))
    })
    sending.once('close', () => resolve(0))
  })
}

/** An MCP server that reads what it is sent and keeps nothing. */
async function startSink(): Promise<string> {
  const server = createServer((incoming, response) => {
    incoming.resume().on('end', () => {
      response.writeHead(200, { 'content-type': 'application/json' })
      response.end('{"jsonrpc":"2.0","id":1,"result":{}}')
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  ends.push(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://localhost:${(server.address() as AddressInfo).port}/mcp`
}

function configuration(port: number, adminPort: number, upstream: string): object {
  const resource = { upstream, audiences: [AKS], allowed_clients: ['*'] }
  return {
    public_url: `http://localhost:${port}`,
    listen: `127.0.0.1:${port}`,
    admin_listen: `127.0.0.1:${adminPort}`,
    shutdown_delay: '0s',
    shutdown_grace: '0s',
    sign_in: { mode: 'broker', tokens: 'passthrough' },
    limits: { registrations_per_minute: 1_000, sign_ins_per_minute: 1_000 },
    identity_provider: {
      kind: 'entra',
      tenant_id: entra.tenantId,
      authority: entra.origin,
      client_id: 'a-client',
    },
    resource: [
      { name: 'prod', path: '/mcp', ...resource },
      { name: 'refused', path: '/refused', ...resource, required_groups: ['nobody'] },
    ],
  }
}
