import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { readJwt } from '../../../src/oauth/jwt.ts'
import { signInAt } from '../../environment/browser.ts'
import { startBroker } from '../../support/broker-gateway.ts'
import { resourceConfig } from '../../support/gateway.ts'
import { post, send } from '../../support/raw-http.ts'
import { headerValues, startUpstream } from '../../support/recording-upstream.ts'
import { scope } from '../../support/relay-gateway.ts'

const verifier = 'a-code-verifier-that-is-long-enough-for-rfc-7636'
const redirectUri = 'http://127.0.0.1:7777/callback'

test('in broker a sign-in at one resource gives a token for that one alone, and so does a refresh', async (t) => {
  const upstream = await startUpstream(t)
  const resources = ['prod', 'dev'].map((name) =>
    resourceConfig(upstream.url, { name, path: `/${name}`, request_scopes: scope.split(' ') }),
  )
  const { gateway, browser } = await startBroker(t, { resources })
  const query = new URLSearchParams({
    client_id: 'holmes',
    redirect_uri: redirectUri,
    response_type: 'code',
    state: 'the-state',
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
    resource: `${gateway.origin}/dev`,
  })
  const start = `${gateway.origin}/oauth/dev/authorize?${query}`
  const back = await signInAt(browser, start, { username: 'alice' })
  const redeem = async (form: Record<string, string>): Promise<Record<string, unknown>> => {
    const response = await fetch(`${gateway.origin}/oauth/dev/token`, {
      method: 'POST',
      body: new URLSearchParams({ client_id: 'holmes', ...form }),
    })
    return (await response.json()) as Record<string, unknown>
  }
  const signedIn = await redeem({
    grant_type: 'authorization_code',
    code: back.searchParams.get('code') ?? '',
    redirect_uri: redirectUri,
    code_verifier: verifier,
  })
  const refreshed = await redeem({
    grant_type: 'refresh_token',
    refresh_token: String(signedIn['refresh_token']),
  })
  for (const { access_token: token } of [signedIn, refreshed]) {
    const answer = await send(`${gateway.origin}/dev`, post(String(token)))
    assert.equal(answer.status, 200, answer.text)
    const [bearer = '', ...more] = headerValues(
      upstream.received.at(-1)?.rawHeaders ?? [],
      'authorization',
    )
    assert.deepEqual(more, [])
    const inside = bearer.replace('Bearer ', '')
    assert.equal(readJwt(inside)?.claims['upn'], 'alice@contoso.test')
    for (const [path, refused] of [
      ['/prod', String(token)],
      ['/dev', inside],
    ] as const) {
      const { status, text } = await send(gateway.origin + path, post(refused))
      assert.equal(status, 401)
      assert.match(text, /takes only the tokens that it hands out itself for this resource/)
    }
  }
  assert.equal(upstream.received.length, 2)
  const audits = gateway.log.filter(({ kind }) => kind === 'audit')
  assert.deepEqual(
    audits.map(({ client_id }) => client_id),
    ['holmes', 'holmes'],
    'the lines name the MCP client that holds the token',
  )
})
