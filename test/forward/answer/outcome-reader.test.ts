import assert from 'node:assert/strict'
import { test } from 'node:test'
import { outcomeReader } from '../../../src/forward/answer/outcome-reader.ts'

const result = (more = '') => `{"jsonrpc":"2.0","id":1,"result":{"content":[]${more}}}`
const error = '{"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"no"}}'
const notification = '{"jsonrpc":"2.0","method":"notifications/message","params":{"isError":true}}'
const serverRequest = '{"jsonrpc":"2.0","id":"s","method":"ping","params":{"error":1,"result":1}}'
const event = (...messages: readonly string[]) => messages.map((one) => `data: ${one}\n\n`).join('')

const answers: readonly (readonly [string, string, string | undefined])[] = [
  ['application/json', result(), 'ok'],
  ['application/json; charset=utf-8', result(',"isError":false'), 'ok'],
  ['application/json', result(',"isError":true'), 'tool_error'],
  ['application/json', '{"result":{"isError":true,"content":[]},"id":1}', 'tool_error'],
  ['application/json', '{"result":{"is\\u0045rror":true},"id":1}', 'tool_error'],
  ['application/json', result(',"isError":"true"'), 'ok'],
  ['application/json', result(',"structuredContent":{"isError":true}'), 'ok'],
  ['application/json', '{"result":{"content":[{"text":"\\"isError\\":true}"}]},"id":1}', 'ok'],
  ['application/json', error, 'rpc_error'],
  ['application/json', '{"id":1,"error":null,"result":{}}', 'ok'],
  ['application/json', `[${result()},${result(',"isError":true')}]`, 'tool_error'],
  ['application/json', `[${error},${result(',"isError":true')}]`, 'rpc_error'],
  ['application/json', `[${result(',"isError":true')},${result()}]`, 'tool_error'],
  ['application/json', notification, undefined],
  ['application/json', serverRequest, undefined],
  ['application/json', '', undefined],
  ['application/json', result().slice(0, -1), undefined],
  ['application/json', 'isError', undefined],
  ['text/event-stream', event(result()), 'ok'],
  [
    'text/event-stream',
    event(notification, serverRequest, result(',"isError":true')),
    'tool_error',
  ],
  ['text/event-stream', event(error).replaceAll('\n', '\r\n'), 'rpc_error'],
  ['text/event-stream', event(error, result()), 'rpc_error'],
  ['text/event-stream', `: ${error}\n\n${event(notification)}`, undefined],
  ['text/event-stream', 'data: {"id":1,\ndata: "result":{}}\n\n', 'ok'],
  ['text/event-stream', 'data: not json\n\ndata: {"id":1,"result":{}}\n\n', 'ok'],
]
for (const [type, text, expected] of answers) {
  test(`${text.slice(0, 90) || 'nothing'} (${type}) is ${expected}, wherever it is cut`, () => {
    const bytes = Buffer.from(text)
    for (const pieceBytes of [1, 2, 7, 1000]) {
      const reader = outcomeReader({ 'content-type': type })
      for (let at = 0; at < bytes.length; at += pieceBytes) {
        reader?.push(bytes.subarray(at, at + pieceBytes))
      }
      assert.equal(reader?.outcome(), expected, `pieces of ${pieceBytes}`)
    }
  })
}

test('what is compressed or of another type is not read', () => {
  assert.equal(outcomeReader({ 'content-type': 'text/plain' }), undefined)
  assert.equal(outcomeReader({}), undefined)
  const headers = { 'content-type': 'application/json', 'content-encoding': 'gzip' }
  assert.equal(outcomeReader(headers), undefined)
})

test('an answer of 64 MiB is read without being held', () => {
  const reader = outcomeReader({ 'content-type': 'text/event-stream' })
  const piece = Buffer.alloc(1_048_576, 'x')
  reader?.push(Buffer.from('data: {"id":1,"result":{"content":[{"type":"text","text":"'))
  globalThis.gc?.()
  const before = process.memoryUsage().arrayBuffers
  for (let i = 0; i < 64; i += 1) reader?.push(Buffer.from(piece))
  const grown = process.memoryUsage().arrayBuffers - before
  reader?.push(Buffer.from('"}],"isError":true}}\n\n'))
  assert.equal(reader?.outcome(), 'tool_error')
  assert.ok(grown < 70 * 1_048_576, `${grown} bytes`) // what the pieces are, before they are collected
})
