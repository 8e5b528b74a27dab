import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { SimulatedClock } from '../../support/clock.ts'
import { startGateway } from '../../support/gateway.ts'
import { post, type Sent, send, toolCall } from '../../support/raw-http.ts'
import { startUpstream } from '../../support/recording-upstream.ts'
import { type Rule, rulesOf, startRuled } from '../../support/ruled-gateway.ts'
import { type ToolServerOptions, tool } from '../../support/tool-server.ts'

const tools = [tool('pods_list', true), tool('pods_delete', false), tool('pods_exec')]
const readOnly: readonly Rule[] = [{ hint: 'read_only' }]
const list = '{"jsonrpc":"2.0","id":9,"method":"tools/list"}'

async function start(
  t: TestContext,
  rules: readonly Rule[] = readOnly,
  server: Partial<ToolServerOptions> = {},
  options: Parameters<typeof startRuled>[3] = {},
) {
  const ruled = await startRuled(t, rules, { tools: () => tools, json: true, ...server }, options)
  const { sealed, inside } = await ruled.tokenOf('alice')
  const ask = (body: string, more: readonly (readonly [string, string])[] = []) => {
    const { headers = [], ...sent }: Sent = post(sealed, body)
    return send(ruled.gateway.url, { ...sent, headers: [...headers, ...more] })
  }
  return { ...ruled, sealed, inside, ask }
}

const named = (name: unknown) =>
  JSON.stringify({ jsonrpc: '2.0', id: 4, method: 'tools/call', params: { name } })

const refused: readonly (readonly [words: string, body: string, status: number, text: RegExp])[] = [
  ['a tool that writes', toolCall('pods_delete'), 200, /"isError":true.*|pods_delete.*read-only/],
  [
    'a tool without a hint',
    toolCall('pods_exec'),
    200,
    /"id":1,"result":.*pods_exec.*"isError":true/,
  ],
  ['a tool of no list', toolCall('pods_Delete'), 200, /does not have it/],
  ['a name with a NUL', toolCall('pods_list\0'), 200, /does not name a tool/],
  ['a call without a name', named(undefined), 200, /does not name a tool/],
  ['a name that is no text', named(['pods_list']), 200, /does not name a tool/],
  ['a name that is an object', named({ name: 'pods_list' }), 200, /does not name a tool/],
  [
    'positional parameters',
    '{"jsonrpc":"2.0","id":4,"method":"tools/call","params":["pods_list"]}',
    200,
    /does not name a tool/,
  ],
  [
    'a call that becomes a task',
    '{"jsonrpc":"2.0","id":4,"method":"tools/call","params":{"name":"pods_delete","task":{"ttl":5}}}',
    200,
    /"isError":true/,
  ],
  [
    'a call with what was asked back',
    '{"jsonrpc":"2.0","id":4,"method":"tools/call","params":{"name":"pods_delete","inputResponses":{},"requestState":"x"}}',
    200,
    /"isError":true/,
  ],
  [
    'a call that nobody waits for',
    '{"jsonrpc":"2.0","method":"tools/call","params":{"name":"pods_delete"}}',
    202,
    /^$/,
  ],
  [
    'another method of tools',
    '{"jsonrpc":"2.0","id":4,"method":"tools/run","params":{"name":"pods_list"}}',
    200,
    /-32003.*know the methods tools\/list and tools\/call/,
  ],
  ['a list in another case', '{"jsonrpc":"2.0","id":4,"method":"Tools/List"}', 200, /-32003/],
  [
    'a batch with one that writes',
    `[${toolCall('pods_list')},${toolCall('pods_delete', 2)},${list}]`,
    200,
    /^\[.*"id":1,.*Nothing of this batch.*"id":2.*pods_delete.*"id":9,"error".*\]$/,
  ],
  [
    'a member twice',
    toolCall('pods_list').replace('"name"', '"name":"pods_delete","name"'),
    400,
    /twice/,
  ],
]
for (const [words, body, status, text] of refused) {
  test(`${words} never reaches the upstream`, async (t) => {
    const { ask, server, gateway } = await start(t)
    const answer = await ask(body)
    assert.equal(answer.status, status, answer.text)
    assert.match(answer.text, text)
    assert.doesNotMatch(answer.text, /401|unauthorized/i)
    assert.deepEqual(server.ran, [])
    const lines = gateway.log.filter(({ kind }) => kind === 'audit')
    for (const line of lines) assert.equal(line['decision'], 'refuse')
  })
}

test('header and body that differ never reach the upstream', async (t) => {
  const { ask, server } = await start(t)
  for (const [header, value] of [
    ['Mcp-Name', 'pods_list'],
    ['Mcp-Name', '=?base64?cG9kc19saXN0?='],
    ['Mcp-Method', 'tools/list'],
  ] as const) {
    const answer = await ask(toolCall('pods_delete'), [[header, value]])
    assert.equal(answer.status, 400)
    assert.match(answer.text, /-32020/)
  }
  assert.deepEqual(server.requests, [])
})

test('a client that keeps an old list is refused', async (t) => {
  const { ask, server, gateway } = await start(t, [{}])
  assert.match((await ask(list)).text, /pods_delete/)
  assert.match((await ask(toolCall('pods_delete'))).text, /ran pods_delete/)
  const resources = gateway.config.resources.map((one) => ({ ...one, allow: rulesOf(readOnly) }))
  await gateway.service.reload({ ...gateway.config, resources })
  assert.match((await ask(toolCall('pods_delete'))).text, /"isError":true/)
  assert.doesNotMatch((await ask(list)).text, /pods_delete/)
  assert.deepEqual(server.ran, ['pods_delete'])
})

test('twenty calls that hang on a hint ask once, with the one bearer of their user', async (t) => {
  const { ask, server, inside, gateway } = await start(t, readOnly, { sessions: true, page: 2 })
  // The calls themselves have no session here: the server refuses them, and what was asked counts.
  await Promise.all(Array.from({ length: 20 }, () => ask(toolCall('pods_list'))))
  assert.equal(server.lists(), 2, 'two pages, once')
  for (const { bearer } of server.requests) assert.equal(bearer, `Bearer ${inside}`)
  assert.equal(server.requests.filter(({ method }) => method === 'DELETE').length, 1)
  const lines = gateway.log.filter(({ kind }) => kind === 'question')
  assert.equal(lines.length, 1)
  assert.equal(lines[0]?.['user'], 'alice@contoso.test')
  assert.equal(lines[0]?.['outcome'], 'ok')
  const asked = server.requests.filter(({ agent }) =>
    agent.includes(String(lines[0]?.['request_id'])),
  )
  assert.ok(asked.length >= 5, 'initialize, initialized, two pages, DELETE')
  await ask(toolCall('no_such_tool'))
  assert.equal(server.lists(), 2, 'a name of no list is no further question')
})

test('where the list cannot be had, what hangs on it is refused, and asked again later', async (t) => {
  const clock = new SimulatedClock(Date.now())
  const upstream = await startUpstream(t)
  const gateway = await startGateway(t, {
    upstream: upstream.url,
    clock,
    resource: { allow: rulesOf([{ tools: ['pods_*'], hint: 'read_only' }, { tools: ['ping'] }]) },
  })
  const token = await gateway.entra.mint()
  const ask = async (name: string) => (await send(gateway.url, post(token, toolCall(name)))).text
  upstream.answerWith((_request, response) => response.writeHead(500).end())
  assert.match(await ask('pods_list'), /could not be had just now/)
  const asked = upstream.received.length
  assert.match(await ask('pods_list'), /could not be had just now/)
  assert.equal(upstream.received.length, asked, 'not at once again')
  await ask('ping')
  assert.equal(upstream.received.length, asked + 1, 'what no hint decides is not kept waiting')
  const answer = { tools: [{ name: 'pods_list', annotations: { readOnlyHint: true } }] }
  upstream.answerWith((_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json' })
    const body = JSON.parse(upstream.received.at(-1)?.body.toString() ?? '')
    response.end(JSON.stringify({ jsonrpc: '2.0', id: body.id, result: answer }))
  })
  await clock.advance(6_000)
  assert.match(await ask('pods_list'), /"result":\{"tools"/)
})

const texts: readonly (readonly [words: string, type: string, encoding: string])[] = [
  ['compressed', 'application/json', 'gzip'],
  ['of another type', 'text/html', 'identity'],
]
for (const [words, type, encoding] of texts) {
  test(`a list that is ${words} does not pass`, async (t) => {
    const upstream = await startUpstream(t)
    const gateway = await startGateway(t, {
      upstream: upstream.url,
      resource: { allow: rulesOf([{}]) },
    })
    upstream.answerWith((_request, response) => {
      response.writeHead(200, { 'content-type': type, 'content-encoding': encoding })
      response.end('secret')
    })
    const answer = await send(gateway.url, post(await gateway.entra.mint(), list))
    assert.equal(answer.status, 502)
    assert.equal(answer.json()['error'], 'upstream_list_unreadable')
    assert.doesNotMatch(answer.text, /secret/)
  })
}

test('a list that a resumed stream brings is filtered, and its other events pass', async (t) => {
  const upstream = await startUpstream(t)
  const gateway = await startGateway(t, {
    upstream: upstream.url,
    resource: { allow: rulesOf(readOnly) },
  })
  const note = 'data: {"jsonrpc":"2.0","method":"notifications/tools/list_changed"}\n\n'
  const result = { tools, cacheScope: 'public', ttlMs: 1 }
  upstream.answerWith((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.end(`${note}id: 3\ndata: ${JSON.stringify({ id: 1, result })}\n\n`)
  })
  const { headers = [] } = post(await gateway.entra.mint())
  const answer = await send(gateway.url, {
    headers: [...headers.slice(0, 1), ['Accept', 'text/event-stream'], ['Last-Event-ID', '2']],
  })
  const filtered = { tools: tools.slice(0, 1), cacheScope: 'private', ttlMs: 1 }
  assert.equal(
    answer.text,
    `${note}id: 3\ndata: ${JSON.stringify({ id: 1, result: filtered })}\n\n`,
  )
})

test('what differs by user opens nothing for another', async (t) => {
  const listed = (bearer: string) => [tool('x', seen.get(bearer) ?? false)]
  const seen = new Map<string, boolean>()
  const { gateway, server, tokenOf } = await startRuled(t, readOnly, { tools: listed, json: true })
  const [alice, bob] = [await tokenOf('alice'), await tokenOf('bob')]
  seen.set(`Bearer ${alice.inside}`, true)
  const ask = async (token: string, body: string) =>
    (await send(gateway.url, post(token, body))).text
  assert.match(await ask(alice.sealed, toolCall('x')), /ran x/)
  assert.match(await ask(bob.sealed, list), /"tools":\[\]/)
  assert.match(await ask(bob.sealed, toolCall('x')), /"isError":true/)
  assert.match(await ask(alice.sealed, list), /"tools":\[\]/)
  assert.match(await ask(alice.sealed, toolCall('x')), /"isError":true/)
  assert.deepEqual(server.ran, ['x'])
})

test('in shadow mode the rules decide, are logged, and let pass', async (t) => {
  const { ask, server, gateway } = await start(
    t,
    readOnly,
    {},
    { resource: { rules: 'shadow', allow: rulesOf(readOnly) } },
  )
  assert.match((await ask(list)).text, /pods_delete/)
  for (const name of ['pods_list', 'pods_delete', 'none\0']) await ask(toolCall(name))
  await ask(`[${toolCall('pods_exec')},${toolCall('pods_list', 2)}]`)
  assert.deepEqual(server.ran, ['pods_list', 'pods_delete', 'none\0', 'pods_exec', 'pods_list'])
  const lines = gateway.log.filter(({ kind }) => kind === 'audit')
  assert.deepEqual(
    lines.map((line) => [line['decision'], line['shadow_decision'], line['shadow_reason']]),
    [
      ['allow', 'allow', undefined],
      ['allow', 'refuse', 'tool_not_allowed'],
      ['allow', 'refuse', 'tool_name_malformed'],
      ['allow', 'refuse', 'tool_not_allowed'],
      ['allow', 'allow', undefined],
    ],
  )
})

test('without rules a list passes byte for byte, whatever is in it', async (t) => {
  const upstream = await startUpstream(t)
  const gateway = await startGateway(t, { upstream: upstream.url })
  const text = '{"id":9, "result":{"tools":[{"name":"x"}], "cacheScope":"public"}} '
  upstream.answerWith((_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': text.length })
    response.end(text)
  })
  const answer = await send(gateway.url, post(await gateway.entra.mint(), list))
  assert.equal(answer.text, text)
  assert.equal(answer.headers['content-length'], String(text.length))
})

test('a result on a stream that is shaped like a list teaches of no tool that it reads', async (t) => {
  const upstream = await startUpstream(t)
  const shaped = '{"tools":[{"name":"pods_delete","annotations":{"readOnlyHint":true}}]}'
  upstream.answerWith((request, response) => {
    if (request.method === 'GET') {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.end(`id: 3\ndata: {"jsonrpc":"2.0","id":1,"result":${shaped}}\n\n`)
    } else response.writeHead(404).end()
  })
  const gateway = await startGateway(t, {
    upstream: upstream.url,
    resource: { allow: rulesOf(readOnly) },
  })
  const token = await gateway.entra.mint()
  const { headers = [] } = post(token)
  const stream = await send(gateway.url, {
    method: 'GET',
    headers: [...headers.slice(0, 1), ['Accept', 'text/event-stream'], ['Last-Event-ID', '2']],
  })
  assert.ok(stream.text.includes(shaped))
  const { text } = await send(gateway.url, post(token, named('pods_delete')))
  assert.match(text, /"isError":true/)
})
