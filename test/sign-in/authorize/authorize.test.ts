import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { clientRedirect } from '../../support/broker-client.ts'
import {
  type BrokerGateway,
  type BrokerOptions,
  startBroker,
} from '../../support/broker-gateway.ts'
import {
  authorizeUrl,
  challengeOf,
  endpoint,
  locationOf,
  state,
  toCallback,
} from '../../support/broker-sign-in.ts'
import {
  assertPage,
  assertPrivate,
  assertRefused,
  assertTold,
} from '../../support/browser-answers.ts'
import { startEntra } from '../../support/gateway.ts'
import { send } from '../../support/raw-http.ts'
import { type Change, scope, verifier } from '../../support/relay-gateway.ts'

/** A rolecall, and what its authorize endpoint answers to a good request that was changed. */
async function start(t: TestContext, options: BrokerOptions = {}) {
  const broker = await startBroker(t, options)
  const { gateway, browser } = broker
  return {
    ...broker,
    ask: (change: Change) => browser.get(authorizeUrl(gateway, change)),
    asked: (query: string) => browser.get(`${endpoint(gateway, 'authorize')}?${query}`),
    client: { at: clientRedirect, state, iss: gateway.origin },
  }
}

const atAuthorize = ({ gateway }: BrokerGateway) =>
  gateway.entra.requests(`/${gateway.entra.tenantId}/oauth2/v2.0/authorize`)

const unknown: Readonly<Record<string, string | undefined>> = {
  'nobody at all': undefined,
  'an empty name': '',
  'a name that nobody has': 'stranger',
  'the name in another case': 'Holmes',
  'the name with a space': 'holmes ',
  'a member of every object': '__proto__',
  'another one': 'constructor',
  'a registration that was made up': `rc1.${'A'.repeat(60)}.${'B'.repeat(32)}`,
  'a document on a host that is not fetched from': 'https://client.example/metadata.json',
  'a document on this machine': 'https://localhost/metadata.json',
  'a script': 'javascript:alert(1)',
  '20,000 characters': 'c'.repeat(20_000),
}
test('a client that is not known gets a page, and nothing is sent anywhere', async (t) => {
  const broker = await start(t)
  for (const [what, clientId] of Object.entries(unknown)) {
    const answer = await broker.ask({ client_id: clientId })
    await t.test(what, async () => {
      assert.doesNotMatch(await assertRefused(answer, 400), /7777|alert\(/)
    })
  }
  assert.equal(atAuthorize(broker), 0)
})

test('a parameter that is there twice gets a page, whichever it is and even with one value', async (t) => {
  const { asked, gateway } = await start(t)
  const good = new URL(authorizeUrl(gateway, { scope: 'mcp' })).searchParams
  for (const name of [...good.keys(), 'prompt', 'request', 'unknown']) {
    for (const second of [good.get(name) ?? 'x', 'https://evil.example/', '']) {
      const query = new URLSearchParams(good)
      if (!good.has(name)) query.append(name, 'x')
      query.append(name, second)
      await assertRefused(await asked(query.toString()), 400, /there twice/)
    }
  }
})

test('an access token in the address is refused', async (t) => {
  const { ask } = await start(t)
  for (const token of ['secret-token', '']) {
    const text = await assertRefused(await ask({ access_token: token }), 400, /never in the URL/)
    assert.doesNotMatch(text, /secret-token/)
  }
})

const badRequests: readonly [string, Change, string, RegExp][] = [
  ['no response_type', { response_type: undefined }, 'invalid_request', /response_type/],
  ['token', { response_type: 'token' }, 'unsupported_response_type', /must be code/],
  ['id_token', { response_type: 'id_token' }, 'unsupported_response_type', /must be code/],
  ['code token', { response_type: 'code token' }, 'unsupported_response_type', /must be code/],
  ['none', { response_type: 'none' }, 'unsupported_response_type', /must be code/],
  ['CODE', { response_type: 'CODE' }, 'unsupported_response_type', /must be code/],
  ['fragment', { response_mode: 'fragment' }, 'invalid_request', /response_mode/],
  ['form_post', { response_mode: 'form_post' }, 'invalid_request', /response_mode/],
  ['web_message', { response_mode: 'web_message' }, 'invalid_request', /response_mode/],
  ['query.jwt', { response_mode: 'query.jwt' }, 'invalid_request', /response_mode/],
  ['a request object', { request: 'e30.e30.' }, 'request_not_supported', /not taken/],
  [
    'an address of one',
    { request_uri: 'https://evil.example/r' },
    'request_uri_not_supported',
    /not taken/,
  ],
  ['no challenge', { code_challenge: undefined }, 'invalid_request', /PKCE is required/],
  ['an empty challenge', { code_challenge: '' }, 'invalid_request', /PKCE is required/],
  [
    'no PKCE at all',
    { code_challenge: undefined, code_challenge_method: undefined },
    'invalid_request',
    /PKCE is required/,
  ],
  ['no method, that is plain', { code_challenge_method: undefined }, 'invalid_request', /S256/],
  ['plain', { code_challenge_method: 'plain' }, 'invalid_request', /S256/],
  [
    'plain with the verifier',
    { code_challenge_method: 'plain', code_challenge: verifier },
    'invalid_request',
    /S256/,
  ],
  ['s256', { code_challenge_method: 's256' }, 'invalid_request', /S256/],
  ['S512', { code_challenge_method: 'S512' }, 'invalid_request', /S256/],
  ['a short challenge', { code_challenge: 'A'.repeat(42) }, 'invalid_request', /SHA-256/],
  ['a long one', { code_challenge: 'A'.repeat(44) }, 'invalid_request', /SHA-256/],
  ['padding', { code_challenge: `${challengeOf(verifier)}=` }, 'invalid_request', /SHA-256/],
  ['base64', { code_challenge: `${'A'.repeat(41)}+/` }, 'invalid_request', /SHA-256/],
  ['a line feed', { code_challenge: `${challengeOf(verifier)}\n` }, 'invalid_request', /SHA-256/],
  ['other letters', { code_challenge: 'ä'.repeat(43) }, 'invalid_request', /SHA-256/],
]
test('whatever else is wrong, the client is told at its address, with its state and our iss', async (t) => {
  const broker = await start(t)
  for (const [what, change, error, words] of badRequests) {
    const answer = await broker.ask(change)
    await t.test(what, () => assertTold(answer, broker.client, [error, words]))
    assert.deepEqual(answer.headers.getSetCookie(), [])
  }
  assert.equal(atAuthorize(broker), 0)
})

test('with issuer_parameter off no answer has iss', async (t) => {
  const { ask, client } = await start(t, { signIn: { issuer_parameter: false } })
  const told = { ...client, iss: undefined }
  await assertTold(await ask({ code_challenge: undefined }), told, ['invalid_request', /PKCE/])
})

test('the resource may be left out, or be written in every way that means this one', async (t) => {
  const { ask, gateway } = await start(t, { config: { internal_hosts: ['rolecall.svc:8080'] } })
  const { origin, url } = gateway
  const { port } = new URL(origin)
  const spellings = [
    undefined,
    '',
    url,
    `${url}/`,
    origin,
    `${origin}/`,
    `HTTP://LOCALHOST:${port}/mcp`,
    'http://rolecall.svc:8080/mcp',
    'http://rolecall.svc:8080/mcp/',
    'http://rolecall.svc:8080',
    'https://rolecall.svc:8080/mcp',
  ]
  for (const resource of spellings) await assertPage(await ask({ resource }), 200, /Allow access/)
})

test('another resource is invalid_target at the client, and the expected one is named', async (t) => {
  const broker = await start(t)
  const { origin, url } = broker.gateway
  const others = [
    'https://evil.example/mcp',
    `${url}//`,
    `${url}/x`,
    `${url}?x=1`,
    `${url}#x`,
    `${origin}/MCP`,
    `${origin}/other`,
    `${origin}/mcp/..`,
    `${origin}/x/../mcp`,
    `${origin}/%6dcp`,
    `http://x@${new URL(origin).host}/mcp`,
    'http://localhost/mcp',
    `${url}\\`,
    ` ${url}`,
    'api://rolecall',
    'mcp',
    '*',
  ]
  for (const resource of others) {
    const answer = await broker.ask({ resource })
    await assertTold(answer, broker.client, ['invalid_target', new RegExp(`expected ${url}`)])
  }
})

test('resources that differ are invalid_target; the same one twice is taken, as Codex sends it', async (t) => {
  const { asked, gateway, client } = await start(t)
  const queryWith = (second: string) => {
    const query = new URL(authorizeUrl(gateway, { resource: gateway.url })).searchParams
    query.append('resource', second)
    return query.toString()
  }
  const told = ['invalid_target', /not served here/] as const
  await assertTold(await asked(queryWith('https://evil.example/mcp')), client, told)
  for (const second of [gateway.url, `${gateway.url}/`, gateway.origin, '']) {
    assert.equal((await asked(queryWith(second))).status, 200, second)
  }
})

test('of prompt only one that the provider may be shown goes on, and consent never does', async (t) => {
  const { ask, browser } = await start(t)
  const passed: readonly [string, string | null][] = [
    ['consent', null],
    ['login', 'login'],
    ['select_account', 'select_account'],
    ['login consent', 'login'],
    ['consent select_account', 'select_account'],
    ['login select_account', null],
    ['none login', null],
    ['create', null],
    ['login\r\nx: y', null],
    ['NONE', null],
  ]
  for (const [prompt, expected] of passed) {
    const location = new URL(await browser.allow(await ask({ prompt })))
    assert.deepEqual(location.searchParams.getAll('prompt'), expected === null ? [] : [expected])
  }
})

test('prompt=none never goes around the question', async (t) => {
  const broker = await start(t)
  for (const prompt of ['none', 'none consent']) {
    const told = ['consent_required', /asked first/] as const
    await assertTold(await broker.ask({ prompt }), broker.client, told)
  }
  assert.equal(atAuthorize(broker), 0)
})

test('what the provider is asked for is ours, whatever the client sent', async (t) => {
  const { ask, browser, gateway } = await start(t)
  const hostile = {
    scope: 'https://graph.microsoft.com/.default Directory.ReadWrite.All',
    nonce: 'the-nonce-of-the-client',
    login_hint: 'mallory',
    domain_hint: 'evil.example',
    acr_values: '0',
    claims: '{}',
    response_mode: 'query',
    audience: 'https://evil.example',
    resource: gateway.url,
    id_token_hint: 'x',
    max_age: '0',
  }
  const asked = new URL(await browser.allow(await ask(hostile)))
  const { state: ours, nonce, code_challenge, ...rest } = Object.fromEntries(asked.searchParams)
  assert.deepEqual(rest, {
    response_type: 'code',
    client_id: gateway.config.identity_provider.client_id,
    redirect_uri: `${gateway.origin}/oauth/callback`,
    scope,
    code_challenge_method: 'S256',
  })
  assert.ok(ours && nonce && code_challenge)
  for (const value of [ours, nonce, code_challenge]) {
    assert.ok(![state, hostile.nonce, challengeOf(verifier)].includes(value))
  }
})

const states: Readonly<Record<string, string>> = {
  'white space and signs': ' a+b%20c&d=e#f?g;h ',
  'line breaks': 'a\r\nSet-Cookie: x=y\r\n\r\n<html>',
  markup: '"><script>alert(1)</script>',
  'another address': '&code=evil&iss=https://evil.example#',
  'letters of every script': 'ŽŠ漢字🧭\u202e\u0000\u2028',
  '1,000 characters': 's'.repeat(1000),
}
test('a state comes back as it was, whatever is in it, and none where there was none', async (t) => {
  const { gateway, browser } = await start(t)
  for (const [what, text] of Object.entries(states)) {
    const back = await toCallback({ gateway, browser }, authorizeUrl(gateway, { state: text }))
    const answer = await browser.comeBack(back.href)
    assert.equal(answer.status, 303, what)
    const { searchParams, hash } = locationOf(answer)
    assert.equal(searchParams.get('state'), text, what)
    assert.deepEqual([...searchParams.keys()].sort(), ['code', 'iss', 'state'])
    assert.equal(hash, '')
    assert.equal(answer.headers.getSetCookie().length, 1)
  }
  const url = authorizeUrl(gateway, { state: undefined })
  const answer = locationOf(
    await browser.comeBack((await toCallback({ gateway, browser }, url)).href),
  )
  assert.deepEqual([...answer.searchParams.keys()].sort(), ['code', 'iss'])
})

test('a state of 4,000 characters and more is refused at the client, which gets it back', async (t) => {
  const { ask, client } = await start(t)
  for (const length of [4_000, 10_000]) {
    const long = 's'.repeat(length)
    const told = ['invalid_request', /too long/] as const
    await assertTold(await ask({ state: long }), { ...client, state: long }, told)
  }
})

test('an address of more than the header limit is 431, and no crash', async (t) => {
  const { gateway, ask } = await start(t)
  const { status } = await send(authorizeUrl(gateway, { state: 's'.repeat(40_000) }))
  assert.equal(status, 431)
  await assertPage(await ask({}), 200)
})

test('every other method is 405 and names those that do', async (t) => {
  const { gateway } = await start(t)
  for (const method of ['HEAD', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']) {
    const answer = await send(authorizeUrl(gateway), { method })
    assert.deepEqual([answer.status, answer.headers.allow], [405, 'GET, POST'], method)
    const back = await send(`${endpoint(gateway, 'callback')}?code=x&state=y`, { method })
    assert.deepEqual([back.status, back.headers.allow], [405, 'GET'], method)
  }
  const post = await send(`${endpoint(gateway, 'callback')}?code=x&state=y`, { method: 'POST' })
  assert.deepEqual([post.status, post.headers.allow], [405, 'GET'])
})

test('a POST is an answer to the question, never an authorize request', async (t) => {
  const broker = await start(t)
  const { gateway, browser } = broker
  const form = Object.fromEntries(new URL(authorizeUrl(gateway)).searchParams)
  await assertRefused(await browser.post(endpoint(gateway, 'authorize'), form), 400, /begin the/)
  await assertRefused(await browser.post(authorizeUrl(gateway), {}), 400, /begin the/)
  assert.equal(atAuthorize(broker), 0)
})

test('another spelling of the path is another path', async (t) => {
  const { gateway, asked } = await start(t)
  const query = new URL(authorizeUrl(gateway)).search
  await assertPage(await asked(query.slice(1)), 200)
  for (const path of [
    '/oauth/%61uthorize',
    '/oauth/authorize/',
    '/oauth//authorize',
    '/OAuth/authorize',
    '/oauth/authorize;x',
    '/oauth/prod/authorize',
    '/oauth/nobody/authorize',
    '/oauth/%63allback',
  ]) {
    const url = new URL(gateway.origin)
    const { status } = await send(`${url.origin}${path}${query}`)
    assert.equal(status, 404, path)
  }
})

test('a Host that is not ours is 421 in words, at authorize and callback', async (t) => {
  const { gateway } = await start(t)
  for (const host of ['evil.example', 'localhost', `127.0.0.1:${new URL(gateway.origin).port}`]) {
    for (const url of [authorizeUrl(gateway), `${endpoint(gateway, 'callback')}?state=x&code=y`]) {
      const answer = await send(url, { headers: [['Host', host]] })
      assert.equal(answer.status, 421)
      assert.match(answer.text, /internal_hosts/)
      assert.equal(answer.headers.location, undefined)
    }
  }
})

test('forwarded headers change nothing of what we say about ourselves', async (t) => {
  const { gateway, browser } = await start(t)
  const headers = {
    'x-forwarded-host': 'evil.example',
    'x-forwarded-proto': 'https',
    forwarded: 'host=evil.example;proto=https',
    'x-original-url': 'https://evil.example/oauth/authorize',
  }
  const page = await browser.get(authorizeUrl(gateway), headers)
  const location = new URL(await browser.allow(page))
  assert.equal(location.searchParams.get('redirect_uri'), `${gateway.origin}/oauth/callback`)
})

test('no page of another origin reads an answer, and none asks from a script', async (t) => {
  const { gateway, browser } = await start(t)
  const strangers = ['https://evil.example', 'null', 'http://localhost:1', 'https://claude.ai']
  const urls = [authorizeUrl(gateway), `${endpoint(gateway, 'callback')}?state=x&code=y`]
  for (const url of urls) {
    for (const origin of strangers) await assertRefused(await browser.get(url, { origin }), 403)
    assertPrivate((await browser.get(url)).headers)
  }
})

test('while the provider is not known, the client is told to come back', async (t) => {
  const entra = await startEntra(t)
  entra.outage('503')
  const { gateway, browser } = await startBroker(t, { cold: true, entra })
  const allowed = await browser.allow(await browser.get(authorizeUrl(gateway)))
  const told = new URL(allowed).searchParams
  assert.equal(allowed.split('?')[0], clientRedirect)
  assert.equal(told.get('error'), 'temporarily_unavailable')
  assert.deepEqual([told.get('state'), told.get('iss')], [state, gateway.origin])
})
