import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readClientHeaders } from '../../src/forward/request-headers.ts'

function passed(lines: readonly (readonly [string, string])[], hasBody = true) {
  const read = readClientHeaders(lines.flat(), hasBody, 'authorization')
  assert.equal(read.kind, 'headers')
  return read.kind === 'headers' ? Object.fromEntries(read.passed) : {}
}

const dropped = [
  'Authorization',
  'authorization',
  'Proxy-Authorization',
  'kubernetes-authorization',
  'Kubernetes_Authorization',
  'Impersonate-User',
  'Impersonate-Group',
  'Impersonate-Extra-scopes',
  'Cookie',
  'X-Forwarded-For',
  'X-Forwarded-User',
  'X-Forwarded-Host',
  'Forwarded',
  'X-Real-IP',
  'X-Remote-User',
  'X-Auth-Request-User',
  'X-Ms-Client-Principal',
  'X-HTTP-Method-Override',
  'X-Original-URL',
  'Connection',
  'Keep-Alive',
  'Proxy-Connection',
  'TE',
  'Trailer',
  'Transfer-Encoding',
  'Upgrade',
  'HTTP2-Settings',
  'Expect',
  'Host',
  'Content-Length',
  'Origin',
  'Referer',
  'Accept-Encoding',
  'User-Agent',
  'mcp_session_id',
  'Mcp-Param_x',
  'mcp-param-',
  'x-argocd-api-token',
  '__proto__',
  'constructor',
]
for (const name of dropped) {
  test(`the header ${name} stays behind`, () => {
    assert.deepEqual(passed([[name, 'value']]), {})
  })
}

const taken = [
  ['Accept', 'application/json, text/event-stream'],
  ['Accept-Language', 'de'],
  ['Content-Type', 'application/json'],
  ['MCP-Protocol-Version', '2025-11-25'],
  ['Mcp-Method', 'tools/call'],
  ['Mcp-Name', 'pods_list'],
  ['Mcp-Param-Namespace', '=?base64?dGVhbS1h?='],
  ['Last-Event-ID', '7'],
  ['traceparent', '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'],
] as const
for (const [name, value] of taken) {
  test(`the header ${name} passes`, () => {
    assert.deepEqual(passed([[name, value]]), { [name.toLowerCase()]: value })
  })
}

test('what Connection names is not removed, since nothing of ours can be named away', () => {
  assert.deepEqual(
    passed([
      ['Connection', 'accept, authorization, mcp-method'],
      ['Accept', 'a/b'],
    ]),
    { accept: 'a/b' },
  )
})

test('two Accept lines count as one list', () => {
  assert.deepEqual(
    passed([
      ['accept', 'application/json'],
      ['Accept', 'text/event-stream'],
    ]),
    { accept: 'application/json, text/event-stream' },
  )
})

for (const name of ['content-type', 'mcp-method', 'mcp-name', 'mcp-param-namespace']) {
  test(`the header ${name} describes a body, and stays behind without one`, () => {
    assert.deepEqual(passed([[name, 'application/json']], false), {})
  })
}

const charsets: readonly (readonly [string, boolean])[] = [
  ['application/json', true],
  ['application/json; charset=utf-8', true],
  ['application/json;charset="UTF-8"; x=y', true],
  ['application/json; charset=utf8', true],
  ['application/json; charset=utf-7', false],
  ['application/json; charset=utf-16le', false],
  ['application/json; charset=us-ascii', false],
  ['application/json; charset=utf-8; charset=utf-7', false],
  ['application/json; charset*=utf-8', false],
  ["application/json; Charset='utf-7'", false],
]
for (const [contentType, taken] of charsets) {
  test(`${contentType} is ${taken ? 'taken' : 'malformed'}`, () => {
    const read = readClientHeaders(['content-type', contentType], true, 'authorization')
    assert.equal(read.kind, taken ? 'headers' : 'malformed')
  })
}

for (const name of ['mcp-session-id', 'mcp-method', 'mcp-param-a', 'content-type']) {
  test(`two different ${name} are malformed`, () => {
    const read = readClientHeaders([name, 'a', name, 'b'], true, 'authorization')
    const problem = `The header ${name} was sent twice, with values that differ.`
    assert.deepEqual(read, { kind: 'malformed', problem, fault: 'repeated_header' })
  })
}

test('two equal content types count once', () => {
  assert.deepEqual(
    passed([
      ['content-type', 'application/json'],
      ['Content-Type', 'application/json'],
    ]),
    { 'content-type': 'application/json' },
  )
})

test('the session id is told apart and does not pass by itself', () => {
  const read = readClientHeaders(['Mcp-Session-Id', 'abc'], true, 'authorization')
  assert.ok(read.kind === 'headers')
  assert.deepEqual([[...read.passed], read.sessionId], [[], 'abc'])
})

for (const value of ['garbage', '00-xyz', '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331']) {
  test(`the traceparent "${value}" stays behind, and its tracestate with it`, () => {
    assert.deepEqual(
      passed([
        ['traceparent', value],
        ['tracestate', 'a=b'],
      ]),
      {},
    )
  })
}
