import assert from 'node:assert/strict'
import { test } from 'node:test'
import { passedHeaders } from '../../../src/forward/answer/response-headers.ts'

const dropped = [
  'www-authenticate',
  'set-cookie',
  'server',
  'x-powered-by',
  'access-control-allow-origin',
  'access-control-allow-credentials',
  'location',
  'connection',
  'keep-alive',
  'transfer-encoding',
  'upgrade',
  'strict-transport-security',
  'authorization',
  'mcp-session-id',
  'mcp_session_id',
  'x-request-id',
]
for (const name of dropped) {
  test(`the upstream's ${name} stays behind`, () => {
    assert.deepEqual(passedHeaders({ [name]: 'value' }), { 'cache-control': 'no-store' })
  })
}

for (const name of ['content-type', 'content-length', 'retry-after', 'allow', 'mcp-new-one']) {
  test(`the upstream's ${name} passes`, () => {
    assert.equal(passedHeaders({ [name]: '7' })[name], '7')
  })
}

test('an answer is never cached, whatever the upstream says', () => {
  const headers = passedHeaders({ 'cache-control': 'public, max-age=3600' })
  assert.equal(headers['cache-control'], 'no-store')
})

test('a stream of events is neither cached, changed nor held back', () => {
  const headers = passedHeaders({ 'content-type': 'text/event-stream; charset=utf-8' })
  assert.equal(headers['cache-control'], 'no-store, no-transform')
  assert.equal(headers['x-accel-buffering'], 'no')
})

test('a header that node:http would not send costs the header, not the answer', () => {
  const headers = passedHeaders({ 'content-type': 'text/plain\u0100', 'retry-after': '1\n2' })
  assert.deepEqual(headers, { 'cache-control': 'no-store' })
})
