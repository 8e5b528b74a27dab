import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isOnLoopback } from '../../src/net/loopback.ts'

const rows = [
  ['http://localhost:8080', '127.0.0.1', true],
  ['http://127.0.0.1:8080', '::1', true],
  ['https://mcp.example.com', '127.0.0.1', false],
  ['http://localhost:8080', '0.0.0.0', false],
  ['http://localhost:8080', '::', false],
  ['http://localhost:8080', '10.0.0.7', false],
  ['http://localhost.example.com', '127.0.0.1', false],
] as const
for (const [public_url, host, expected] of rows) {
  test(`called ${public_url} and listening on ${host}: ${expected ? 'only' : 'not only'} this machine`, () => {
    assert.equal(isOnLoopback({ public_url, listen: { host } }), expected)
  })
}
