import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { type TestContext, test } from 'node:test'
import {
  aksServerId,
  holmes,
  ownApi,
  publicClient,
} from '../../environment/mock-entra/directory.ts'
import { entraConfig, resourceConfig, startEntra } from '../../support/gateway.ts'
import {
  basic,
  type Change,
  codeFor,
  codeForm,
  postToken,
  redirectUri,
  scope,
  signedIn,
  startRelay,
  type TokenReply,
  verifier,
} from '../../support/relay-gateway.ts'
import { tapTokenEndpoint } from '../../support/token-tap.ts'

async function start(t: TestContext, options: Parameters<typeof startRelay>[1] = {}) {
  const entra = await startEntra(t)
  const tap = await tapTokenEndpoint(t, entra)
  const gateway = await startRelay(t, { ...options, entra })
  return { entra, tap, gateway }
}

function assertRefused(reply: TokenReply, status: number, error: string, words: RegExp): void {
  assert.deepEqual([reply.status, reply.body['error']], [status, error], JSON.stringify(reply.body))
  assert.match(String(reply.body['error_description']), words)
}

test('nothing but our own client id reaches the identity provider, and the code stays good', async (t) => {
  const { gateway, entra, tap } = await start(t)
  const code = await codeFor(entra, 'alice')
  const others = [
    publicClient.client_id,
    holmes.client_id.toUpperCase(),
    `${holmes.client_id} `,
    `${holmes.client_id}\0`,
    `${holmes.client_id},${publicClient.client_id}`,
    aksServerId,
    'holmes',
    '*',
    'https://platform.robusta.dev/client.json',
  ]
  for (const id of others) {
    const reply = await postToken(gateway, codeForm(code, { client_id: id }))
    assertRefused(reply, 401, 'invalid_client', /identity_provider\.client_id/)
    assert.equal(reply.headers.get('www-authenticate'), null)
    const text = Buffer.from(`${id}:x`).toString('base64')
    const inHeader = await postToken(gateway, codeForm(code, { client_id: undefined }), {
      authorization: `Basic ${text}`,
    })
    assertRefused(inHeader, 401, 'invalid_client', /client_id/)
    assert.match(inHeader.headers.get('www-authenticate') ?? '', /^Basic /)
  }
  const none = await postToken(gateway, codeForm(code, { client_id: undefined }))
  assertRefused(none, 400, 'invalid_request', /client_id is missing/)
  assert.equal(tap.received.length, 0)
  assert.equal((await postToken(gateway, codeForm(code))).status, 200)
})

test('a wrong secret is 401 either way, without a request to the provider, and the code stays good', async (t) => {
  const { gateway, entra, tap } = await start(t)
  const code = await codeFor(entra, 'alice')
  const wrong = ['x', `${holmes.client_secret}x`, holmes.client_secret?.toUpperCase() ?? '']
  for (const secret of wrong) {
    const inForm = await postToken(gateway, codeForm(code, { client_secret: secret }))
    assertRefused(inForm, 401, 'invalid_client', /send none at all, since rolecall adds it/)
    const authorization = `Basic ${Buffer.from(`${holmes.client_id}:${secret}`).toString('base64')}`
    const inHeader = await postToken(gateway, codeForm(code), { authorization })
    assertRefused(inHeader, 401, 'invalid_client', /secret/)
  }
  const twice = await postToken(gateway, codeForm(code, { client_secret: 'x' }), {
    authorization: basic,
  })
  assertRefused(twice, 400, 'invalid_request', /use one of them/)
  assert.equal(tap.received.length, 0)
  const right = await postToken(gateway, codeForm(code), { authorization: basic })
  assert.equal(right.status, 200)
})

test('with another credential than a secret, a client that shows one is refused', async (t) => {
  const entra = await startEntra(t)
  const gateway = await startRelay(t, {
    entra,
    config: {
      identity_provider: entraConfig(entra, { client_id: publicClient.client_id }),
    },
  })
  const form = codeForm('x', { client_id: publicClient.client_id, client_secret: 'x' })
  assertRefused(await postToken(gateway, form), 401, 'invalid_client', /send none at all/)
})

test('a redirect URI that is not configured is refused before anybody is asked', async (t) => {
  const { gateway, entra, tap } = await start(t, { signIn: { redirect_uris: ['robusta'] } })
  const code = await codeFor(entra, 'alice')
  const others = [
    'https://platform.robusta.dev.evil.example/oauth/callback.html',
    'https://platform.robusta.dev/oauth/callback.html/..',
    'https://platform.robusta.dev:8443/oauth/callback.html',
    'https://platform.robusta.dev/oauth/callback.html?x=1',
    'https://PLATFORM.robusta.dev/oauth/callback.html',
    'http://localhost/oauth/callback',
    'http://127.0.0.1:8080/callback',
    'https://spa.contoso.test/callback',
    `${gateway.origin}/oauth/callback`,
    'urn:ietf:wg:oauth:2.0:oob',
    'javascript:alert(1)',
    '\u202e\r\nSet-Cookie: x',
  ]
  for (const uri of others) {
    const reply = await postToken(gateway, codeForm(code, { redirect_uri: uri }))
    assertRefused(reply, 400, 'invalid_grant', /sign_in\.redirect_uris/)
    assert.match(String(reply.body['error_description']), /^[\x20-\x7e]{1,300}$/)
  }
  for (const none of [undefined, '']) {
    const reply = await postToken(gateway, codeForm(code, { redirect_uri: none }))
    assertRefused(reply, 400, 'invalid_request', /redirect_uri is missing/)
  }
  assert.equal(tap.received.length, 0)
  assert.equal((await postToken(gateway, codeForm(code))).status, 200)
})

test('a redirect URI that is configured, but not the one of the code, gets no tokens', async (t) => {
  const { gateway, entra } = await start(t)
  const code = await codeFor(entra, 'alice')
  const eu = 'https://platform.eu.robusta.dev/oauth/callback.html'
  const reply = await postToken(gateway, codeForm(code, { redirect_uri: eu }))
  assertRefused(reply, 400, 'invalid_grant', /AADSTS500112/)
  assert.equal((await postToken(gateway, codeForm(code))).status, 200)
})

test('the code of another client of the tenant gets no tokens', async (t) => {
  const { gateway, entra } = await start(t)
  const loopback = 'http://localhost:8500/'
  const code = await codeFor(entra, 'alice', {
    client_id: publicClient.client_id,
    redirect_uri: loopback,
  })
  const reply = await postToken(gateway, codeForm(code, { redirect_uri: loopback }))
  assertRefused(reply, 400, 'invalid_grant', /AADSTS70000/)
})

test('a code is good once, whether the client shows a secret or not', async (t) => {
  const { gateway, entra } = await start(t)
  const code = await codeFor(entra, 'alice')
  assert.equal((await postToken(gateway, codeForm(code))).status, 200)
  for (const headers of [{}, { authorization: basic }]) {
    const reply = await postToken(gateway, codeForm(code), headers)
    assertRefused(reply, 400, 'invalid_grant', /AADSTS54005/)
  }
})

test('a code raced fifty ways brings tokens once', async (t) => {
  const { gateway, entra } = await start(t)
  const code = await codeFor(entra, 'alice')
  const replies = await Promise.all(
    Array.from({ length: 50 }, () => postToken(gateway, codeForm(code))),
  )
  const won = replies.filter(({ status }) => status === 200)
  assert.equal(won.length, 1)
  for (const { status, body } of replies) {
    if (status !== 200) assert.deepEqual([status, body['error']], [400, 'invalid_grant'])
  }
})

test('a code that was made up, or that is none, is invalid_grant', async (t) => {
  const { gateway, tap } = await start(t)
  for (const code of ['x', '1.AVYA', 'a'.repeat(20_000), '\0\r\n', '"><script>']) {
    const reply = await postToken(gateway, codeForm(code))
    assert.deepEqual([reply.status, reply.body['error']], [400, 'invalid_grant'])
  }
  assert.equal(tap.received.length, 5)
})

const verifiers: Readonly<Record<string, readonly [Change, string, RegExp]>> = {
  missing: [{ code_verifier: undefined }, 'invalid_request', /PKCE is required/],
  empty: [{ code_verifier: '' }, 'invalid_request', /PKCE is required/],
  'too short': [{ code_verifier: 'a'.repeat(42) }, 'invalid_request', /43 to 128/],
  'of other characters': [{ code_verifier: `${verifier} ` }, 'invalid_request', /43 to 128/],
  'another one': [{ code_verifier: `${verifier}x` }, 'invalid_grant', /AADSTS501481/],
  'in another case': [{ code_verifier: verifier.toUpperCase() }, 'invalid_grant', /AADSTS501481/],
  'the challenge itself': [
    { code_verifier: createHash('sha256').update(verifier).digest('base64url') },
    'invalid_grant',
    /AADSTS501481/,
  ],
}
test('without the right verifier there are no tokens, and the code stays good', async (t) => {
  const { gateway, entra } = await start(t)
  const code = await codeFor(entra, 'alice')
  for (const [what, [change, error, words]] of Object.entries(verifiers)) {
    await t.test(`the verifier is ${what}`, async () => {
      assertRefused(await postToken(gateway, codeForm(code, change)), 400, error, words)
    })
  }
  assert.equal((await postToken(gateway, codeForm(code))).status, 200)
})

test('a code that was asked for without PKCE gets no tokens', async (t) => {
  const { gateway, entra } = await start(t)
  const code = await codeFor(entra, 'alice', {
    code_challenge: undefined,
    code_challenge_method: undefined,
  })
  const reply = await postToken(gateway, codeForm(code))
  assertRefused(reply, 400, 'invalid_grant', /AADSTS501481/)
})

test('the scope is ours and goes along; `resource`, Origin and what else a client sends do not', async (t) => {
  const { gateway, entra, tap } = await start(t)
  const code = await codeFor(entra, 'alice')
  const change = {
    scope: 'https://graph.microsoft.com/.default',
    resource: `${gateway.origin}/mcp`,
    audience: 'x',
    state: 'x',
    nonce: 'x',
    client_info: '1',
  }
  const headers = {
    origin: 'https://platform.robusta.dev',
    cookie: 'a=b',
    'x-forwarded-for': '::1',
  }
  const reply = await postToken(gateway, codeForm(code, change), headers)
  assert.equal(reply.status, 200, JSON.stringify(reply.body))
  const refresh = String(reply.body['refresh_token'])
  const form = { grant_type: 'refresh_token', refresh_token: refresh, ...change }
  assert.equal((await postToken(gateway, form, headers)).status, 200)
  const [first, second] = tap.forms()
  assert.deepEqual(Object.fromEntries(first ?? []), {
    grant_type: 'authorization_code',
    code,
    redirect_uri: redirectUri,
    code_verifier: verifier,
    scope,
    client_id: holmes.client_id,
    client_secret: holmes.client_secret,
  })
  assert.deepEqual([...(second?.keys() ?? [])].sort(), [
    'client_id',
    'client_secret',
    'grant_type',
    'refresh_token',
    'scope',
  ])
  assert.equal(second?.get('scope'), scope)
  for (const { headers: sent } of tap.received) {
    for (const name of ['origin', 'referer', 'cookie', 'x-forwarded-for', 'authorization']) {
      assert.equal(sent[name], undefined, name)
    }
  }
})

test('a resource that is not ours is invalid_target before anybody is asked', async (t) => {
  const { gateway, entra, tap } = await start(t)
  const code = await codeFor(entra, 'alice')
  for (const resource of ['https://evil.example/mcp', `${gateway.origin}/mcp/x`, aksServerId]) {
    const reply = await postToken(gateway, codeForm(code, { resource }))
    assertRefused(reply, 400, 'invalid_target', /expected http:\/\/localhost:\d+\/mcp/)
  }
  assert.equal(tap.received.length, 0)
  const slash = await postToken(gateway, codeForm(code, { resource: `${gateway.origin}/mcp/` }))
  assert.equal(slash.status, 200)
})

const apiScope = `${ownApi.id}/.default openid profile offline_access`
const two = [
  resourceConfig('http://127.0.0.1:9/mcp', {
    allowed_clients: [holmes.client_id],
    request_scopes: scope.split(' '),
  }),
  resourceConfig('http://127.0.0.1:9/mcp', {
    name: 'api',
    path: '/api',
    audiences: [ownApi.id],
    allowed_clients: [holmes.client_id],
    request_scopes: apiScope.split(' '),
  }),
]

function audienceOf(token: unknown): unknown {
  const [, claims = ''] = String(token).split('.')
  return JSON.parse(Buffer.from(claims, 'base64url').toString()).aud
}

test('where resources differ, the code says which of them the tokens are for', async (t) => {
  const { gateway, entra, tap } = await start(t, { resources: two })
  for (const [asked, audience] of [
    [scope, aksServerId],
    [apiScope, ownApi.id],
  ] as const) {
    const code = await codeFor(entra, 'alice', { scope: asked })
    const reply = await postToken(gateway, codeForm(code))
    assert.equal(reply.status, 200, JSON.stringify(reply.body))
    assert.equal(audienceOf(reply.body['access_token']), audience)
    assert.equal(reply.body['scope'], asked)
    assert.equal(tap.forms().at(-1)?.has('scope'), false)
  }
})

test('a code for another audience gets no tokens, and the words name both audiences', async (t) => {
  const { gateway, entra } = await start(t, { resources: two })
  const graph = 'https://graph.microsoft.com/User.Read openid offline_access'
  const code = await codeFor(entra, 'alice', { scope: graph })
  const reply = await postToken(gateway, codeForm(code))
  assertRefused(reply, 400, 'invalid_grant', /Graph/)
  assert.equal('access_token' in reply.body, false)
})

test('a token of one resource is not handed out for another, whatever the provider gives', async (t) => {
  const { gateway, entra, tap } = await start(t, { resources: two })
  const { access } = await signedIn(gateway, 'alice')
  tap.answerWith((_request, response) => {
    const body = { access_token: access, token_type: 'Bearer', expires_in: 3600 }
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  })
  const code = await codeFor(entra, 'alice', { scope: apiScope })
  const resource = `${gateway.origin}/api`
  const reply = await postToken(gateway, codeForm(code, { resource }))
  assertRefused(reply, 400, 'invalid_grant', /audiences/)
  tap.answerWith(undefined)
  assert.equal((await postToken(gateway, codeForm(code, { resource }))).status, 200)
})

test('an ID token, an app token and a token of another client are not handed out as access tokens', async (t) => {
  const { gateway, entra, tap } = await start(t)
  const tokens = [
    await entra.mint({ kind: 'id', audience: aksServerId }),
    await entra.mint({ kind: 'app' }),
    await entra.mint({ kind: 'graph' }),
    await entra.mint({ client: publicClient.client_id }),
    await entra.mint({ lifetime: -1 }),
    await entra.mint({ signature: 'edited' }),
    await entra.mint({ signature: 'none' }),
    await entra.mint({ signature: 'HS256' }),
    'an-opaque-token',
    'a.b.c',
  ]
  const code = await codeFor(entra, 'alice')
  for (const [i, token] of tokens.entries()) {
    tap.answerWith((_request, response) => {
      const body = { access_token: token, token_type: 'Bearer', expires_in: 3600 }
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    })
    const reply = await postToken(gateway, codeForm(code))
    assertRefused(reply, 400, 'invalid_grant', /provider issued a.*token/)
    assert.ok(!JSON.stringify(reply.body).includes(token), String(i))
  }
  tap.answerWith(undefined)
  assert.equal((await postToken(gateway, codeForm(code))).status, 200)
})
