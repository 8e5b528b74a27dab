import assert from 'node:assert/strict'
import { test } from 'node:test'
import { jsonRpcRefusal } from '../../src/forward/json-rpc-refusal.ts'
import { readMcpBody } from '../../src/forward/mcp-message.ts'

const read = (body: unknown) => readMcpBody(Buffer.from(JSON.stringify(body)))
const call = (id: unknown, name: unknown) => ({
  jsonrpc: '2.0',
  id,
  method: 'tools/call',
  params: { name },
})

test('a tool call names its tool', () => {
  assert.deepEqual(read(call(1, 'pods_list')), {
    kind: 'messages',
    batch: false,
    messages: [{ id: 1, method: 'tools/call', tool: 'pods_list' }],
  })
})

test('every tool call of a batch names its tool', () => {
  const body = read([call(1, 'a'), { jsonrpc: '2.0', method: 'ping', id: 2 }, call(3, 'b')])
  assert.deepEqual(body.kind === 'messages' && body.messages.map(({ tool }) => tool), [
    'a',
    undefined,
    'b',
  ])
})

for (const name of [undefined, null, 7, {}, []]) {
  test(`a tool call that names ${JSON.stringify(name)} is still told as a tool call`, () => {
    const body = read(call(1, name))
    assert.equal(body.kind === 'messages' && body.messages[0]?.tool, '(unnamed)')
  })
}

test('a member that is named twice counts as its last', () => {
  const text = '{"method":"ping","method":"tools/call","params":{"name":"a","name":"b"}}'
  const body = readMcpBody(Buffer.from(text))
  assert.equal(body.kind === 'messages' && body.messages[0]?.tool, 'b')
})

test('an empty body is no message', () => {
  assert.deepEqual(readMcpBody(Buffer.alloc(0)), { kind: 'empty' })
})

const malformed: readonly (readonly [string, Buffer])[] = [
  ['text', Buffer.from('hello')],
  ['cut JSON', Buffer.from('{"method":"tools/call"')],
  ['a number', Buffer.from('1')],
  ['null', Buffer.from('null')],
  ['a string', Buffer.from('"tools/call"')],
  ['a batch of numbers', Buffer.from('[1]')],
  ['a batch of batches', Buffer.from('[[{}]]')],
  ['bytes outside UTF-8', Buffer.from([0x7b, 0xff, 0x7d])],
  ['UTF-16', Buffer.from('{"method":"ping"}', 'utf16le')],
  ['gzip', Buffer.from([0x1f, 0x8b, 0x08])],
  ['ten thousand opening brackets', Buffer.from('['.repeat(10_000))],
]
for (const [name, body] of malformed) {
  test(`${name} is malformed`, () => {
    assert.equal(readMcpBody(body).kind, 'malformed')
  })
}

test('a refused tool call gets a result that the model reads', () => {
  assert.deepEqual(JSON.parse(jsonRpcRefusal(read(call('x', 'a')), 'No.') ?? ''), {
    jsonrpc: '2.0',
    id: 'x',
    result: { content: [{ type: 'text', text: 'No.' }], isError: true },
  })
})

test('any other refused request gets an error', () => {
  const body = read({ jsonrpc: '2.0', id: 0, method: 'initialize' })
  assert.deepEqual(JSON.parse(jsonRpcRefusal(body, 'No.') ?? ''), {
    jsonrpc: '2.0',
    id: 0,
    error: { code: -32003, message: 'No.' },
  })
})

test('a refused batch is answered as a batch, without its notifications', () => {
  const notification = { jsonrpc: '2.0', method: 'notifications/initialized' }
  const answers = JSON.parse(jsonRpcRefusal(read([notification, call(1, 'a')]), 'No.') ?? '')
  assert.equal(answers.length, 1)
  assert.equal(answers[0].id, 1)
})

test('a refused notification waits for no answer', () => {
  const body = read({ jsonrpc: '2.0', method: 'notifications/initialized' })
  assert.equal(jsonRpcRefusal(body, 'No.'), undefined)
})

test('a name as long as the body does not make a log line as long as the body', () => {
  const body = read({ jsonrpc: '2.0', id: 1, method: 'm'.repeat(100_000) })
  assert.equal(body.kind === 'messages' && body.messages[0]?.method?.length, 200)
  const named = read(call(1, 't'.repeat(100_000)))
  assert.equal(named.kind === 'messages' && named.messages[0]?.tool?.length, 200)
})
