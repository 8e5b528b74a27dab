import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { Config, ResourceConfig } from '../../../src/config/config.ts'
import { deriveKeys } from '../../../src/sealing/derived-keys.ts'
import { open, seal } from '../../../src/sealing/sealed-value.ts'
import {
  aksServerId,
  holmes,
  ownApi,
  publicClient,
} from '../../environment/mock-entra/directory.ts'
import { SimulatedClock } from '../../support/clock.ts'
import { type Gateway, resourceConfig, startEntra } from '../../support/gateway.ts'
import {
  basic,
  codeFor,
  codeForm,
  postToken,
  refreshForm,
  scope,
  signedIn,
  startRelay,
  type TokenReply,
} from '../../support/relay-gateway.ts'
import { tapTokenEndpoint } from '../../support/token-tap.ts'

const hour = 3_600_000
const sealingKey = Buffer.alloc(32, 7).toString('base64url')
const keys = deriveKeys([sealingKey])

async function start(t: TestContext, options: Parameters<typeof startRelay>[1] = {}) {
  const clock = new SimulatedClock(Date.now())
  const entra = await startEntra(t, { clock })
  const tap = await tapTokenEndpoint(t, entra)
  const config = { sealing_keys: [sealingKey], ...options.config }
  const gateway = await startRelay(t, { ...options, entra, clock, config })
  return { clock, entra, tap, gateway }
}

function assertEnded(reply: TokenReply, words: RegExp): void {
  assert.deepEqual([reply.status, reply.body['error']], [400, 'invalid_grant'])
  assert.match(String(reply.body['error_description']), words)
}

/** The same rolecall with another configuration, as after a reload. */
async function reload(gateway: Gateway, change: Partial<Config>): Promise<void> {
  await gateway.service.reload({ ...gateway.config, ...change })
}

test('eight or fifty refreshes at once with one token are one request, and the answers are the same', async (t) => {
  const { gateway, tap } = await start(t)
  for (const many of [8, 50]) {
    const { refresh } = await signedIn(gateway, 'alice')
    const before = tap.received.length
    const replies = await Promise.all(
      Array.from({ length: many }, () => postToken(gateway, refreshForm(refresh))),
    )
    assert.equal(tap.received.length, before + 1)
    for (const { status, body } of replies) {
      assert.equal(status, 200)
      assert.deepEqual(body, replies[0]?.body)
    }
  }
})

test('a refresh token shown again gets the same answer for 60 s, and then none', async (t) => {
  const { gateway, tap, clock } = await start(t)
  const { refresh } = await signedIn(gateway, 'alice')
  const first = await postToken(gateway, refreshForm(refresh))
  assert.equal(first.status, 200)
  const asked = tap.received.length
  for (const wait of [0, 30_000, 29_999]) {
    await clock.advance(wait)
    for (const form of [refreshForm(refresh), refreshForm(refresh, { client_id: '' })]) {
      assert.deepEqual((await postToken(gateway, form)).body, first.body)
    }
  }
  await clock.advance(1)
  for (const wait of [0, 10_000, hour]) {
    await clock.advance(wait)
    assertEnded(await postToken(gateway, refreshForm(refresh)), /used before/)
  }
  assert.equal(tap.received.length, asked)
  const next = await postToken(gateway, refreshForm(String(first.body['refresh_token'])))
  assertEnded(next, /used before/)
})

test('a token that is used again ends the session of the one that has its successor, without a store too', async (t) => {
  const { gateway, clock } = await start(t)
  const { refresh: stolen } = await signedIn(gateway, 'alice')
  const { refresh: other } = await signedIn(gateway, 'alice')
  let refresh = stolen
  for (let i = 0; i < 5; i += 1) {
    const { body } = await postToken(gateway, refreshForm(refresh))
    refresh = String(body['refresh_token'])
    await clock.advance(10 * 60_000)
  }
  assertEnded(await postToken(gateway, refreshForm(stolen)), /used before/)
  assertEnded(await postToken(gateway, refreshForm(refresh)), /used before/)
  assert.equal(
    (await postToken(gateway, refreshForm(other))).status,
    200,
    'another sign-in goes on',
  )
})

test('a reload forgets no refresh token that was used', async (t) => {
  const { gateway, clock, tap } = await start(t)
  const { refresh } = await signedIn(gateway, 'alice')
  const first = await postToken(gateway, refreshForm(refresh))
  const asked = tap.received.length
  await reload(gateway, { allowed_origins: ['https://a.example'] })
  assert.deepEqual((await postToken(gateway, refreshForm(refresh))).body, first.body)
  await clock.advance(60_000)
  assertEnded(await postToken(gateway, refreshForm(refresh)), /used before/)
  assert.equal(tap.received.length, asked)
})

test('an altered refresh token is invalid_grant without a request to the provider', async (t) => {
  const { gateway, tap } = await start(t)
  const { refresh } = await signedIn(gateway, 'alice')
  const asked = tap.received.length
  const starts = [...refresh.matchAll(/\./g)].map(({ index }) => index)
  const places = [0, 1, 5, ...starts.flatMap((at) => [at - 1, at, at + 1]), refresh.length - 1]
  const sample = Array.from({ length: 60 }, (_, i) => Math.floor((i * refresh.length) / 60))
  for (const at of new Set([...places, ...sample])) {
    const other = refresh[at] === 'A' ? 'B' : 'A'
    const altered = refresh.slice(0, at) + other + refresh.slice(at + 1)
    assertEnded(await postToken(gateway, refreshForm(altered)), /not made here, or was altered/)
  }
  for (const altered of [refresh.slice(0, -1), `${refresh}A`, `${refresh}.`, ` ${refresh}`]) {
    assertEnded(await postToken(gateway, refreshForm(altered)), /not made here/)
  }
  assert.equal(tap.received.length, asked)
  assert.equal((await postToken(gateway, refreshForm(refresh))).status, 200)
})

test("what was sealed for another purpose is no refresh token, nor is the provider's own", async (t) => {
  const { gateway, tap } = await start(t)
  const { refresh } = await signedIn(gateway, 'alice')
  const session = await open(refresh, keys.for('refresh token'))
  assert.ok(session, 'the test has the key')
  const asked = tap.received.length
  const others = [
    await seal(session, keys.for('mcp session id')),
    await seal({ ...session, id: 7 }, keys.for('refresh token')),
    await seal(
      session,
      deriveKeys([Buffer.alloc(32, 8).toString('base64url')]).for('refresh token'),
    ),
    String((session as { provider?: string }).provider),
  ]
  for (const other of others) {
    assertEnded(await postToken(gateway, refreshForm(other)), /not made here/)
  }
  assert.equal(tap.received.length, asked)
})

test('a session goes on under a new sealing key, and ends with the one it was sealed by', async (t) => {
  const { gateway } = await start(t)
  const { refresh } = await signedIn(gateway, 'alice')
  const newer = Buffer.alloc(32, 9).toString('base64url')
  await reload(gateway, { sealing_keys: [newer, sealingKey] })
  const { status, body } = await postToken(gateway, refreshForm(refresh))
  assert.equal(status, 200)
  await reload(gateway, { sealing_keys: [newer] })
  assertEnded(await postToken(gateway, refreshForm(refresh)), /not made here/)
  const next = await postToken(gateway, refreshForm(String(body['refresh_token'])))
  assert.equal(next.status, 200)
})

test('a refresh needs no client id; another one, and a wrong secret, are refused and spend nothing', async (t) => {
  const { gateway, tap } = await start(t)
  const { refresh } = await signedIn(gateway, 'alice')
  const asked = tap.received.length
  const id = publicClient.client_id
  const other = await postToken(gateway, refreshForm(refresh, { client_id: id }))
  assert.deepEqual([other.status, other.body['error']], [401, 'invalid_client'])
  const secret = await postToken(gateway, refreshForm(refresh, { client_secret: 'x' }))
  assert.deepEqual([secret.status, secret.body['error']], [401, 'invalid_client'])
  assert.equal(tap.received.length, asked)
  const right = await postToken(gateway, refreshForm(refresh), { authorization: basic })
  assert.equal(right.status, 200)
})

test('after a change of client id, the sessions of the one before are over', async (t) => {
  const { gateway, tap } = await start(t)
  const { refresh } = await signedIn(gateway, 'alice')
  const asked = tap.received.length
  const { identity_provider: provider } = gateway.config
  await reload(gateway, {
    identity_provider: {
      ...provider,
      client_id: publicClient.client_id,
      credential: { kind: 'none' },
    },
  })
  for (const id of ['', publicClient.client_id]) {
    const reply = await postToken(gateway, refreshForm(refresh, { client_id: id }))
    assertEnded(reply, /made for another client/)
  }
  assert.equal(tap.received.length, asked)
})

const aks: Partial<ResourceConfig> = {
  allowed_clients: [holmes.client_id],
  request_scopes: scope.split(' '),
}
const api: Partial<ResourceConfig> = {
  ...aks,
  name: 'api',
  path: '/api',
  audiences: [ownApi.id],
  request_scopes: [`${ownApi.id}/.default`, 'openid', 'offline_access'],
}
const both = [aks, api].map((over) => resourceConfig('http://127.0.0.1:9/mcp', over))

test('a refresh token for one audience gets no token for another', async (t) => {
  const { gateway, tap } = await start(t, { resources: both })
  const { refresh } = await signedIn(gateway, 'alice')
  const asked = tap.received.length
  const { status, body } = await postToken(
    gateway,
    refreshForm(refresh, { resource: `${gateway.origin}/api` }),
  )
  assert.deepEqual([status, body['error']], [400, 'invalid_target'])
  assert.match(String(body['error_description']), /another audience/)
  assert.equal(tap.received.length, asked)
  const mcp = `${gateway.origin}/mcp`
  for (const resource of [undefined, gateway.origin, mcp]) {
    const reply = await postToken(gateway, refreshForm(refresh, { resource }))
    assert.equal(reply.status, 200, resource)
    assert.equal(tap.forms().at(-1)?.get('scope'), scope)
  }
})

test('a resource that shares an audience gets no token for the audience it has alone', async (t) => {
  const shared = { ...api, audiences: [ownApi.id, aksServerId] }
  const resources = [aks, shared].map((over) => resourceConfig('http://127.0.0.1:9/mcp', over))
  const { gateway } = await start(t, { resources })
  const { refresh } = await signedIn(gateway, 'alice')
  const resource = `${gateway.origin}/api`
  assertEnded(await postToken(gateway, refreshForm(refresh, { resource })), /another audience/)
  assert.equal((await postToken(gateway, refreshForm(refresh))).status, 200)
})

test('a session whose audience no resource takes any more is over', async (t) => {
  const { gateway, tap } = await start(t, { resources: both })
  const { refresh } = await signedIn(gateway, 'alice')
  const asked = tap.received.length
  await reload(gateway, { resources: both.slice(1) })
  assertEnded(await postToken(gateway, refreshForm(refresh)), /audience of this session any more/)
  assert.equal(tap.received.length, asked)
})

test('a session is over after session_lifetime, however often it was refreshed', async (t) => {
  const { gateway, clock, tap } = await start(t, { signIn: { session_lifetime: 3 * hour } })
  let { refresh } = await signedIn(gateway, 'alice')
  for (let i = 0; i < 2; i += 1) {
    await clock.advance(hour)
    const { status, body } = await postToken(gateway, refreshForm(refresh))
    assert.equal(status, 200)
    refresh = String(body['refresh_token'])
  }
  await clock.advance(hour - 1000)
  const last = await postToken(gateway, refreshForm(refresh))
  assert.equal(last.status, 200)
  await clock.advance(1000)
  const asked = tap.received.length
  for (const token of [refresh, String(last.body['refresh_token'])]) {
    assertEnded(await postToken(gateway, refreshForm(token)), /sign_in\.session_lifetime/)
  }
  assert.equal(tap.received.length, asked)
})

test('sessions_valid_after ends every session that began before it, and no later one', async (t) => {
  const { gateway, clock, tap } = await start(t)
  const before = await signedIn(gateway, 'alice')
  await clock.advance(1000)
  const { sign_in: signIn } = gateway.config
  assert.ok(signIn.mode === 'relay')
  await reload(gateway, { sign_in: { ...signIn, sessions_valid_after: clock.now() } })
  const later = await signedIn(gateway, 'bob')
  const asked = tap.received.length
  assertEnded(await postToken(gateway, refreshForm(before.refresh)), /ended by the operator/)
  assert.equal(tap.received.length, asked)
  assert.equal((await postToken(gateway, refreshForm(later.refresh))).status, 200)
})

test('a session that the provider refreshes to another person is over', async (t) => {
  const { gateway, tap, entra } = await start(t)
  const { refresh } = await signedIn(gateway, 'alice')
  const bob = await entra.mint({ person: 'bob' })
  tap.answerWith((_request, response) => {
    const body = { access_token: bob, token_type: 'Bearer', expires_in: 3600, refresh_token: 'x' }
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  })
  const reply = await postToken(gateway, refreshForm(refresh))
  assertEnded(reply, /to another person/)
  assert.ok(!JSON.stringify(reply.body).includes(bob))
  tap.answerWith(undefined)
  const asked = tap.received.length
  assertEnded(await postToken(gateway, refreshForm(refresh)), /to another person/)
  assert.equal(tap.received.length, asked, 'it is remembered')
})

for (const [what, end, words] of [
  ['disabled', 'disable', /AADSTS50057/],
  ['revoked', 'revoke', /AADSTS50173/],
] as const) {
  test(`a person whose account was ${what} is out at the next refresh, for good`, async (t) => {
    const { gateway, entra, tap } = await start(t)
    const alice = await signedIn(gateway, 'alice')
    const bob = await signedIn(gateway, 'bob')
    entra[end]('alice')
    assertEnded(await postToken(gateway, refreshForm(alice.refresh)), words)
    const told = await gateway.logged((line) => line['provider_error'] === 'invalid_grant')
    assert.deepEqual(
      [told['kind'], told['step'], told['user'], told['decision']],
      ['sign_in', 'refresh', 'alice@contoso.test', 'refuse'],
    )
    const asked = tap.received.length
    entra.reset()
    for (let i = 0; i < 5; i += 1) {
      assertEnded(await postToken(gateway, refreshForm(alice.refresh)), words)
    }
    assert.equal(tap.received.length, asked)
    assert.equal((await postToken(gateway, refreshForm(bob.refresh))).status, 200)
  })
}

/** What Entra refuses a refresh with, and a word of the remedy. */
const refusals: Readonly<Record<number, RegExp>> = {
  50076: /What you can do|administrator/,
  50079: /What you can do|administrator/,
  50105: /administrator/,
  50132: /sign in/i,
  50173: /sign in/i,
  53000: /administrator/,
  53003: /administrator/,
  65001: /administrator|consent/i,
  70000: /sign in/i,
  70008: /sign in/i,
  70043: /sign in/i,
  700082: /sign in/i,
  700084: /sign in|operator/i,
  90009: /operator|request_scopes/,
  700016: /operator|client_id/,
  7000112: /administrator|operator/,
  9010010: /operator|resource/,
}
test('an OAuth error at refresh is invalid_grant with the remedy, and is remembered', async (t) => {
  const { gateway, entra, tap } = await start(t)
  for (const [text, words] of Object.entries(refusals)) {
    const { refresh } = await signedIn(gateway, 'alice')
    const code = Number(text)
    entra.fail({ at: 'refresh', code: code as Parameters<typeof entra.fail>[0]['code'] })
    const first = await postToken(gateway, refreshForm(refresh))
    assertEnded(first, new RegExp(`\\(AADSTS${code}\\)`))
    assertEnded(first, words)
    assert.match(String(first.body['error_description']), /^[\x20-\x7e]{1,300}$/)
    const asked = tap.received.length
    assertEnded(await postToken(gateway, refreshForm(refresh)), words)
    assert.equal(tap.received.length, asked, text)
  }
})

test('a provider that gave no refresh token: none is handed out, and the operator is told at once', async (t) => {
  const { gateway, entra } = await start(t)
  const code = await codeFor(entra, 'alice', { scope: `${aksServerId}/.default openid` })
  const { status, body } = await postToken(gateway, codeForm(code))
  assert.deepEqual([status, body['refresh_token']], [200, undefined])
  assert.ok(Number.isInteger(body['expires_in']))
  const line = await gateway.logged(({ reason }) => reason === 'no_refresh_token')
  assert.deepEqual(
    [line['level'], line['kind'], line['step'], line['user'], line['decision']],
    ['warn', 'sign_in', 'token', 'alice@contoso.test', 'allow'],
  )
  assert.match(String(line['remedy']), /offline_access/)
})

test('a session that can be refreshed brings no such line', async (t) => {
  const { gateway } = await start(t)
  await signedIn(gateway, 'alice')
  assert.deepEqual(
    gateway.log.filter(({ reason }) => reason === 'no_refresh_token'),
    [],
  )
})

test('what was issued says no more of the session than its token', async (t) => {
  const { gateway } = await start(t)
  const { refresh } = await signedIn(gateway, 'alice')
  const session = await open(refresh, keys.for('refresh token'))
  assert.ok(typeof session === 'object' && session !== null)
  assert.deepEqual(Object.keys(session).sort(), [
    'began',
    'bound',
    'client',
    'ends',
    'family',
    'generation',
    'id',
    'provider',
    'tokens',
    'user',
    'userName',
  ])
})
