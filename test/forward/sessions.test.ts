import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { ResourceConfig } from '../../src/config/config.ts'
import { startGateway } from '../support/gateway.ts'
import { type Answer, post, send } from '../support/raw-http.ts'
import { startUpstream } from '../support/recording-upstream.ts'

async function start(t: TestContext, resource: Partial<ResourceConfig> = {}) {
  const upstream = await startUpstream(t)
  upstream.answerWith((_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json', 'mcp-session-id': 'up-1' })
    response.end('{}')
  })
  const gateway = await startGateway(t, { upstream: upstream.url, resource })
  const as = async (token: string, session?: string, method = 'POST'): Promise<Answer> => {
    const request = post(token)
    const line = session === undefined ? [] : [['Mcp-Session-Id', session] as const]
    return send(gateway.url, {
      method,
      headers: [...(request.headers ?? []), ...line],
      ...(method === 'POST' && request.body !== undefined ? { body: request.body } : {}),
    })
  }
  return { upstream, gateway, as, entra: gateway.entra }
}

test('a session id reaches the client bound, and the upstream as its own', async (t) => {
  const { upstream, as, entra } = await start(t)
  const token = await entra.mint()
  const bound = String((await as(token)).headers['mcp-session-id'])
  assert.notEqual(bound, 'up-1')
  assert.ok(bound.endsWith('up-1'))
  for (const method of ['POST', 'GET', 'DELETE']) {
    assert.equal((await as(token, bound, method)).status, 200)
    assert.equal(upstream.received.at(-1)?.headers['mcp-session-id'], 'up-1')
  }
})

test("another person's session is 404, and the upstream is not asked", async (t) => {
  const { upstream, as, entra } = await start(t)
  const bound = String((await as(await entra.mint())).headers['mcp-session-id'])
  const before = upstream.received.length
  for (const method of ['POST', 'GET', 'DELETE']) {
    const answer = await as(await entra.mint({ person: 'bob' }), bound, method)
    assert.equal(answer.status, 404)
    assert.equal(answer.json()['error'], 'session_not_found')
  }
  assert.equal((await as(await entra.mint(), `${bound}x`)).status, 404)
  assert.equal((await as(await entra.mint(), 'up-1')).status, 404)
  assert.equal(upstream.received.length, before)
})

test('a session outlives a refresh of its token', async (t) => {
  const { as, entra } = await start(t)
  const bound = String((await as(await entra.mint())).headers['mcp-session-id'])
  assert.equal((await as(await entra.mint({ lifetime: 1234 }), bound)).status, 200)
})

test('where the upstream keeps the token of a session, a fresh token needs a fresh session', async (t) => {
  const { as, entra } = await start(t, { upstream_token_header: 'x-argocd-api-token' })
  const token = await entra.mint()
  const bound = String((await as(token)).headers['mcp-session-id'])
  assert.equal((await as(token, bound)).status, 200)
  assert.equal((await as(await entra.mint({ lifetime: 1234 }), bound)).status, 404)
})
