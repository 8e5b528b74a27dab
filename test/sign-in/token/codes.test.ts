import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { clientRedirect } from '../../support/broker-client.ts'
import { type BrokerOptions, startBroker } from '../../support/broker-gateway.ts'
import {
  authorizeUrl,
  challengeOf,
  codeFor,
  codeForm,
  endpoint,
  postForm,
  refreshForm,
} from '../../support/broker-sign-in.ts'
import { SimulatedClock } from '../../support/clock.ts'
import { limitsWith } from '../../support/defaults.ts'
import { startEntra } from '../../support/gateway.ts'
import { send } from '../../support/raw-http.ts'
import { type Change, form, type TokenReply, verifier } from '../../support/relay-gateway.ts'
import { tapTokenEndpoint } from '../../support/token-tap.ts'

const secret = 'the-secret-of-the-confidential-client'

/** A rolecall on a simulated clock, with three clients and a tap at the provider. */
async function start(t: TestContext, options: BrokerOptions = {}) {
  const clock = new SimulatedClock(Date.now())
  const entra = await startEntra(t, { clock })
  const tap = await tapTokenEndpoint(t, entra)
  const redirect_uris = ['loopback', 'robusta']
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
  })
  const url = endpoint(gateway, 'token')
  return {
    gateway,
    clock,
    tap,
    url,
    code: (change?: Change) => codeFor(gateway, 'alice', authorizeUrl(gateway, change)),
    redeem: (code: string, change?: Change, headers?: Record<string, string>) =>
      postForm(url, codeForm(code, change), headers),
    ask: (change: Change, headers?: Record<string, string>) => postForm(url, change, headers),
  }
}

function assertError(reply: TokenReply, status: number, error: string, words = /./): void {
  const { body, headers } = reply
  assert.deepEqual([reply.status, body['error']], [status, error], JSON.stringify(body))
  assert.match(String(body['error_description']), words)
  assert.match(String(body['error_description']), /^[\x20\x21\x23-\x5b\x5d-\x7e]+$/)
  assert.equal(body['access_token'] ?? body['refresh_token'], undefined)
  assert.equal(headers.get('cache-control'), 'no-store')
}

test('a code is good once, and its tokens stay good when it comes again', async (t) => {
  const { code, redeem, ask, tap, clock } = await start(t)
  const one = await code()
  const first = await redeem(one)
  assert.equal(first.status, 200)
  assert.equal(first.headers.get('cache-control'), 'no-store')
  assert.equal(first.headers.get('pragma'), 'no-cache')
  for (const wait of [0, 1_000, 58_000, 60_000]) {
    await clock.advance(wait)
    assertError(await redeem(one), 400, 'invalid_grant')
  }
  assert.equal(tap.received.length, 1)
  const refreshed = await ask(refreshForm(String(first.body['refresh_token'])))
  assert.equal(refreshed.status, 200)
})

test('raced fifty ways, a code brings tokens to exactly one', async (t) => {
  const { code, redeem, tap } = await start(t)
  const one = await code()
  const replies = await Promise.all(Array.from({ length: 50 }, () => redeem(one)))
  const good = replies.filter(({ status }) => status === 200)
  assert.equal(good.length, 1)
  for (const reply of replies) {
    if (reply !== good[0]) assertError(reply, 400, 'invalid_grant', /redeemed before/)
  }
  assert.equal(tap.received.length, 1)
})

test('raced among wrong ones, the right one brings tokens', async (t) => {
  const { code, redeem, tap } = await start(t)
  const one = await code()
  const wrong: readonly Change[] = [
    { code_verifier: 'another-verifier-that-is-long-enough-for-rfc-7636' },
    { client_id: 'other' },
    { redirect_uri: 'http://127.0.0.1:7778/callback' },
    { resource: 'https://evil.example' },
  ]
  const changes = Array.from({ length: 40 }, (_, at) => (at === 20 ? {} : wrong[at % 4]))
  const replies = await Promise.all(changes.map((change) => redeem(one, change)))
  assert.deepEqual(
    replies.flatMap(({ status }, at) => (status === 200 ? [at] : [])),
    [20],
  )
  assert.equal(tap.received.length, 1)
})

/** Whoever has the code and nothing else. */
const thieves: readonly [string, Change, number, string, RegExp][] = [
  [
    'another verifier',
    { code_verifier: 'another-verifier-that-is-long-enough-for-rfc-7636' },
    400,
    'invalid_grant',
    /code_verifier/,
  ],
  [
    'the challenge for the verifier',
    { code_verifier: challengeOf(verifier) },
    400,
    'invalid_grant',
    /code_verifier/,
  ],
  [
    'the verifier in another case',
    { code_verifier: verifier.toUpperCase() },
    400,
    'invalid_grant',
    /code_verifier/,
  ],
  ['no verifier', { code_verifier: undefined }, 400, 'invalid_request', /PKCE is required/],
  ['an empty verifier', { code_verifier: '' }, 400, 'invalid_request', /PKCE is required/],
  ['a short verifier', { code_verifier: 'v'.repeat(42) }, 400, 'invalid_request', /43 to 128/],
  ['a long verifier', { code_verifier: 'v'.repeat(129) }, 400, 'invalid_request', /43 to 128/],
  ['another client', { client_id: 'other' }, 400, 'invalid_grant', /another client/],
  ['nobody', { client_id: undefined }, 400, 'invalid_request', /client_id is missing/],
  ['an empty name', { client_id: '' }, 400, 'invalid_request', /client_id is missing/],
  ['a stranger', { client_id: 'stranger' }, 401, 'invalid_client', /not known/],
  ['our own page', { client_id: 'rolecall' }, 401, 'invalid_client', /not known/],
  ['a client that has a secret', { client_id: 'confidential' }, 401, 'invalid_client', /secret/],
  [
    'a public client with a secret',
    { client_secret: secret },
    401,
    'invalid_client',
    /has no secret/,
  ],
  [
    'another port',
    { redirect_uri: 'http://127.0.0.1:7778/callback' },
    400,
    'invalid_grant',
    /another redirect_uri/,
  ],
  [
    'a slash more',
    { redirect_uri: `${clientRedirect}/` },
    400,
    'invalid_grant',
    /another redirect_uri/,
  ],
  [
    'another host',
    { redirect_uri: 'https://evil.example/' },
    400,
    'invalid_grant',
    /another redirect_uri/,
  ],
  [
    'another resource',
    { resource: 'https://evil.example/mcp' },
    400,
    'invalid_target',
    /expected http/,
  ],
]

test('a stolen code is worth nothing, and stays good for whom it was made', async (t) => {
  const { code, redeem, tap } = await start(t)
  const one = await code()
  for (const [what, change, status, error, words] of thieves) {
    const reply = await redeem(one, change)
    await t.test(what, () => assertError(reply, status, error, words))
  }
  assert.equal(tap.received.length, 0, 'the provider heard of none')
  assert.equal((await redeem(one)).status, 200)
})

test('the redirect_uri and the resource may be left out', async (t) => {
  const { code, redeem, gateway } = await start(t)
  const changes: readonly Change[] = [
    { redirect_uri: undefined },
    { redirect_uri: '' },
    { resource: gateway.url },
    { resource: `${gateway.url}/` },
    { resource: gateway.origin },
    { resource: '', scope: 'evil', audience: 'x', code_challenge: 'x', unknown: 'x' },
  ]
  for (const change of changes) assert.equal((await redeem(await code(), change)).status, 200)
})

test('a code that was altered, cut or made up is invalid_grant, and the provider hears nothing', async (t) => {
  // More of them than one address may redeem in a minute.
  const limits = limitsWith({ sign_ins_per_minute: 1_000 })
  const { code, redeem, tap } = await start(t, { config: { limits } })
  const one = await code()
  const step = Math.ceil(one.length / 60)
  const altered = Array.from({ length: 60 }, (_, number) => {
    const at = Math.min(number * step, one.length - 1)
    return one.slice(0, at) + (one[at] === 'A' ? 'B' : 'A') + one.slice(at + 1)
  })
  const made = [
    one.slice(0, -1),
    `${one}A`,
    `${one}=`,
    ` ${one}`,
    one.toLowerCase(),
    'x',
    '1.AVYA-a-code-of-entra',
    'null',
    '{"id":"x"}',
    '....',
    'x'.repeat(60_000),
  ]
  for (const wrong of [...altered, ...made]) {
    assertError(await redeem(wrong), 400, 'invalid_grant', /not made here, or was altered/)
  }
  assertError(await redeem(''), 400, 'invalid_request', /code is missing/)
  assert.equal(tap.received.length, 0)
  assert.equal((await redeem(one)).status, 200)
})

test('a code is good for 60 seconds', async (t) => {
  const { code, redeem, clock, tap } = await start(t)
  const [first, second] = [await code(), await code()]
  await clock.advance(60_000)
  assert.equal((await redeem(first)).status, 200)
  await clock.advance(1)
  assertError(await redeem(second), 400, 'invalid_grant', /60 seconds/)
  assert.equal(tap.received.length, 1)
})

test('a confidential client redeems with its secret in either way, and not without', async (t) => {
  const { code, redeem, tap } = await start(t)
  const basicOf = (id: string, text: string) =>
    `Basic ${Buffer.from(`${id}:${text}`).toString('base64')}`
  const one = await code({ client_id: 'confidential' })
  const client_id = 'confidential'
  const refused: readonly [Change, string?][] = [
    [{ client_id }],
    [{ client_id, client_secret: 'wrong' }],
    [{ client_id, client_secret: `${secret} ` }],
    [{ client_id, client_secret: secret.toUpperCase() }],
    [{ client_id, client_secret: '' }],
    [{ client_id }, basicOf(client_id, 'wrong')],
    [{ client_id }, basicOf(client_id, '')],
    [{ client_id: undefined }, basicOf('stranger', secret)],
    [{ client_id }, `Bearer ${secret}`],
  ]
  for (const [change, authorization] of refused) {
    const reply = await redeem(one, change, authorization === undefined ? {} : { authorization })
    assertError(reply, 401, 'invalid_client')
    const challenge = reply.headers.get('www-authenticate')
    assert.equal(challenge, authorization === undefined ? null : 'Basic realm="rolecall"')
  }
  const authorization = basicOf(client_id, secret)
  const twice = await redeem(one, { client_id, client_secret: secret }, { authorization })
  assertError(twice, 400, 'invalid_request', /use one of them/)
  const mixed = await redeem(one, { client_id: 'holmes' }, { authorization })
  assertError(mixed, 400, 'invalid_request', /another than that of the header/)
  const asPublic = await redeem(one, { client_id: 'holmes' })
  assertError(asPublic, 400, 'invalid_grant', /another client/)
  assert.equal(tap.received.length, 0)
  assert.equal((await redeem(one, { client_id, client_secret: secret })).status, 200)
  const second = await code({ client_id })
  const header = await redeem(second, { client_id: undefined }, { authorization })
  assert.equal(header.status, 200)
})

const grants = [
  'client_credentials',
  'password',
  'implicit',
  'urn:ietf:params:oauth:grant-type:device_code',
  'urn:ietf:params:oauth:grant-type:jwt-bearer',
  'urn:ietf:params:oauth:grant-type:saml2-bearer',
  'urn:ietf:params:oauth:grant-type:token-exchange',
  'urn:openid:params:grant-type:ciba',
  'Authorization_Code',
  'authorization_code ',
  'authorization_code refresh_token',
  '__proto__',
  'x'.repeat(5_000),
]

test('no other grant is taken, though our own credential could get one at the provider', async (t) => {
  const { ask, code, tap, gateway } = await start(t)
  const one = await code()
  const assertion = await gateway.entra.mint()
  for (const grant_type of grants) {
    const reply = await ask({
      ...codeForm(one),
      grant_type,
      assertion,
      subject_token: assertion,
      username: 'alice',
      password: 'x',
      device_code: 'x',
      scope: 'https://graph.microsoft.com/.default',
      requested_token_use: 'on_behalf_of',
    })
    assertError(reply, 400, 'unsupported_grant_type', /authorization_code or refresh_token/)
  }
  for (const grant_type of [undefined, '']) {
    const reply = await ask({ ...codeForm(one), grant_type })
    assertError(reply, 400, 'invalid_request', /grant_type is missing/)
  }
  assert.equal(tap.received.length, 0)
})

test('a request that can be read in two ways is refused, and spends nothing', async (t) => {
  const { code, redeem, url, tap } = await start(t)
  const one = await code()
  const good = form(codeForm(one)).toString()
  const type = 'application/x-www-form-urlencoded'
  const posts: readonly (readonly [string, string, string, number, string])[] = [
    ...['code', 'client_id', 'redirect_uri', 'code_verifier', 'grant_type'].map(
      (name) => [url, type, `${good}&${name}=x`, 400, 'invalid_request'] as const,
    ),
    [url, type, `${good}&resource=a&resource=b`, 400, 'invalid_target'],
    [url, type, `${good}&access_token=x`, 400, 'invalid_request'],
    [`${url}?${good}`, type, '', 400, 'invalid_request'],
    [`${url}?x=y`, type, good, 400, 'invalid_request'],
    [url, 'application/json', JSON.stringify(codeForm(one)), 400, 'invalid_request'],
    [url, 'text/plain', good, 400, 'invalid_request'],
    [url, 'multipart/form-data; boundary=x', good, 400, 'invalid_request'],
    [url, type, `${good}&x=${'x'.repeat(70_000)}`, 413, 'body_too_large'],
    [url, type, '', 400, 'invalid_request'],
  ]
  for (const [at, contentType, body, status, error] of posts) {
    const headers = [['Content-Type', contentType]] as const
    const answer = await send(at, { method: 'POST', headers, body })
    assert.deepEqual([answer.status, answer.json()['error']], [status, error], body.slice(-60))
  }
  const twoHeaders = await send(url, {
    method: 'POST',
    headers: [
      ['Content-Type', type],
      ['Authorization', 'Basic aDp4'],
      ['Authorization', 'Basic aDp4'],
    ],
    body: good,
  })
  assert.deepEqual([twoHeaders.status, twoHeaders.json()['error']], [400, 'invalid_request'])
  assert.equal(tap.received.length, 0)
  assert.equal((await redeem(one)).status, 200)
})
