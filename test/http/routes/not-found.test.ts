import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startGateway } from '../../support/gateway.ts'
import { send } from '../../support/raw-http.ts'

const BROWSER = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8'

type Row = readonly [method: string, path: string, accept: string | undefined, page: boolean]

const rows: readonly Row[] = [
  ['GET', '/nothing', BROWSER, true],
  ['GET', '/mcp/sse', BROWSER, true],
  ['GET', '/nothing', 'application/json;q=0.5, text/html;q=0.9', true],
  ['GET', '/nothing', 'application/json, text/html;q=0.9', false],
  ['GET', '/nothing', 'text/html;q=0', false],
  ['GET', '/nothing', '*/*', false],
  ['GET', '/nothing', undefined, false],
  ['GET', '/mcp/sse', 'text/event-stream', false],
  ['POST', '/nothing', BROWSER, false],
  ['GET', '/.well-known/nothing', BROWSER, false],
  ['GET', '/nothing/<b>', BROWSER, true],
]

test('where there is nothing, a browser is shown a page, and everybody else has JSON', async (t) => {
  const gateway = await startGateway(t, { upstream: 'http://127.0.0.1:9/mcp' })
  for (const [method, path, accept, page] of rows) {
    const headers: [string, string][] = accept === undefined ? [] : [['Accept', accept]]
    const answer = await send(`${gateway.origin}${path}`, { method, headers })
    const what = `${method} ${path} ${accept}`
    assert.equal(answer.status, 404, what)
    assert.equal(answer.headers['www-authenticate'], undefined, what)
    assert.equal(answer.headers['cache-control'], 'no-store', what)
    const id = String(answer.headers['x-request-id'])
    assert.ok(answer.text.includes(id), what)
    assert.ok(answer.text.includes(`${gateway.origin}/mcp`) || path.startsWith('/.well'), what)
    if (!page) {
      assert.equal(JSON.parse(answer.text).error, 'not_found', what)
      continue
    }
    assert.match(String(answer.headers['content-type']), /^text\/html/, what)
    assert.equal(answer.headers['vary'], 'Accept')
    assert.match(answer.text, /<h1>There is nothing at this address<\/h1>/, what)
    assert.doesNotMatch(answer.text, /<b>|<script/, what)
    const line = await gateway.logged(({ request_id }) => request_id === id)
    assert.deepEqual([line['decision'], line['reason']], ['refuse', 'not_found'], what)
  }
})
