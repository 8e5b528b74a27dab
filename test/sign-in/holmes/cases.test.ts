import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { SimulatedClock } from '../../support/clock.ts'
import { resourceConfig, startEntra } from '../../support/gateway.ts'
import { post, type Sent, send, toolCall } from '../../support/raw-http.ts'
import { headerValues, startUpstream } from '../../support/recording-upstream.ts'
import {
  basic,
  codeFor,
  codeForm,
  postToken,
  refreshForm,
  signedIn,
  startRelay,
  type TokenReply,
} from '../../support/relay-gateway.ts'
import { followScript, listing, tool } from '../../support/scripted-mcp.ts'
import { tapTokenEndpoint } from '../../support/token-tap.ts'

/** The cases of HolmesGPT (reference/client-holmes.md §6), for mode relay. */

const internalHost = 'rolecall.holmes.svc.cluster.local:8080'

async function start(t: TestContext, options: Parameters<typeof startRelay>[1] = {}) {
  const clock = options.clock ?? new SimulatedClock(Date.now())
  const upstream = await startUpstream(t)
  followScript(upstream, { list: listing(tool('pods_list')), sessionId: 'upstream-session' })
  const entra = await startEntra(t, { clock })
  const tap = await tapTokenEndpoint(t, entra)
  const gateway = await startRelay(t, { upstream: upstream.url, ...options, entra, clock })
  return { clock: clock as SimulatedClock, upstream, entra, tap, gateway }
}

const toolsList = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list' })

function assertOk({ status, body }: TokenReply): void {
  assert.equal(status, 200, JSON.stringify(body))
  assert.ok(typeof body['access_token'] === 'string' && typeof body['refresh_token'] === 'string')
  assert.ok(Number.isInteger(body['expires_in']) && Number(body['expires_in']) > 3500)
}

test('1: a POST without body and headers is 401 and names the metadata', async (t) => {
  const { gateway } = await start(t)
  const answer = await send(gateway.url, { method: 'POST', headers: [['Content-Length', '0']] })
  assert.equal(answer.status, 401)
  const expected = `resource_metadata="${gateway.origin}/.well-known/oauth-protected-resource/mcp"`
  assert.ok(answer.headers['www-authenticate']?.includes(expected))
})

test('2: the probe below the resource is 404 and has no challenge that would hide that of the POST', async (t) => {
  const { gateway } = await start(t)
  const answer = await send(`${gateway.url}/.well-known/oauth-protected-resource`)
  assert.equal(answer.status, 404)
  assert.equal(answer.headers['www-authenticate'], undefined)
  assert.equal(answer.json()['error'], 'not_found')
})

const documents = [
  '/.well-known/oauth-protected-resource/mcp',
  '/.well-known/oauth-protected-resource',
  '/.well-known/oauth-authorization-server',
  '/.well-known/openid-configuration',
]

test('3: metadata is 200 and JSON at once, the same through the internal and the public name', async (t) => {
  const { gateway, entra } = await start(t, { config: { internal_hosts: [internalHost] } })
  for (const path of documents) {
    const outside = await send(gateway.origin + path)
    const inside = await send(gateway.origin + path, { headers: [['Host', internalHost]] })
    assert.deepEqual([outside.status, inside.status], [200, 200])
    assert.equal(inside.text, outside.text)
    assert.match(outside.headers['content-type'] ?? '', /^application\/json/)
  }
  const server = (await send(`${gateway.origin}/.well-known/oauth-authorization-server`)).json()
  assert.equal(server['token_endpoint'], `${gateway.origin}/oauth/token`)
  assert.equal(
    server['authorization_endpoint'],
    `${entra.origin}/${entra.tenantId}/oauth2/v2.0/authorize`,
  )
  assert.equal('registration_endpoint' in server, false)
})

test("4: the 401 leads to the endpoints by the SDK's own order of addresses, at the first hit", async (t) => {
  const { gateway } = await start(t)
  const answer = await send(gateway.url, { method: 'POST', headers: [['Content-Length', '0']] })
  const challenge = answer.headers['www-authenticate'] ?? ''
  const hint = /resource_metadata="?([^",\s]+)"?/.exec(challenge)?.[1] ?? ''
  const resource = (await send(hint)).json()
  const [server] = resource['authorization_servers'] as string[]
  const { origin, pathname } = new URL(server?.replace(/\/$/, '') ?? '')
  assert.equal(pathname, '/', 'the first candidate is the root document')
  const first = await send(`${origin}/.well-known/oauth-authorization-server`)
  assert.equal(first.status, 200)
  assert.equal(first.json()['issuer'], server)
  assert.deepEqual(first.json()['scopes_supported'], resource['scopes_supported'])
  assert.ok(String(first.json()['authorization_endpoint']).indexOf('?') === -1)
})

test('5: a code is redeemed as a public client, with Basic and the id in the form, and at the second try', async (t) => {
  const { gateway, entra } = await start(t)
  assertOk(await postToken(gateway, codeForm(await codeFor(entra, 'alice'))))
  const withBasic = { authorization: basic }
  assertOk(await postToken(gateway, codeForm(await codeFor(entra, 'alice')), withBasic))
  const code = await codeFor(entra, 'alice')
  const wrong = `Basic ${Buffer.from(`${entra.clients[0]?.client_id}:wrong`).toString('base64')}`
  const first = await postToken(gateway, codeForm(code), { authorization: wrong })
  assert.equal(first.status, 401)
  const secret = entra.clients[0]?.client_secret
  assertOk(await postToken(gateway, codeForm(code, { client_secret: secret })))
})

test('6: a refresh needs a refresh token and nothing else, twice at once it is one, and never less is answered', async (t) => {
  const { gateway } = await start(t)
  let { refresh } = await signedIn(gateway, 'alice')
  for (const change of [
    {},
    { client_id: '' },
    { client_id: undefined },
    { resource: gateway.url },
    { client_id: '', resource: gateway.url },
  ]) {
    const [one, two] = await Promise.all([
      postToken(gateway, refreshForm(refresh, change)),
      postToken(gateway, refreshForm(refresh, change)),
    ])
    assertOk(one)
    assert.deepEqual(two.body, one.body)
    refresh = String(one.body['refresh_token'])
  }
})

test('7: `resource` is the internal URL, the public one, with or without a slash, empty, or not there', async (t) => {
  const { gateway, tap } = await start(t, { config: { internal_hosts: [internalHost] } })
  let { refresh } = await signedIn(gateway, 'alice')
  for (const resource of [
    `http://${internalHost}/mcp`,
    `http://${internalHost}/mcp/`,
    gateway.url,
    `${gateway.url}/`,
    '',
    undefined,
  ]) {
    const reply = await postToken(gateway, refreshForm(refresh, { resource }))
    assertOk(reply)
    refresh = String(reply.body['refresh_token'])
  }
  assert.ok(tap.forms().every((sent) => !sent.has('resource')))
})

test('8: two clusters of one audience share one authorization URL, and one token is good at both', async (t) => {
  const upstream = await startUpstream(t)
  const over = { allowed_clients: ['401e5000-0000-4000-8000-00000000a991'] }
  const scopes = ['6dae42f8-4368-4678-94ff-3960e28e3630/.default', 'openid', 'offline_access']
  const resources = [
    resourceConfig(upstream.url, { ...over, name: 'a', path: '/a', request_scopes: scopes }),
    resourceConfig(upstream.url, { ...over, name: 'b', path: '/b', request_scopes: scopes }),
  ]
  const { gateway } = await start(t, { resources })
  const endpoints = await Promise.all(
    ['', '/oauth/b'].map(async (path) => {
      const url = `${gateway.origin}/.well-known/oauth-authorization-server${path}`
      const { authorization_endpoint, token_endpoint } = (await send(url)).json()
      return [authorization_endpoint, token_endpoint]
    }),
  )
  assert.deepEqual(endpoints[0], endpoints[1])
  let { access, refresh } = await signedIn(gateway, 'alice')
  for (const path of ['/a', '/b', '/a']) {
    assert.equal((await send(gateway.origin + path, post(access))).status, 200)
    const resource = gateway.origin + path
    const { status, body } = await postToken(gateway, refreshForm(refresh, { resource }))
    assert.equal(status, 200)
    access = String(body['access_token'])
    refresh = String(body['refresh_token'])
  }
})

test('9: the token endpoint takes the three platforms from a browser and nobody else; there is no registration', async (t) => {
  const { gateway } = await start(t)
  const url = `${gateway.origin}/oauth/token`
  const preflight = (origin: string): Sent => {
    const asks = ['Access-Control-Request-Method', 'POST'] as const
    return { method: 'OPTIONS', headers: [['Origin', origin], asks] }
  }
  for (const region of ['', 'eu.', 'ap.']) {
    const origin = `https://platform.${region}robusta.dev`
    const answer = await send(url, preflight(origin))
    assert.deepEqual([answer.status, answer.headers['access-control-allow-origin']], [204, origin])
  }
  assert.equal((await send(url, preflight('https://platform.us.robusta.dev'))).status, 403)
  const register = await send(`${gateway.origin}/oauth/register`, { method: 'POST', body: '{}' })
  assert.equal(register.status, 404)
  assert.equal(register.json()['error'], 'not_found')
})

test('10: a code for each platform and for loopback with any port is redeemed, and for no look-alike', async (t) => {
  const { gateway, entra } = await start(t)
  for (const uri of [
    'https://platform.robusta.dev/oauth/callback.html',
    'https://platform.eu.robusta.dev/oauth/callback.html',
    'https://platform.ap.robusta.dev/oauth/callback.html',
    'http://127.0.0.1:38139/oauth/callback',
    'http://localhost:1/oauth/callback.html',
  ]) {
    const code = await codeFor(entra, 'alice', { redirect_uri: uri })
    assertOk(await postToken(gateway, codeForm(code, { redirect_uri: uri })))
  }
  const code = await codeFor(entra, 'alice')
  for (const uri of [
    'https://platform.robusta.dev.evil/oauth/callback.html',
    'https://platform.robusta.dev/oauth/callback.html/..',
    'https://platform.robusta.dev:8443/oauth/callback.html',
    'https://platform.robusta.dev/oauth/callback.html?x',
    'http://127.0.0.2:38139/callback',
  ]) {
    const { status, body } = await postToken(gateway, codeForm(code, { redirect_uri: uri }))
    assert.deepEqual([status, body['error']], [400, 'invalid_grant'], uri)
  }
})

test('11: five rounds of a real SDK client, with a token that is refreshed between two calls of a session', async (t) => {
  const { gateway, upstream } = await start(t)
  let { access, refresh } = await signedIn(gateway, 'alice')
  const authorized: typeof fetch = (input, init) => {
    const headers = new Headers(init?.headers)
    headers.set('authorization', `Bearer ${access}`)
    return fetch(input, { ...init, headers })
  }
  const used = new Set<string>()
  for (let i = 0; i < 5; i += 1) {
    const client = new Client({ name: 'test', version: '1' })
    const transport = new StreamableHTTPClientTransport(new URL(gateway.url), { fetch: authorized })
    await client.connect(transport)
    const { tools } = await client.listTools()
    assert.deepEqual(
      tools.map(({ name }) => name),
      ['pods_list'],
    )
    used.add(access)
    const { body } = await postToken(gateway, refreshForm(refresh))
    access = String(body['access_token'])
    refresh = String(body['refresh_token'])
    const called = await client.callTool({ name: 'pods_list', arguments: {} })
    assert.equal(called.isError ?? false, false)
    await transport.terminateSession()
    await client.close()
  }
  assert.equal(used.size, 5)
  assert.equal(upstream.received.filter(({ method }) => method === 'DELETE').length, 5)
  for (const { rawHeaders } of upstream.received) {
    assert.equal(headerValues(rawHeaders, 'authorization').length, 1)
  }
})

test('12: an expired token is 401, missing keys are 503, and a policy is a tool error within a 200', async (t) => {
  const { gateway, clock, entra } = await start(t, {
    resource: { allowed_clients: 'any', required_groups: ['team-x'] },
  })
  const { access } = await signedIn(gateway, 'alice')
  const policy = await send(gateway.url, post(access, toolsList))
  assert.equal(policy.status, 200)
  assert.doesNotMatch(policy.text, /401|unauthorized/i)
  const call = await send(gateway.url, post(access, toolCall('pods_list')))
  assert.deepEqual([call.status, /"isError":true/.test(call.text)], [200, true])
  await clock.advance(2 * 3_600_000)
  assert.equal((await send(gateway.url, post(access, toolsList))).status, 401)
  const unknown = await entra.mint({ signature: 'unknown-key' })
  entra.outage('503')
  const away = await send(gateway.url, post(unknown, toolsList))
  assert.equal(away.status, 503)
  assert.match(away.headers['retry-after'] ?? '', /^\d+$/)
})

test('13: a hundred tools/list within a second are all answered', async (t) => {
  const { gateway } = await start(t)
  const people = await Promise.all(
    ['alice', 'bob', 'carol'].map((person) => gateway.entra.mint({ person })),
  )
  const answers = await Promise.all(
    Array.from({ length: 100 }, (_, i) => send(gateway.url, post(people[i % 3], toolsList))),
  )
  assert.deepEqual([...new Set(answers.map(({ status }) => status))], [200])
})

test('14: nothing of ours is in the popup, and nothing that is could cut it off from its opener', async (t) => {
  const { gateway, entra } = await start(t)
  const { text } = await send(`${gateway.origin}/.well-known/oauth-authorization-server`)
  assert.ok(JSON.parse(text).authorization_endpoint.startsWith(`${entra.origin}/`))
  for (const path of ['/oauth/authorize', '/oauth/callback', '/oauth/popup', '/oauth/popup.js']) {
    assert.equal((await send(gateway.origin + path)).status, 404)
  }
  for (const path of [...documents, '/oauth/token', '/oauth/whoami', '/mcp']) {
    const { headers } = await send(gateway.origin + path)
    assert.equal(headers['cross-origin-opener-policy'], undefined, path)
    assert.equal(headers['x-frame-options'], undefined, path)
  }
})

test('15: what could make another person of the caller does not reach the upstream', async (t) => {
  const { gateway, upstream } = await start(t)
  const { access } = await signedIn(gateway, 'alice')
  const request = post(access)
  const others = [
    ['kubernetes-authorization', 'Bearer x'],
    ['Impersonate-User', 'system:admin'],
    ['Impersonate-Group', 'system:masters'],
    ['Impersonate-Extra-Scopes', 'x'],
    ['X-Remote-User', 'admin'],
  ] as const
  const headers = [...(request.headers ?? []), ...others]
  assert.equal((await send(gateway.url, { ...request, headers })).status, 200)
  const { rawHeaders = [] } = upstream.received.at(-1) ?? {}
  assert.deepEqual(headerValues(rawHeaders, 'authorization'), [`Bearer ${access}`])
  for (const [name] of others) assert.deepEqual(headerValues(rawHeaders, name.toLowerCase()), [])
})

test('16: every error is JSON, and its first 300 characters say what to do', async (t) => {
  const { gateway, entra } = await start(t)
  const code = await codeFor(entra, 'alice')
  const long = 'x'.repeat(3000)
  const replies = [
    await postToken(gateway, codeForm(code, { redirect_uri: `https://${long}.example` })),
    await postToken(gateway, codeForm(code, { resource: `https://${long}.example` })),
    await postToken(gateway, codeForm(code, { client_id: long })),
    await postToken(gateway, codeForm(code, { code_verifier: long })),
    await postToken(gateway, codeForm(code, { grant_type: long })),
    await postToken(gateway, codeForm(code, { client_secret: long })),
    await postToken(gateway, codeForm(long)),
    await postToken(gateway, refreshForm(long)),
  ]
  for (const { status, headers, body } of replies) {
    assert.ok(status === 400 || status === 401)
    assert.match(headers.get('content-type') ?? '', /^application\/json/)
    assert.match(String(body['error_description']), /^[\x20-\x7e]{20,300}$/)
    assert.ok(typeof body['error'] === 'string' && typeof body['request_id'] === 'string')
  }
})

test('17: an idle session is refreshed every hour until session_lifetime; then the expired token is 401', async (t) => {
  const { gateway, clock } = await start(t, { signIn: { session_lifetime: 8 * 3_600_000 } })
  let { access, refresh } = await signedIn(gateway, 'alice')
  let refreshed = 0
  for (let hour = 1; hour <= 10; hour += 1) {
    await clock.advance(3_600_000)
    const { status, body } = await postToken(gateway, refreshForm(refresh))
    if (status !== 200) {
      assert.deepEqual([status, body['error']], [400, 'invalid_grant'])
      break
    }
    refreshed += 1
    access = String(body['access_token'])
    refresh = String(body['refresh_token'])
  }
  assert.equal(refreshed, 7)
  await clock.advance(2 * 3_600_000)
  assert.equal((await send(gateway.url, post(access, toolsList))).status, 401)
})

test('18: a dead refresh token every ten seconds for an hour is one answer, and disturbs nobody', async (t) => {
  const { gateway, clock, tap } = await start(t)
  const alice = await signedIn(gateway, 'alice')
  const bob = await signedIn(gateway, 'bob')
  gateway.entra.revoke('alice')
  const answers = new Set<string>()
  const asked = tap.received.length
  for (let i = 0; i < 360; i += 1) {
    await clock.advance(10_000)
    const { status, body } = await postToken(gateway, refreshForm(alice.refresh))
    answers.add(`${status} ${body['error']} ${body['error_description']}`)
  }
  assert.equal(answers.size, 1)
  assert.match([...answers][0] ?? '', /^400 invalid_grant .*AADSTS50173/)
  assert.equal(tap.received.length, asked + 1)
  assertOk(await postToken(gateway, refreshForm(bob.refresh)))
  assertOk(await postToken(gateway, codeForm(await codeFor(gateway.entra, 'alice'))))
  const lines = gateway.log.filter(({ status }) => status === 400).length
  assert.ok(lines <= 360, 'six lines a minute for the one that asks six times a minute')
})

test('19: the refresh token before the last one is good for a minute, with tokens that work, and then never', async (t) => {
  const { gateway, clock } = await start(t)
  const { refresh } = await signedIn(gateway, 'alice')
  assertOk(await postToken(gateway, refreshForm(refresh)))
  await clock.advance(59_000)
  const again = await postToken(gateway, refreshForm(refresh))
  assertOk(again)
  const access = String(again.body['access_token'])
  assert.equal((await send(gateway.url, post(access, toolsList))).status, 200)
  assertOk(await postToken(gateway, refreshForm(String(again.body['refresh_token']))))
  await clock.advance(3_600_000)
  const late = await postToken(gateway, refreshForm(refresh))
  assert.deepEqual([late.status, late.body['error']], [400, 'invalid_grant'])
})

test('20: a code that nobody redeems expires, and the next sign-in works', async (t) => {
  const { gateway, entra, clock } = await start(t)
  const lost = await codeFor(entra, 'alice')
  await clock.advance(11 * 60_000)
  const late = await postToken(gateway, codeForm(lost))
  assert.deepEqual([late.status, late.body['error']], [400, 'invalid_grant'])
  assert.match(String(late.body['error_description']), /AADSTS70008/)
  assertOk(await postToken(gateway, codeForm(await codeFor(entra, 'alice'))))
})
