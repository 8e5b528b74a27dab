import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readTokenHeader } from '../../src/config/schema/identifiers.ts'
import { isClientHeader } from '../../src/net/header-names.ts'
import { startGateway } from '../support/gateway.ts'
import { post, send, toolCall } from '../support/raw-http.ts'
import { headerValues, startUpstream } from '../support/recording-upstream.ts'

/** Names of every kind: MCP's, HTTP's, those of proxies and of identity, and near misses of each. */
const bases = [
  'accept', 'accept-encoding', 'accept-language', 'allow', 'api-key', 'authorization', 'baggage', 'cache-control',
  'connection', 'content-disposition', 'content-encoding', 'content-length', 'content-type', 'cookie', 'date',
  'etag', 'expect', 'forwarded', 'from', 'host', 'http2-settings', 'if-match', 'impersonate-user', 'keep-alive',
  'kubernetes-authorization', 'last-event-id', 'mcp', 'mcp-method', 'mcp-name', 'mcp-param', 'mcp-param-a',
  'mcp-param-token', 'mcp-param-x-argocd-api-token', 'mcp-protocol-version', 'mcp-session-id', 'mcp-token', 'origin',
  'pragma', 'proxy-authorization', 'proxy-connection', 'range', 'referer', 'te', 'trailer', 'traceparent',
  'tracestate', 'transfer-encoding', 'upgrade', 'user-agent', 'via', 'x-api-key', 'x-argocd-api-token',
  'x-auth-token', 'x-forwarded-access-token', 'x-forwarded-for', 'x-mcp-auth', 'x-request-id', 'x-token',
] // biome-ignore format: one table of names
const names = bases.flatMap((name) => [
  name,
  name.toUpperCase(),
  name.replaceAll('-', '.'),
  name.replaceAll('-', '_'),
  `${name}-2`,
])

const tokenHeaders = [
  ...new Set(names.map((name) => readTokenHeader(name)).filter((name) => typeof name === 'string')),
]

test('no header that a client may send can be configured to carry the token, nor one of ours', () => {
  for (const name of tokenHeaders) {
    for (const hasBody of [true, false]) assert.equal(isClientHeader(name, hasBody), false, name)
    assert.doesNotMatch(name, /^(mcp|accept|content)\b|^(host|user-agent|connection|te)$/)
  }
  for (const name of names.filter((one) => isClientHeader(one.toLowerCase(), true))) {
    assert.notEqual(typeof readTokenHeader(name), 'string', name)
  }
  assert.ok(tokenHeaders.includes('x-argocd-api-token') && tokenHeaders.length > 20)
})

test('whatever the header of the token is, and whatever a client sends, one value goes up under it', async (t) => {
  const upstream = await startUpstream(t)
  const sent = names.filter((name) => !framing.has(name.toLowerCase()))
  // Those that configuration refuses, too: by construction, not by the check alone.
  const configured = [
    ...tokenHeaders.filter((name) => bases.includes(name)),
    'mcp-param-token',
    'mcp-name',
    'mcp-method',
    'last-event-id',
  ]
  const resources = [...new Set([...configured, 'traceparent', 'user-agent', 'accept'])]
  const gateway = await startGateway(t, { upstream: upstream.url })
  const token = await gateway.entra.mint()
  const [resource] = gateway.config.resources
  assert.ok(resource)
  for (const header of resources) {
    await gateway.service.reload({
      ...gateway.config,
      resources: [{ ...resource, upstream_token_header: header }],
    })
    const lines = sent.map((name) => [name, valueFor(name.toLowerCase())] as const)
    for (let at = 0; at < lines.length; at += MOST_LINES) {
      const answer = await send(gateway.url, {
        ...post(token),
        headers: [...lines.slice(at, at + MOST_LINES), ['Authorization', `Bearer ${token}`]],
      })
      assert.equal(answer.status, 200, `${header}: ${answer.text}`)
      const { rawHeaders = [] } = upstream.received.at(-1) ?? {}
      const expected = header === 'authorization' ? `Bearer ${token}` : token
      assert.deepEqual(headerValues(rawHeaders, header), [expected], header)
      assert.equal(rawHeaders.filter((value) => value.includes(token)).length, 1, header)
    }
  }
})

/** In one request. */
const MOST_LINES = 150

/** What would make another request of it, or is refused by itself. */
const framing = new Set([
  'authorization', 'connection', 'content-encoding', 'content-length', 'expect', 'host', 'transfer-encoding',
  'upgrade', 'http2-settings', 'mcp-session-id', 'origin', 'te', 'trailer', 'keep-alive', 'proxy-connection',
]) // biome-ignore format: one table of names

function valueFor(name: string): string {
  if (name === 'mcp-method') return 'tools/call'
  if (name === 'mcp-name') return 'pods_list'
  if (name === 'content-type') return 'application/json'
  return name === 'mcp-protocol-version' ? '2026-07-28' : toolCall('mine')
}
