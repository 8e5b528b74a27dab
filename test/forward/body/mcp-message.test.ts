import assert from 'node:assert/strict'
import { test } from 'node:test'
import { jsonRpcRefusal } from '../../../src/forward/body/json-rpc-refusal.ts'
import { type McpBody, readMcpBody } from '../../../src/forward/body/mcp-message.ts'

const MOST_MESSAGES = 50
const readText = (text: string) => readNow(Buffer.from(text))

/** A body of usual size is read without a promise. */
function readNow(body: Buffer): McpBody {
  const read = readMcpBody(body, MOST_MESSAGES)
  assert.ok(!(read instanceof Promise))
  return read
}
const read = (body: unknown) => readText(JSON.stringify(body))
const call = (id: unknown, name: unknown) => ({
  jsonrpc: '2.0',
  id,
  method: 'tools/call',
  params: { name },
})

test('a tool call names its tool, and where its arguments stand', () => {
  const text = JSON.stringify(call(1, 'pods_list'))
  assert.deepEqual(readText(text), {
    kind: 'messages',
    batch: false,
    messages: [{ id: '1', method: 'tools/call', tool: 'pods_list', target: 'pods_list' }],
  })
  const withArguments = '{"method":"tools/call","params":{"arguments": {"a":[1]} ,"name":"x"}}'
  const body = readText(withArguments)
  const { from, to } = (body.kind === 'messages' && body.messages[0]?.arguments) || {
    from: 0,
    to: 0,
  }
  assert.equal(withArguments.slice(from, to), '{"a":[1]}')
})

const targets: readonly (readonly [string, object, string | undefined])[] = [
  ['tools/call', { name: 'a', uri: 'b' }, 'a'],
  ['prompts/get', { name: 'a' }, 'a'],
  ['resources/read', { name: 'a', uri: 'b' }, 'b'],
  ['tasks/get', { taskId: 'c' }, 'c'],
  ['tools/list', {}, undefined],
  ['tools/call', ['a'], undefined],
]
for (const [method, params, target] of targets) {
  test(`what ${method} of ${JSON.stringify(params)} is about is ${target}`, () => {
    const batch = read([call(1, 'before'), { jsonrpc: '2.0', id: 1, method, params }])
    assert.equal(batch.kind === 'messages' && batch.messages[1]?.target, target)
  })
}

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

/** Message members and, in `params`, parameters, before which the rest of a call is put. */
const twoReadings: readonly (readonly [string, string])[] = [
  ['the method twice', '{"method":"ping","method":"tools/call"}'],
  ['the method twice, once escaped', '{"method":"ping","m\\u0065thod":"tools/call"}'],
  ['any member twice', '{"method":"ping","x":1,"x":2}'],
  ['the params twice', '{"method":"tools/call","params":{"name":"a"},"params":{"name":"b"}}'],
  ['the name twice', '{"method":"tools/call","params":{"name":"a","name":"b"}}'],
  [
    'the name twice, once escaped',
    '{"method":"tools/call","params":{"name":"a","\\u006eame":"b"}}',
  ],
  ['any parameter twice', '{"method":"tools/call","params":{"_meta":1,"name":"a","_meta":2}}'],
  ['a prototype twice', '{"__proto__":1,"method":"ping","__proto__":2}'],
  ['another case alone', '{"Method":"tools/call","params":{"name":"a"}}'],
  ['another case beside', '{"method":"ping","METHOD":"tools/call"}'],
  ['another case of params', '{"method":"tools/call","Params":{"name":"a"}}'],
  ['another case of a name', '{"method":"tools/call","params":{"name":"a","Name":"b"}}'],
  ['another case, escaped', '{"method":"tools/call","params":{"name":"a","\\u004eame":"b"}}'],
  ['another case of arguments', '{"method":"tools/call","params":{"name":"a","ARGUMENTS":{}}}'],
  ['another case of the id', '{"id":1,"ID":2,"method":"ping"}'],
  ['another case of jsonrpc', '{"JsonRpc":"2.0","method":"ping"}'],
  ['a long s (Go)', '{"method":"tools/call","param\u017f":{"name":"a"}}'],
  ['a long s, escaped', '{"method":"tools/call","param\\u017f":{"name":"a"}}'],
  ['a dotless i (Java)', '{"\u0131d":1,"method":"ping"}'],
  ['a dotted I (Java)', '{"\u0130d":1,"method":"ping"}'],
  ['full width', '{"\uff4d\uff45\uff54\uff48\uff4f\uff44":"tools/call"}'],
  ['a trailing NUL', '{"method\\u0000":"tools/call"}'],
  ['many trailing NULs', `{"method${'\\u0000'.repeat(100)}":"tools/call"}`],
  ['what follows a NUL', '{"method":"tools/call","params":{"name\\u0000x":"a"}}'],
  [
    'a name in a later message',
    '[{"method":"ping"},{"method":"tools/call","params":{"Name":"a"}}]',
  ],
  ['the method in another case', '{"method":"Tools/Call","params":{"name":"a"}}'],
  ['the method with a NUL behind it', '{"method":"tools/call\\u0000x","params":{"name":"a"}}'],
  ['the method with a space behind it', '{"method":"tools/call ","params":{"name":"a"}}'],
  ['the method in full width', '{"method":"tools\uff0fcall","params":{"name":"a"}}'],
  ['more members than can be compared', `{${numbered(1001)}}`],
  ['more parameters than can be compared', `{"method":"a","params":{${numbered(1001)}}}`],
]
for (const [name, text] of twoReadings) {
  test(`a body that can be read in two ways is malformed: ${name}`, () => {
    const body = readText(text)
    assert.equal(body.kind, 'malformed')
    assert.match(body.kind === 'malformed' ? body.problem : '', /^The body .*\.$/)
  })
}

function numbered(count: number): string {
  return Array.from({ length: count }, (_, i) => `"${i}":0`).join()
}

const oneReading: readonly (readonly [string, string])[] = [
  ['an escaped name, once', '{"method":"tools/call","params":{"\\u006eame":"a"}}'],
  ['arguments with names of their own', '{"method":"tools/call","params":{"name":"a","arguments":{"Name":1,"name":2,"name":3}}}'],
  ['metadata with names of its own', '{"method":"tools/call","params":{"name":"a","_meta":{"ID":1,"id":2}}}'],
  ['results with names of their own', '{"id":1,"result":{"Name":1,"name":2}}'],
  ['names that only begin alike', '{"method":"tools/call","params":{"name":"a","names":1,"NameOf":2,"my name":3}}'],
  ['two messages with the same members', '[{"id":1,"method":"tools/call","params":{"name":"a"}},{"id":2,"method":"ping","params":{"name":"a"}}]'],
  ['a thousand members', `{"method":"tools/call","params":{"name":"a"},${numbered(998)}}`],
] // biome-ignore format: one row a line
for (const [name, text] of oneReading) {
  test(`a body that is read in one way is taken: ${name}`, () => {
    assert.equal(readText(text).kind, 'messages')
  })
}

test('a batch has at most as many messages as the limit says', () => {
  const batch = (count: number) => `[${Array(count).fill('{"method":"ping"}').join()}]`
  assert.equal(readText(batch(MOST_MESSAGES)).kind, 'messages')
  assert.equal(readText(batch(MOST_MESSAGES + 1)).kind, 'malformed')
})

/** The worst of every kind, in 4 MiB. */
const MIB_4 = 4 * 1_048_576
const filled = (unit: string, before: string, after: string) =>
  before + unit.repeat(Math.floor((MIB_4 - before.length - after.length) / unit.length)) + after
const worst: readonly (readonly [string, string])[] = [
  ['calls', filled('{"method":"tools/call"},', '[', '{}]')],
  ['opening brackets', '['.repeat(MIB_4)],
  ['small arrays', filled('[[]],', '{"method":"tools/call","params":{"arguments":[', '1]}}')],
  ['small objects', filled('{"a":{}},', '{"method":"tools/call","params":{"arguments":[', '1]}}')],
  ['numbers', filled('1,', '{"method":"tools/call","params":{"arguments":[', '1]}}')],
  ['escapes', filled('\\u006e', '{"method":"tools/call","params":{"name":"', '"}}')],
  ['one name', filled('\\u0041', '{"', '":1}')],
  ['members', filled('"a":1,', '{"p":{"q":{', '"z":1}}}')],
]
for (const [name, text] of worst) {
  test(`4 MiB of ${name} are read in turns, or refused in the first`, async () => {
    let turns = 0
    let reading = true
    const count = (): void => {
      turns += 1
      if (reading) setImmediate(count)
    }
    setImmediate(count)
    const body = await readMcpBody(Buffer.from(text), MOST_MESSAGES)
    reading = false
    assert.ok(body.kind === 'malformed' || turns >= 10, `${turns} turns`)
  })
}

test('a large body is read as a small one is', async () => {
  const long = 'x'.repeat(600_000)
  const text = JSON.stringify([call(1, 'a'), { ...call(2, 'b'), [long]: long }, call('é', long)])
  const body = await readMcpBody(Buffer.from(text), MOST_MESSAGES)
  const tools = body.kind === 'messages' && body.messages.map(({ id, tool }) => [id, tool?.length])
  assert.deepEqual(tools, [
    ['1', 1],
    ['2', 1],
    ['"é"', 600_000],
  ])
})

test('an empty body is no message', () => {
  assert.deepEqual(readNow(Buffer.alloc(0)), { kind: 'empty' })
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
    assert.equal(readNow(body).kind, 'malformed')
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

const ids = ['"x"', '0', '-1.50e2', '90071992547409931', '"\\u00e9"']
for (const id of ids) {
  test(`the id ${id} goes back as it came`, () => {
    const text = jsonRpcRefusal(readText(`{"id":${id},"method":"ping"}`), 'No.') ?? ''
    assert.ok(text.startsWith(`{"jsonrpc":"2.0","id":${id},`), text)
  })
}

for (const id of ['null', 'true', '[[1]]', '{"a":1}']) {
  test(`the id ${id} is answered as null, whatever its depth`, () => {
    const text = jsonRpcRefusal(readText(`{"id":${id},"method":"ping"}`), 'No.') ?? ''
    assert.equal(JSON.parse(text).id, null)
  })
}
