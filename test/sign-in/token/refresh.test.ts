import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { Config } from '../../../src/config/config.ts'
import { holmes } from '../../environment/mock-entra/directory.ts'
import { type BrokerOptions, startBroker } from '../../support/broker-gateway.ts'
import {
  authorizeUrl,
  codeFor,
  codeForm,
  endpoint,
  postForm,
  refreshForm,
  tokensFor,
} from '../../support/broker-sign-in.ts'
import { SimulatedClock } from '../../support/clock.ts'
import { type Gateway, resourceConfig, startEntra } from '../../support/gateway.ts'
import { sealingKey } from '../../support/handed-out.ts'
import { type Change, scope, type TokenReply } from '../../support/relay-gateway.ts'
import { tapTokenEndpoint } from '../../support/token-tap.ts'

const minute = 60_000
const hour = 60 * minute
const secret = 'the-secret-of-the-confidential-client'

/** A rolecall on a simulated clock, with three clients and a tap at the provider. */
async function start(t: TestContext, options: BrokerOptions = {}) {
  const clock = new SimulatedClock(Date.now())
  const entra = await startEntra(t, { clock })
  const tap = await tapTokenEndpoint(t, entra)
  const redirect_uris = ['loopback']
  const clients = [
    { client_id: 'holmes', redirect_uris, skip_consent: false },
    { client_id: 'other', redirect_uris, skip_consent: false },
    { client_id: 'confidential', redirect_uris, skip_consent: false, client_secret: secret },
  ]
  const { gateway } = await startBroker(t, {
    ...options,
    entra,
    clock,
    signIn: { clients, ...options.signIn },
    config: { sealing_keys: [sealingKey], ...options.config },
  })
  const url = endpoint(gateway, 'token')
  return {
    gateway,
    entra,
    clock,
    tap,
    url,
    refresh: (token: string, change?: Change) => postForm(url, refreshForm(token, change)),
    revoke: (token: string, change: Change = {}) =>
      postForm(endpoint(gateway, 'revoke'), { token, client_id: 'holmes', ...change }),
  }
}

function assertEnded(reply: TokenReply, words: RegExp): void {
  const { status, body } = reply
  assert.deepEqual([status, body['error']], [400, 'invalid_grant'], JSON.stringify(body))
  assert.match(String(body['error_description']), words)
  assert.equal(body['access_token'], undefined)
}

const refreshIn = ({ status, body }: TokenReply): string => {
  assert.equal(status, 200, JSON.stringify(body))
  return String(body['refresh_token'])
}

async function reload(gateway: Gateway, change: Partial<Config['sign_in']>): Promise<void> {
  const sign_in = { ...gateway.config.sign_in, ...change } as Config['sign_in']
  await gateway.service.reload({ ...gateway.config, sign_in })
}

test('another client than its own, known or not, gets nothing for a refresh token and spends nothing', async (t) => {
  const { gateway, refresh, tap } = await start(t)
  const { refresh: token } = await tokensFor(gateway)
  const asked = tap.received.length
  assertEnded(await refresh(token, { client_id: 'other' }), /another client/)
  for (const change of [
    { client_id: 'stranger' },
    { client_id: 'confidential' },
    { client_id: 'confidential', client_secret: 'wrong' },
    { client_secret: secret },
  ]) {
    const { status, body } = await refresh(token, change)
    assert.deepEqual([status, body['error']], [401, 'invalid_client'])
  }
  const stolen = { client_id: 'confidential', client_secret: secret }
  assertEnded(await refresh(token, stolen), /another client/)
  assert.equal(tap.received.length, asked)
  refreshIn(await refresh(token))
})

test('without a client id the token says whose it is, and a secret is still asked for', async (t) => {
  const { gateway, refresh, url } = await start(t)
  for (const client_id of [undefined, '']) {
    const { refresh: token } = await tokensFor(gateway)
    refreshIn(await refresh(token, { client_id }))
  }
  const client_id = 'confidential'
  const code = await codeFor(gateway, 'alice', authorizeUrl(gateway, { client_id }))
  const client_secret = secret
  const token = refreshIn(await postForm(url, codeForm(code, { client_id, client_secret })))
  for (const change of [{ client_id }, { client_id: undefined }, { client_id: '' }]) {
    const { status, body } = await refresh(token, change)
    assert.deepEqual([status, body['error']], [401, 'invalid_client'])
  }
  refreshIn(await refresh(token, { client_id: undefined, client_secret }))
})

test('at the token endpoint of another resource it is worth nothing', async (t) => {
  const resources = ['prod', 'dev'].map((name) =>
    resourceConfig('http://127.0.0.1:9/mcp', {
      name,
      path: `/${name}`,
      allowed_clients: [holmes.client_id],
      request_scopes: scope.split(' '),
    }),
  )
  const { gateway, refresh, tap } = await start(t, { resources })
  const { refresh: token } = await tokensFor(gateway)
  const asked = tap.received.length
  const dev = endpoint(gateway, 'token', 'dev')
  assertEnded(await postForm(dev, refreshForm(token)), /another resource/)
  const { body } = await refresh(token, { resource: `${gateway.origin}/dev` })
  assert.equal(body['error'], 'invalid_target')
  assert.equal(tap.received.length, asked)
  refreshIn(await refresh(token))
})

test('shown again within 60 seconds it gets the same answer, afterwards none', async (t) => {
  const { gateway, refresh, clock, tap } = await start(t)
  const { refresh: token } = await tokensFor(gateway)
  const first = await refresh(token)
  const successor = refreshIn(first)
  const asked = tap.received.length
  for (const wait of [0, 59_999]) {
    await clock.advance(wait)
    const replies = await Promise.all(Array.from({ length: 8 }, () => refresh(token)))
    for (const reply of replies) assert.deepEqual(reply.body, first.body)
  }
  for (const wait of [1, 10 * minute, hour]) {
    await clock.advance(wait)
    assertEnded(await refresh(token), /used before/)
  }
  assertEnded(await refresh(successor), /used before/)
  assert.equal(tap.received.length, asked)
})

test('within the grace another client does not get the answer that is kept', async (t) => {
  const { gateway, refresh } = await start(t)
  const { refresh: token } = await tokensFor(gateway)
  refreshIn(await refresh(token))
  assertEnded(await refresh(token, { client_id: 'other' }), /another client/)
  const wrong = await refresh(token, { resource: 'https://evil.example' })
  assert.equal(wrong.body['error'], 'invalid_target')
})

test('a session ends with session_lifetime, however often it was refreshed', async (t) => {
  const { gateway, refresh, clock } = await start(t, { signIn: { session_lifetime: 4 * hour } })
  let { refresh: token } = await tokensFor(gateway)
  for (let passed = 0; passed < 3; passed += 1) {
    await clock.advance(hour)
    token = refreshIn(await refresh(token))
  }
  await clock.advance(hour - 1)
  token = refreshIn(await refresh(token))
  await clock.advance(1)
  assertEnded(await refresh(token), /session_lifetime/)
})

test('a shorter session_lifetime ends the sessions that are older at once', async (t) => {
  const { gateway, refresh, clock } = await start(t)
  const { refresh: token } = await tokensFor(gateway)
  await clock.advance(2 * hour)
  await reload(gateway, { session_lifetime: hour })
  assertEnded(await refresh(token), /session_lifetime/)
})

test('sessions_valid_after ends every session that began earlier, and no later one', async (t) => {
  const { gateway, refresh, clock, tap } = await start(t)
  const { refresh: before } = await tokensFor(gateway)
  const kept = refreshIn(await refresh(before))
  await clock.advance(minute)
  await reload(gateway, { sessions_valid_after: clock.now() })
  const asked = tap.received.length
  for (const token of [before, kept]) assertEnded(await refresh(token), /ended by the operator/)
  assert.equal(tap.received.length, asked)
  const { refresh: after } = await tokensFor(gateway)
  refreshIn(await refresh(after))
})

test('a disabled account ends at its next refresh, and the provider is not asked again', async (t) => {
  const { gateway, refresh, entra, tap } = await start(t)
  const { refresh: token } = await tokensFor(gateway)
  entra.disable('alice')
  const asked = tap.received.length
  for (let times = 0; times < 3; times += 1) assertEnded(await refresh(token), /disabled/)
  assert.equal(tap.received.length, asked + 1)
  entra.enable('alice')
  const { refresh: bobs } = await tokensFor(gateway, 'bob')
  entra.revoke('bob')
  assertEnded(await refresh(bobs), /AADSTS50173/)
})

test('trouble at the provider costs no session, and a 401 is our own fault', async (t) => {
  const { gateway, refresh, tap } = await start(t)
  const { refresh: token } = await tokensFor(gateway)
  for (const status of [401, 429, 500, 503]) {
    tap.answerWith((_request, response) => {
      response.writeHead(status, { 'content-type': 'application/json' })
      response.end('{"error":"invalid_grant"}')
    })
    const reply = await refresh(token)
    assert.deepEqual([reply.status, reply.body['error']], [503, 'temporarily_unavailable'])
    assert.match(reply.headers.get('retry-after') ?? '', /^[1-9]\d*$/)
  }
  tap.answerWith(undefined)
  refreshIn(await refresh(token))
})

test('a refresh that brings another person, or a token that is not for us, brings nothing', async (t) => {
  const { gateway, refresh, tap, entra } = await start(t)
  const give = (access_token: string) =>
    tap.answerWith((_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json' })
      response.end(JSON.stringify({ access_token, token_type: 'Bearer', expires_in: 3600 }))
    })
  const { refresh: token } = await tokensFor(gateway)
  give(await entra.mint({ kind: 'graph', person: 'alice' }))
  assertEnded(await refresh(token), /not for this server/)
  give(await entra.mint({ person: 'bob', client: holmes.client_id }))
  assertEnded(await refresh(token), /another person/)
  tap.answerWith(undefined)
  assertEnded(await refresh(token), /another person/)
})

test('a revoked session is over, with everything that came of it, for its own client only', async (t) => {
  const { gateway, refresh, revoke, tap } = await start(t)
  const { refresh: token } = await tokensFor(gateway)
  const next = refreshIn(await refresh(token))
  const refused = await revoke(next, { client_id: 'other' })
  assert.deepEqual([refused.status, refused.body['error']], [400, 'invalid_grant'])
  const stranger = await revoke(next, { client_id: 'stranger' })
  assert.deepEqual([stranger.status, stranger.body['error']], [401, 'invalid_client'])
  const last = refreshIn(await refresh(next))
  const { refresh: unrelated } = await tokensFor(gateway)
  assert.equal((await revoke(next)).status, 200)
  const asked = tap.received.length
  for (const one of [token, next, last]) assertEnded(await refresh(one), /ended/)
  assert.equal(tap.received.length, asked)
  refreshIn(await refresh(unrelated))
  for (const text of ['x', unrelated.slice(1), await gateway.entra.mint()]) {
    assert.equal((await revoke(text)).status, 200, 'what is no token of ours is over anyway')
  }
})

test('nothing is a refresh token that was not made as one', async (t) => {
  const { gateway, refresh, tap } = await start(t)
  const { access, refresh: token } = await tokensFor(gateway)
  const provider = (JSON.parse(tap.answers.at(-1) ?? '{}') as Record<string, unknown>)[
    'refresh_token'
  ]
  const asked = tap.received.length
  const wrong = [access, await codeFor(gateway), String(provider), 'x', `${token}A`, token.slice(1)]
  for (const text of wrong) assertEnded(await refresh(text), /not made here, or was altered/)
  const missing = await refresh('')
  assert.deepEqual([missing.status, missing.body['error']], [400, 'invalid_request'])
  assert.equal(tap.received.length, asked)
})
