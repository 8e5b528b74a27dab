import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { startBroker } from '../support/broker-gateway.ts'

test('a person signs in through rolecall and gets a token for this resource', async (t) => {
  const { gateway, browser } = await startBroker(t)
  const verifier = 'a-code-verifier-that-is-long-enough-for-rfc-7636'
  const redirectUri = 'http://127.0.0.1:7777/callback'
  const query = new URLSearchParams({
    client_id: 'holmes',
    redirect_uri: redirectUri,
    response_type: 'code',
    state: 'the-state',
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
    resource: gateway.url,
  })
  const page = await browser.get(`${gateway.origin}/oauth/authorize?${query}`)
  assert.equal(page.status, 200)
  const atProvider = await browser.allow(page)
  gateway.entra.signInAs('alice')
  const back = await browser.get(atProvider)
  const callback = back.headers.get('location') ?? ''
  assert.match(callback, /\/oauth\/callback\?/)
  const done = await browser.comeBack(callback)
  const answer = new URL(done.headers.get('location') ?? '')
  assert.equal(answer.origin + answer.pathname, redirectUri)
  assert.equal(answer.searchParams.get('state'), 'the-state')
  assert.equal(answer.searchParams.get('iss'), gateway.origin)
  const response = await fetch(`${gateway.origin}/oauth/token`, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'authorization_code',
      code: answer.searchParams.get('code') ?? '',
      redirect_uri: redirectUri,
      client_id: 'holmes',
      code_verifier: verifier,
    }),
  })
  const tokens = (await response.json()) as Record<string, unknown>
  assert.equal(response.status, 200, JSON.stringify(tokens))
  const again = await fetch(`${gateway.origin}/oauth/token`, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'refresh_token',
      refresh_token: String(tokens['refresh_token']),
      client_id: 'holmes',
    }),
  })
  assert.equal(again.status, 200)
  assert.equal(tokens['scope'], 'mcp')
})
