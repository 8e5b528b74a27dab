import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { registerClient } from '@modelcontextprotocol/sdk/client/auth.js'
import { OAuthMetadataSchema } from '@modelcontextprotocol/sdk/shared/auth.js'
import { systemClock } from '../../../src/clock.ts'
import { createMetadataFetch } from '../../../src/sign-in/clients/metadata-cache.ts'
import { type BrokerGateway, startBroker } from '../../support/broker-gateway.ts'
import { limitsWith } from '../../support/defaults.ts'
import { resourceConfig } from '../../support/gateway.ts'
import { metadata, resolvesTo, startMetadataHost } from '../../support/metadata-host.ts'
import { type Answer, type Sent, send } from '../../support/raw-http.ts'
import { registrations } from '../../support/registrations.ts'
import { scope } from '../../support/relay-gateway.ts'
import { MODES, startInMode } from '../../support/sign-in-modes.ts'

const verifier = 'a-code-verifier-that-is-long-enough-for-rfc-7636'
const challenge = createHash('sha256').update(verifier).digest('base64url')
const everyPreset = ['robusta', 'loopback', 'claude', 'vscode', 'cursor', 'chatgpt']
const json = ['Content-Type', 'application/json'] as const

/** A registration, with these header lines beside its type. */
function posted(body: unknown, ...headers: readonly (readonly [string, string])[]): Sent {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  return { method: 'POST', headers: [json, ...headers], body: text }
}

const client = { client_name: 'a client', redirect_uris: ['http://localhost:8090/callback'] }

function assertRefused(answer: Answer, status: number, error: string, words = /./): void {
  assert.equal(answer.status, status, answer.text)
  const body = answer.json()
  assert.equal(body['error'], error, answer.text)
  assert.match(String(body['error_description']), words)
  assert.ok(body['request_id'])
  assert.match(answer.headers['content-type'] ?? '', /^application\/json/)
  assert.equal(answer.headers['cache-control'], 'no-store')
}

function authorizeUrl(base: string, clientId: string, redirectUri: string): string {
  const query = new URLSearchParams({
    client_id: clientId,
    redirect_uri: redirectUri,
    response_type: 'code',
    state: 'the-state',
    code_challenge: challenge,
    code_challenge_method: 'S256',
  })
  return `${base}/authorize?${query}`
}

/** Signs alice in; the code that her client gets. */
async function codeFor(
  { gateway, browser }: BrokerGateway,
  clientId: string,
  redirectUri: string,
): Promise<string> {
  const page = await browser.get(authorizeUrl(`${gateway.origin}/oauth`, clientId, redirectUri))
  assert.equal(page.status, 200)
  gateway.entra.signInAs('alice')
  const back = await browser.get(await browser.allow(page))
  const done = await browser.comeBack(back.headers.get('location') ?? '')
  const location = done.headers.get('location') ?? ''
  assert.ok(location.startsWith(redirectUri), location)
  return new URL(location).searchParams.get('code') ?? ''
}

async function redeem(origin: string, change: Readonly<Record<string, string>>): Promise<Answer> {
  const body = new URLSearchParams({
    grant_type: 'authorization_code',
    code_verifier: verifier,
    ...change,
  })
  const type = ['Content-Type', 'application/x-www-form-urlencoded'] as const
  return send(`${origin}/oauth/token`, { method: 'POST', headers: [type], body: body.toString() })
}

test('every client registers, and is asked about and answered at its address only', async (t) => {
  const { gateway, browser } = await startBroker(t, {
    signIn: { redirect_uris: everyPreset },
    config: { limits: limitsWith({ sign_ins_per_minute: 1000 }) },
  })
  const base = `${gateway.origin}/oauth`
  for (const { client: name, body, answeredAt } of registrations) {
    const answer = await send(`${base}/register`, posted(body))
    assert.equal(answer.status, 201, `${name}: ${answer.text}`)
    assert.equal(answer.headers['cache-control'], 'no-store')
    assert.match(answer.headers['content-type'] ?? '', /^application\/json/)
    const id = String(answer.json()['client_id'])
    for (const uri of answeredAt) {
      const page = await browser.get(authorizeUrl(base, id, uri))
      assert.equal(page.status, 200, `${name} at ${uri}`)
    }
    for (const uri of ['https://evil.example/cb', `${gateway.origin}/oauth/callback`]) {
      const page = await browser.get(authorizeUrl(base, id, uri))
      assert.equal(page.status, 400, `${name} at ${uri}`)
      assert.equal(page.headers.get('location'), null)
    }
  }
})

test('a client that registered signs a person in, and refreshes without naming itself', async (t) => {
  const broker = await startBroker(t)
  const { origin } = broker.gateway
  const registered = (await send(`${origin}/oauth/register`, posted(client))).json()
  const id = String(registered['client_id'])
  const redirectUri = 'http://localhost:51234/callback'
  const code = await codeFor(broker, id, redirectUri)
  const form = { code, redirect_uri: redirectUri, client_id: id }
  const tokens = await redeem(origin, form)
  assert.equal(tokens.status, 200, tokens.text)
  const refreshed = await redeem(origin, {
    grant_type: 'refresh_token',
    refresh_token: String(tokens.json()['refresh_token']),
    client_id: '',
  })
  assert.equal(refreshed.status, 200, refreshed.text)
})

test("the SDK's own client registers and reads the answer", async (t) => {
  const { gateway } = await startBroker(t)
  const at = `${gateway.origin}/.well-known/oauth-authorization-server`
  const serverMetadata = OAuthMetadataSchema.parse((await send(at)).json())
  const registered = await registerClient(gateway.origin, {
    metadata: serverMetadata,
    clientMetadata: { ...client, token_endpoint_auth_method: 'client_secret_post' },
    scope: 'mcp',
  })
  assert.equal(registered.token_endpoint_auth_method, 'none')
  assert.equal(registered.client_secret, undefined)
  await assert.rejects(
    registerClient(gateway.origin, {
      metadata: serverMetadata,
      clientMetadata: { redirect_uris: ['https://evil.example/cb'] },
    }),
    /sign_in\.redirect_uris/,
  )
})

test('an id that was altered, or never given, is 401 invalid_client for the token and a page for people', async (t) => {
  const { gateway, browser } = await startBroker(t)
  const { origin } = gateway
  const id = String((await send(`${origin}/oauth/register`, posted(client))).json()['client_id'])
  const altered = id.endsWith('A') ? `${id.slice(0, -1)}B` : `${id.slice(0, -1)}A`
  for (const unknown of [altered, `${id}A`, 'nobody', '6dae42f8-4368-4678-94ff-3960e28e3630']) {
    assertRefused(
      await redeem(origin, { code: 'x', client_id: unknown }),
      401,
      'invalid_client',
      /register again/,
    )
    const uri = 'http://localhost:8090/callback'
    const page = await browser.get(authorizeUrl(`${origin}/oauth`, unknown, uri))
    assert.equal(page.status, 400)
    assert.equal(page.headers.get('location'), null)
    assert.match(page.headers.get('content-type') ?? '', /^text\/html/)
  }
})

test('each resource registers its own clients, which count at its issuer alone', async (t) => {
  const resources = ['prod', 'stage'].map((name) =>
    resourceConfig('http://127.0.0.1:9/mcp', {
      name,
      path: `/${name}`,
      request_scopes: scope.split(' '),
    }),
  )
  const { gateway, browser } = await startBroker(t, { resources })
  const bases = [`${gateway.origin}/oauth`, `${gateway.origin}/oauth/stage`]
  const ids = await Promise.all(
    bases.map(async (base) =>
      String((await send(`${base}/register`, posted(client))).json()['client_id']),
    ),
  )
  for (const [at, base] of bases.entries()) {
    for (const [of, id] of ids.entries()) {
      const page = await browser.get(authorizeUrl(base, id, 'http://localhost:8090/callback'))
      assert.equal(page.status, at === of ? 200 : 400)
    }
  }
  assert.equal((await send(`${gateway.origin}/oauth/prod/register`, posted(client))).status, 404)
})

test('what is no JSON is 415, what is no registration 400', async (t) => {
  const { gateway } = await startBroker(t)
  const url = `${gateway.origin}/oauth/register`
  const body = JSON.stringify(client)
  for (const type of [
    'application/x-www-form-urlencoded',
    'text/plain',
    'text/json',
    'application/jsonp',
    'multipart/form-data; boundary=x',
    'application/json-patch+json',
    'x',
    '',
  ]) {
    const answer = await send(url, { method: 'POST', headers: [['Content-Type', type]], body })
    assertRefused(answer, 415, 'unsupported_media_type')
  }
  assertRefused(await send(url, { method: 'POST', body }), 415, 'unsupported_media_type', /JSON/)
  assertRefused(await send(url, { method: 'POST' }), 415, 'unsupported_media_type')
  for (const type of [
    'application/json; charset=utf-8',
    'Application/JSON',
    'application/json;x=y',
  ]) {
    const answer = await send(url, { method: 'POST', headers: [['Content-Type', type]], body })
    assert.equal(answer.status, 201, type)
  }
  for (const text of ['', '{', 'null', '[]', '"x"', '['.repeat(9_000), '\0', '{"a":1}{']) {
    assertRefused(await send(url, posted(text)), 400, 'invalid_client_metadata', /JSON object/)
  }
  assertRefused(await send(url, posted({})), 400, 'invalid_redirect_uri', /redirect_uris/)
})

test('a registration of more than 16 KiB is 413, announced or in pieces', async (t) => {
  const { gateway } = await startBroker(t)
  const url = `${gateway.origin}/oauth/register`
  const of = (bytes: number) => {
    const rest = JSON.stringify({ ...client, x: '' }).length
    return JSON.stringify({ ...client, x: 'x'.repeat(bytes - rest) })
  }
  assert.equal((await send(url, posted(of(16_384)))).status, 201)
  assertRefused(await send(url, posted(of(16_385))), 413, 'body_too_large', /16 KiB/)
  const chunked = posted(of(16_385), ['Transfer-Encoding', 'chunked'])
  assertRefused(await send(url, chunked), 413, 'body_too_large')
  assertRefused(await send(url, posted(of(3_000_000))), 413, 'body_too_large')
})

test('other methods, hosts and spellings of the path are refused; a token in the query too', async (t) => {
  const { gateway } = await startBroker(t)
  const url = `${gateway.origin}/oauth/register`
  for (const method of ['GET', 'PUT', 'DELETE', 'PATCH']) {
    const answer = await send(url, { ...posted(client), method })
    assertRefused(answer, 405, 'method_not_allowed')
    assert.equal(answer.headers['allow'], 'POST, OPTIONS')
  }
  assertRefused(
    await send(url, posted(client, ['Host', 'evil.example'])),
    421,
    'misdirected_request',
    /internal_hosts/,
  )
  assertRefused(await send(`${url}?access_token=x`, posted(client)), 400, 'invalid_request')
  for (const path of [
    '/oauth/register/',
    '/oauth//register',
    '/oauth/%72egister',
    '/oauth/Register',
    '/oauth/register/x',
    '/register',
  ]) {
    assertRefused(await send(gateway.origin + path, posted(client)), 404, 'not_found')
  }
})

test('where registration is off, and in every other mode, there is nothing to register at', async (t) => {
  const { gateway: off } = await startBroker(t, { signIn: { registration: false } })
  assertRefused(await send(`${off.origin}/oauth/register`, posted(client)), 404, 'not_found')
  for (const mode of MODES) {
    const { origin } = await startInMode(t, mode)
    const { status } = await send(`${origin}/oauth/register`, posted(client))
    assert.equal(status, mode === 'broker' ? 201 : 404, mode)
  }
})

test('web pages of the presets, of allowed_origins and of popup_origins may register, others not', async (t) => {
  const { gateway } = await startBroker(t, {
    cold: true,
    signIn: { redirect_uris: everyPreset, popup_origins: ['https://ui.contoso.test'] },
    config: {
      public_url: 'https://mcp.example.com',
      allowed_origins: ['https://app.contoso.test'],
    },
  })
  const url = `${gateway.origin}/oauth/register`
  const from = (origin: string) => [
    ['Host', 'mcp.example.com'] as const,
    ['Origin', origin] as const,
  ]
  const allowed = [
    'https://mcp.example.com',
    'https://platform.robusta.dev',
    'https://claude.ai',
    'https://vscode.dev',
    'https://www.cursor.com',
    'https://chatgpt.com',
    'https://app.contoso.test',
    'https://ui.contoso.test',
  ]
  for (const origin of allowed) {
    const answer = await send(url, posted(client, ...from(origin)))
    assert.equal(answer.status, 201, origin)
    assert.equal(answer.headers['access-control-allow-origin'], origin)
    assert.equal(answer.headers['access-control-allow-credentials'], undefined)
  }
  for (const origin of [
    'https://evil.example',
    'null',
    '',
    'http://localhost:6274',
    'https://x.claude.ai',
  ]) {
    assertRefused(await send(url, posted(client, ...from(origin))), 403, 'origin_not_allowed')
  }
})

test('on loopback any loopback page may register, with a preflight (the Inspector)', async (t) => {
  const { gateway } = await startBroker(t)
  const url = `${gateway.origin}/oauth/register`
  const origin = ['Origin', 'http://localhost:6274'] as const
  const preflight = await send(url, {
    method: 'OPTIONS',
    headers: [
      origin,
      ['Access-Control-Request-Method', 'POST'],
      ['Access-Control-Request-Headers', 'content-type,mcp-protocol-version'],
    ],
  })
  assert.equal(preflight.status, 204)
  assert.equal(preflight.headers['access-control-allow-origin'], 'http://localhost:6274')
  assert.match(preflight.headers['access-control-allow-methods'] ?? '', /POST/)
  assert.match(preflight.headers['access-control-allow-headers'] ?? '', /content-type/)
  assert.equal((await send(url, posted(client, origin))).status, 201)
})

const limited = (most: number, trusted: readonly string[] = []) => ({
  limits: limitsWith({ registrations_per_minute: most }),
  trusted_proxies: trusted,
})

test('beyond registrations_per_minute the answer is 429 with the time to wait, for that minute', async (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: Date.now() })
  const { gateway } = await startBroker(t, { config: limited(3) })
  const url = `${gateway.origin}/oauth/register`
  for (const body of [client, {}, '{']) {
    assert.notEqual((await send(url, posted(body))).status, 429)
  }
  t.mock.timers.tick(20_000)
  const refused = await send(url, posted(client))
  assertRefused(refused, 429, 'too_many_requests', /limits\.registrations_per_minute/)
  assert.equal(refused.headers['retry-after'], '40')
  assert.ok(!Object.keys(refused.headers).some((name) => name.startsWith('x-ratelimit')))
  t.mock.timers.tick(39_000)
  assert.equal((await send(url, posted(client))).status, 429)
  t.mock.timers.tick(1_000)
  assert.equal((await send(url, posted(client))).status, 201)
})

test('what was refused at the door, and preflights, do not count', async (t) => {
  const { gateway } = await startBroker(t, { config: limited(1) })
  const url = `${gateway.origin}/oauth/register`
  for (let time = 0; time < 5; time += 1) {
    await send(url, { method: 'OPTIONS', headers: [['Origin', 'http://localhost:6274']] })
    await send(url, { method: 'GET' })
    await send(url, posted(client, ['Host', 'evil.example']))
    await send(url, posted(client, ['Origin', 'https://evil.example']))
  }
  assert.equal((await send(url, posted(client))).status, 201)
  assert.equal((await send(url, posted(client))).status, 429)
})

test('the limit holds over all resources together', async (t) => {
  const resources = ['prod', 'stage'].map((name) =>
    resourceConfig('http://127.0.0.1:9/mcp', { name, path: `/${name}` }),
  )
  const { gateway } = await startBroker(t, { resources, config: limited(1) })
  assert.equal((await send(`${gateway.origin}/oauth/register`, posted(client))).status, 201)
  assert.equal((await send(`${gateway.origin}/oauth/stage/register`, posted(client))).status, 429)
})

test('addresses count apart: as a trusted proxy tells them, an IPv6 network as one', async (t) => {
  const { gateway } = await startBroker(t, { config: limited(1, ['127.0.0.0/8']) })
  const url = `${gateway.origin}/oauth/register`
  const from = async (address: string) =>
    (await send(url, posted(client, ['X-Forwarded-For', address]))).status
  assert.equal(await from('203.0.113.1'), 201)
  assert.equal(await from('203.0.113.1'), 429)
  assert.equal(await from('203.0.113.2'), 201)
  assert.equal(await from('2001:db8:0:1::1'), 201)
  assert.equal(await from('2001:db8:0:1:ffff::2'), 429)
  assert.equal(await from('2001:db8:0:2::1'), 201)
  assert.equal(await from('::ffff:203.0.113.2'), 429)
})

test('an address that nobody trusted tells is not believed', async (t) => {
  const { gateway } = await startBroker(t, { config: limited(1) })
  const url = `${gateway.origin}/oauth/register`
  const from = async (address: string) =>
    (await send(url, posted(client, ['X-Forwarded-For', address]))).status
  assert.equal(await from('203.0.113.1'), 201)
  assert.equal(await from('203.0.113.2'), 429)
})

test('a flood of registrations is counted, and not all of it logged', async (t) => {
  const { gateway } = await startBroker(t, { config: limited(5) })
  const url = `${gateway.origin}/oauth/register`
  for (let time = 0; time < 60; time += 1) await send(url, posted(client))
  await gateway.logged(({ path, status }) => path === '/oauth/register' && status === 429)
  const lines = gateway.log.filter(({ path }) => path === '/oauth/register')
  assert.ok(lines.length >= 30 && lines.length <= 40, String(lines.length))
  const { port } = gateway.service.adminAddress
  const { text } = await send(`http://127.0.0.1:${port}/metrics`)
  assert.match(text, /^rolecall_registrations_total\{outcome="ok"\} 5$/m)
  assert.match(text, /^rolecall_registrations_total\{outcome="too_many_requests"\} 55$/m)
})

test('of a registration its client is logged, and the address that was refused, and nothing else', async (t) => {
  const { gateway } = await startBroker(t)
  const url = `${gateway.origin}/oauth/register?CANARY=1`
  const uris = ['http://localhost:1/a?CANARY', 'https://CANARY@evil.example/b?CANARY#CANARY']
  await send(url, posted({ redirect_uris: uris, client_name: 'A client', client_secret: 'CANARY' }))
  await send(url, posted({ redirect_uris: uris.slice(1) }))
  await send(url, posted('{"CANARY'))
  await gateway.logged(
    ({ status, reason }) => status === 400 && reason === 'invalid_client_metadata',
  )
  assert.equal(gateway.log.filter(({ path }) => path === '/oauth/register').length, 3)
  assert.doesNotMatch(JSON.stringify(gateway.log), /CANARY/)
  const lines = gateway.log.filter(({ kind }) => kind === 'sign_in')
  assert.deepEqual(
    lines.map(({ step, decision, client_name: name }) => [step, decision, name]),
    [
      ['register', 'allow', 'A client'],
      ['register', 'refuse', undefined],
      ['register', 'refuse', undefined],
    ],
  )
  assert.match(String(lines[0]?.['client_id']), /^rc1\./)
  assert.match(String(lines[1]?.['remedy']), /https:\/\/evil\.example\/b/)
})

test('a client with a metadata document signs a person in; its name and host are shown', async (t) => {
  const host = await startMetadataHost(t)
  const id = host.publish('/oauth/client.json', { headers: { 'cache-control': 'max-age=600' } })
  const broker = await startBroker(t, {
    signIn: { client_metadata_hosts: [host.host] },
    fetchMetadata: createMetadataFetch({
      clock: systemClock,
      certificateAuthority: host.certificateAuthority,
      lookup: resolvesTo('127.0.0.1'),
    }),
  })
  const { gateway, browser } = broker
  const redirectUri = 'http://localhost:51234/callback'
  const page = await browser.get(authorizeUrl(`${gateway.origin}/oauth`, id, redirectUri))
  const text = await page.text()
  assert.match(text, /Claude Code/)
  assert.ok(text.includes(host.host.split(':')[0] ?? ''), text)
  const code = await codeFor(broker, id, redirectUri)
  const tokens = await redeem(gateway.origin, { code, redirect_uri: redirectUri, client_id: id })
  assert.equal(tokens.status, 200, tokens.text)
  assert.deepEqual(host.asked, ['/oauth/client.json'])
})

test('a document that cannot be used is a page that says why, and 400 or 503 for the token', async (t) => {
  const host = await startMetadataHost(t)
  const broker = await startBroker(t, {
    signIn: { client_metadata_hosts: [host.host] },
    fetchMetadata: createMetadataFetch({
      clock: systemClock,
      certificateAuthority: host.certificateAuthority,
      lookup: resolvesTo('127.0.0.1'),
    }),
  })
  const { gateway, browser } = broker
  const uri = 'http://localhost:51234/callback'
  const cases = [
    [host.publish('/away', { status: 503 }), 503, 'temporarily_unavailable', /status 503/],
    [
      host.publish('/other', { body: metadata('https://evil.example/a') }),
      400,
      'invalid_client',
      /another client_id/,
    ],
    [
      host.publish('/moved', { status: 302, headers: { location: '/a' } }),
      400,
      'invalid_client',
      /redirects/,
    ],
    ['https://evil.example/a', 400, 'invalid_client', /sign_in\.client_metadata_hosts/],
  ] as const
  for (const [id, status, error, words] of cases) {
    assertRefused(await redeem(gateway.origin, { code: 'x', client_id: id }), status, error, words)
    const page = await browser.get(authorizeUrl(`${gateway.origin}/oauth`, id, uri))
    assert.equal(page.status, status, id)
    assert.equal(page.headers.get('location'), null)
    assert.match(await page.text(), words)
  }
  await gateway.logged(({ reason }) => reason === 'metadata_document:redirect')
})

test('in earnest the address of a document is checked: this machine is never asked', async (t) => {
  const host = await startMetadataHost(t)
  const local = `localhost:${host.port}`
  const { gateway } = await startBroker(t, { signIn: { client_metadata_hosts: [local] } })
  const form = { code: 'x', client_id: `https://${local}/a` }
  assertRefused(await redeem(gateway.origin, form), 400, 'invalid_client', /not a public one/)
  assert.equal(host.connections(), 0)
})
