import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { MintRequest } from '../../environment/mock-entra/mint.ts'
import { SimulatedClock } from '../../support/clock.ts'
import { AKS, resourceConfig, startEntra, startGateway } from '../../support/gateway.ts'
import { handedOut } from '../../support/handed-out.ts'
import { post, send } from '../../support/raw-http.ts'
import { startUpstream } from '../../support/recording-upstream.ts'
import { startInMode } from '../../support/sign-in-modes.ts'

const CLIENT = '11111111-2222-4333-8444-555555555555'

const refused: readonly { name: string; mint: MintRequest; reason: string }[] = [
  {
    name: 'another audience',
    mint: { audience: 'https://management.azure.com' },
    reason: 'wrong_audience',
  },
  { name: 'another tenant', mint: { claims: { tid: CLIENT } }, reason: 'wrong_tenant' },
  { name: 'no tenant', mint: { claims: { tid: null } }, reason: 'wrong_tenant' },
  {
    name: 'another issuer',
    mint: { claims: { iss: 'https://sts.windows.net/other/' } },
    reason: 'wrong_issuer',
  },
  {
    name: 'an issuer without its slash',
    mint: { claims: { iss: 'https://sts.windows.net/x' } },
    reason: 'wrong_issuer',
  },
  { name: 'another client', mint: { claims: { appid: CLIENT } }, reason: 'wrong_client' },
  { name: 'an end in the past', mint: { lifetime: -1 }, reason: 'expired' },
  { name: 'no end', mint: { claims: { exp: null } }, reason: 'no_expiry' },
  { name: 'an ID token', mint: { kind: 'id' }, reason: 'id_token' },
  { name: 'an app-only token', mint: { kind: 'app' }, reason: 'app_token' },
  { name: 'a Graph token', mint: { kind: 'graph' }, reason: 'graph_token' },
  {
    name: 'a proof-of-possession token',
    mint: { claims: { cnf: { kid: 'x' } } },
    reason: 'bound_token',
  },
  {
    name: 'HS256 with the public key',
    mint: { signature: 'HS256' },
    reason: 'algorithm_not_allowed',
  },
  { name: 'the algorithm none', mint: { signature: 'none' }, reason: 'not_a_jwt' },
  { name: 'an edited signature', mint: { signature: 'edited' }, reason: 'bad_signature' },
  {
    name: "another's signature under our key id",
    mint: { signature: 'foreign-key' },
    reason: 'bad_signature',
  },
  {
    name: 'a key that nobody publishes',
    mint: { signature: 'unknown-key', claims: { iat: 1_000_000_000 } },
    reason: 'unknown_key',
  },
  { name: 'a logout token', mint: { header: { typ: 'logout+jwt' } }, reason: 'logout_token' },
]

test('a token that is not good is 401, with a reason of its own, and the upstream sees nothing', async (t) => {
  const upstream = await startUpstream(t)
  const entra = await startEntra(t)
  const holmes = entra.clients[0]?.client_id ?? ''
  const gateway = await startGateway(t, {
    entra,
    upstream: upstream.url,
    resource: { allowed_clients: [holmes] },
  })
  for (const { name, mint, reason } of refused) {
    const token = await entra.mint(mint)
    const answer = await send(gateway.url, post(token))
    assert.equal(answer.status, 401, `${name}: ${answer.text}`)
    const challenge = answer.headers['www-authenticate'] ?? ''
    assert.match(
      challenge,
      /^Bearer resource_metadata="http[^"]+", scope="[^"]+", error="invalid_token", error_description="[^"]+"$/,
    )
    assert.equal(answer.json()['error'], 'invalid_token', name)
    const id = answer.headers['x-request-id']
    const line = await gateway.logged((one) => one['request_id'] === id)
    assert.equal(line['reason'], reason, name)
    assert.equal(line['decision'], 'refuse', name)
    assert.ok(!answer.text.includes(token) && !JSON.stringify(line).includes(token))
  }
  assert.equal(upstream.received.length, 0)
  assert.equal((await send(gateway.url, post(await entra.mint()))).status, 200)
})

test('no token is 401 with a challenge that has no error, before any key is there', async (t) => {
  const upstream = await startUpstream(t)
  const entra = await startEntra(t)
  entra.outage('reset')
  const gateway = await startGateway(t, { entra, upstream: upstream.url, cold: true })
  for (const headers of [
    [],
    [['Authorization', 'Basic eDp5']],
    [['Authorization', 'Bearer']],
  ] as const) {
    const answer = await send(gateway.url, { method: 'POST', headers })
    assert.equal(answer.status, 401)
    assert.equal(
      answer.headers['www-authenticate'],
      `Bearer resource_metadata="${gateway.origin}/.well-known/oauth-protected-resource/mcp", scope="${AKS}/.default openid profile"`,
    )
    assert.equal(answer.headers['cache-control'], 'no-store')
  }
  const answer = await send(gateway.url, post(await entra.mint()))
  assert.equal(answer.status, 503)
  assert.match(answer.headers['retry-after'] ?? '', /^\d+$/)
  assert.equal(answer.json()['error'], 'temporarily_unavailable')
  assert.equal(upstream.received.length, 0)
})

test('a token seen at one resource is refused at another that wants another audience', async (t) => {
  const upstream = await startUpstream(t)
  const gateway = await startGateway(t, {
    upstream: upstream.url,
    resources: [
      resourceConfig(upstream.url, { name: 'a', path: '/a' }),
      resourceConfig(upstream.url, { name: 'b', path: '/b', audiences: ['api://b'] }),
    ],
  })
  const token = await gateway.entra.mint()
  assert.equal((await send(`${gateway.origin}/a`, post(token))).status, 200)
  assert.equal((await send(`${gateway.origin}/b`, post(token))).status, 401)
  assert.equal(upstream.received.length, 1)
})

test('a cached token is refused from its exp on, to the second', async (t) => {
  const upstream = await startUpstream(t)
  const clock = new SimulatedClock(Date.now())
  const gateway = await startGateway(t, { upstream: upstream.url, clock })
  const exp = Math.floor(clock.now() / 1000) + 600
  const token = await gateway.entra.mint({ claims: { exp } })
  assert.equal((await send(gateway.url, post(token))).status, 200)
  await clock.advance(exp * 1000 - clock.now() - 1)
  assert.equal((await send(gateway.url, post(token))).status, 200)
  await clock.advance(1)
  const answer = await send(gateway.url, post(token))
  assert.equal(answer.status, 401)
  assert.match(answer.text, /expired/)
  assert.equal(upstream.received.length, 2)
})

test('a cached token with an edited signature is another token', async (t) => {
  const upstream = await startUpstream(t)
  const gateway = await startGateway(t, { upstream: upstream.url })
  const token = await gateway.entra.mint()
  assert.equal((await send(gateway.url, post(token))).status, 200)
  const at = token.lastIndexOf('.') + 20
  const edited = token.slice(0, at) + (token[at] === 'A' ? 'B' : 'A') + token.slice(at + 1)
  assert.equal((await send(gateway.url, post(edited))).status, 401)
  for (const spelling of [`${token}=`, `${token}.`, token.replace('.', '..')]) {
    assert.equal((await send(gateway.url, post(spelling))).status, 401, spelling.slice(-5))
  }
  assert.equal(upstream.received.length, 1)
})

test('missing scopes are 403 insufficient_scope with the scopes that are demanded', async (t) => {
  const upstream = await startUpstream(t)
  const gateway = await startGateway(t, {
    upstream: upstream.url,
    resource: { required_scopes: ['cluster.write'] },
  })
  const answer = await send(gateway.url, post(await gateway.entra.mint()))
  assert.equal(answer.status, 403)
  const challenge = answer.headers['www-authenticate'] ?? ''
  assert.match(challenge, /scope="cluster.write", error="insufficient_scope"/)
  assert.equal(upstream.received.length, 0)
})

for (const mode of ['relay', 'broker'] as const) {
  test(`${mode}: missing scopes are told in the body, without a challenge that could not help`, async (t) => {
    const upstream = await startUpstream(t)
    const gateway = await startInMode(t, mode, {
      upstream: upstream.url,
      resource: { required_scopes: ['cluster.write'] },
    })
    const token = await handedOut(gateway, await gateway.entra.mint())
    for (const method of ['POST', 'GET', 'DELETE']) {
      const answer = await send(gateway.url, { ...post(token), method })
      assert.equal(answer.status, 403)
      assert.equal(answer.json()['error'], 'insufficient_scope')
      assert.match(String(answer.json()['error_description']), /cluster\.write/)
      assert.equal(answer.headers['www-authenticate'], undefined)
    }
    const old = await handedOut(gateway, await gateway.entra.mint({ lifetime: -1 }))
    const expired = await send(gateway.url, post(old))
    assert.match(expired.headers['www-authenticate'] ?? '', /error="invalid_token"/)
    assert.equal(upstream.received.length, 0)
  })
}

test('a person outside required_groups is told inside MCP, and nothing goes up', async (t) => {
  const upstream = await startUpstream(t)
  const gateway = await startGateway(t, {
    upstream: upstream.url,
    resource: { required_groups: ['00000000-0000-4000-8000-000000000000'] },
  })
  const token = await gateway.entra.mint()
  const call = await send(gateway.url, post(token))
  assert.equal(call.status, 200)
  const { result } = call.json() as { result: { isError: boolean; content: { text: string }[] } }
  assert.equal(result.isError, true)
  assert.match(result.content[0]?.text ?? '', /required_groups/)
  assert.doesNotMatch(call.text, /401|Unauthorized/i)

  const initialize = { jsonrpc: '2.0', id: 0, method: 'initialize', params: {} }
  const begun = await send(gateway.url, post(token, JSON.stringify(initialize)))
  assert.equal(begun.status, 200)
  assert.equal((begun.json() as { error: { code: number } }).error.code, -32003)

  const notification = { jsonrpc: '2.0', method: 'notifications/initialized' }
  assert.equal((await send(gateway.url, post(token, JSON.stringify(notification)))).status, 202)

  for (const method of ['GET', 'DELETE']) {
    const headers = [['Authorization', `Bearer ${token}`]] as const
    const answer = await send(gateway.url, { method, headers })
    assert.equal(answer.status, 403)
    assert.equal(answer.headers['www-authenticate'], undefined)
  }
  assert.equal(upstream.received.length, 0)
  const line = await gateway.logged((one) => one['kind'] === 'audit')
  assert.equal(line['decision'], 'refuse')
  assert.equal(line['reason'], 'not_in_required_groups')
  assert.equal(line['tool'], 'pods_list')
})
