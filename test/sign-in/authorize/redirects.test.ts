import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { type BrokerOptions, startBroker } from '../../support/broker-gateway.ts'
import { authorizeUrl, endpoint, state, toCallback } from '../../support/broker-sign-in.ts'
import { assertPage, assertRefused, assertTold } from '../../support/browser-answers.ts'
import { limitsWith } from '../../support/defaults.ts'
import { sealingKey } from '../../support/handed-out.ts'
import { everyPreset, lookAlikes, robusta } from '../../support/look-alikes.ts'
import type { Change } from '../../support/relay-gateway.ts'

const cursor = 'cursor://anysphere.cursor-mcp/oauth/callback'
const withQuery = 'https://app.contoso.test/cb?tenant=a&x='

/** A rolecall that allows every preset, and clients of several kinds. */
async function start(t: TestContext, options: BrokerOptions = {}) {
  const broker = await startBroker(t, {
    ...options,
    signIn: {
      redirect_uris: [...everyPreset, withQuery],
      clients: [
        { client_id: 'holmes', redirect_uris: everyPreset, skip_consent: false },
        { client_id: 'one', redirect_uris: [withQuery], skip_consent: false },
        { client_id: 'two', redirect_uris: [withQuery, robusta], skip_consent: false },
        { client_id: 'preset', redirect_uris: ['loopback'], skip_consent: false },
      ],
    },
    config: {
      limits: limitsWith({ registrations_per_minute: 1_000, sign_ins_per_minute: 1_000 }),
      ...options.config,
    },
  })
  const { gateway, browser } = broker
  const register = async (uris: readonly string[]) => {
    const response = await fetch(endpoint(gateway, 'register'), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ redirect_uris: uris }),
    })
    return { status: response.status, body: (await response.json()) as Record<string, unknown> }
  }
  return {
    ...broker,
    register,
    ask: (change: Change) => browser.get(authorizeUrl(gateway, change)),
    async clientWith(...uris: readonly string[]) {
      const { status, body } = await register(uris)
      assert.equal(status, 201, JSON.stringify(body))
      return String(body['client_id'])
    },
  }
}

const nested = [
  `${robusta}?next=https://evil.example`,
  `${robusta}?redirect_uri=${encodeURIComponent('https://evil.example')}`,
  `https://evil.example/?url=${encodeURIComponent(robusta)}`,
  `https://evil.example/${robusta}`,
  `https://evil.example#${robusta}`,
  `${robusta}&redirect_uri=https://evil.example`,
  `${robusta},https://evil.example/`,
  `${robusta};https://evil.example/`,
  `${robusta}%20https://evil.example/`,
  `${robusta}%0d%0aLocation:%20https://evil.example/`,
  `${robusta}%00`,
  `${robusta}%23`,
  `${robusta}%3f`,
  `${cursor}?next=https://evil.example`,
  'https://chatgpt.com/connector/oauth/%2e%2e%2f%2e%2e%2fevil',
  'https://chatgpt.com/connector/oauth/https://evil.example',
]

test('at authorize no look-alike and nothing nested gets an answer: the person sees a page', async (t) => {
  const { ask, clientWith, gateway } = await start(t)
  const dynamic = await clientWith(robusta, cursor, 'http://localhost/callback')
  const all = [...Object.values(lookAlikes).flat(), ...nested].filter((uri) => uri !== '')
  assert.ok(all.length > 180)
  for (const client of ['holmes', dynamic]) {
    for (const uri of all) {
      const answer = await ask({ client_id: client, redirect_uri: uri })
      const text = await assertRefused(answer, 400, /address/)
      assert.doesNotMatch(text, /evil/, uri)
    }
  }
  assert.equal(gateway.entra.requests(`/${gateway.entra.tenantId}/oauth2/v2.0/authorize`), 0)
})

test('an error of the request goes to a bad address as little as a code does', async (t) => {
  const { ask } = await start(t)
  const errors: readonly Change[] = [
    { code_challenge: undefined },
    { response_type: 'token' },
    { resource: 'https://evil.example' },
    { prompt: 'none' },
    { request_uri: 'https://evil.example' },
    { state: 's'.repeat(4_000) },
  ]
  for (const change of errors) {
    for (const uri of ['https://evil.example/cb', `${robusta}.evil.example`, 'javascript:alert(1)'])
      await assertRefused(await ask({ ...change, redirect_uri: uri }), 400, /address/)
  }
})

test('no look-alike can be registered, alone or beside a good one', async (t) => {
  const { register } = await start(t)
  const all = [...Object.values(lookAlikes).flat(), ...nested]
  for (const uri of all) {
    const { status, body } = await register([uri])
    assert.deepEqual([status, body['error']], [400, 'invalid_redirect_uri'], uri)
  }
  const { status, body } = await register([...all.slice(0, 60), robusta, ...all.slice(60)])
  assert.equal(status, 201)
  assert.deepEqual(body['redirect_uris'], [robusta])
})

const spellingsOfUs = (origin: string) => {
  const { port } = new URL(origin)
  return ['localhost', '127.0.0.1', '[::1]'].flatMap((host) =>
    ['', '/', '/oauth/callback', '/oauth/authorize?x', '/mcp', '/oauth/popup'].map(
      (path) => `http://${host}:${port}${path}`,
    ),
  )
}

test('our own origin is answered at by nobody and registered by nobody, in every spelling', async (t) => {
  const { ask, register, clientWith, gateway } = await start(t)
  const dynamic = await clientWith('http://localhost/oauth/callback', 'http://127.0.0.1/')
  for (const uri of spellingsOfUs(gateway.origin)) {
    for (const client of ['holmes', 'preset', dynamic]) {
      await assertRefused(await ask({ client_id: client, redirect_uri: uri }), 400, /address/)
    }
    assert.equal((await register([uri])).body['error'], 'invalid_redirect_uri', uri)
  }
})

test('a client is answered only where it registered, though others may be answered elsewhere', async (t) => {
  const { ask, clientWith } = await start(t)
  const web = await clientWith(robusta)
  const local = await clientWith('http://localhost:8080/callback')
  const allowed: readonly [string, string][] = [
    [web, robusta],
    [local, 'http://localhost:8080/callback'],
    [local, 'http://localhost:50123/callback'],
    [local, 'http://localhost/callback'],
  ]
  for (const [client, uri] of allowed) {
    await assertPage(await ask({ client_id: client, redirect_uri: uri }), 200, /Allow access/)
  }
  const refused: readonly [string, string][] = [
    [web, 'https://platform.eu.robusta.dev/oauth/callback.html'],
    [web, 'http://localhost:8080/callback'],
    [local, robusta],
    [local, 'http://127.0.0.1:8080/callback'],
    [local, 'http://[::1]:8080/callback'],
    [local, 'http://localhost:8080/callback/'],
    [local, 'http://localhost:8080/callback?x=1'],
    [local, 'http://localhost:8080/'],
    [local, 'http://localhost:8080/Callback'],
    ['one', robusta],
    ['one', withQuery.slice(0, -1)],
    ['one', `${withQuery}&y=1`],
    ['one', 'https://app.contoso.test/cb'],
    ['preset', withQuery],
  ]
  for (const [client, uri] of refused) {
    await assertRefused(await ask({ client_id: client, redirect_uri: uri }), 400, /address/)
  }
})

test('without redirect_uri the only one is meant, and of several none', async (t) => {
  const { ask, clientWith, gateway } = await start(t)
  const iss = gateway.origin
  const missing = { redirect_uri: undefined, code_challenge: undefined }
  const only: readonly [string, string][] = [
    ['one', withQuery],
    [await clientWith(robusta), robusta],
    [await clientWith('https://evil.example/cb', robusta), robusta],
  ]
  for (const [client_id, at] of only) {
    const answer = await ask({ ...missing, client_id })
    await assertTold(answer, { at, state, iss }, ['invalid_request', /PKCE/])
  }
  for (const client_id of ['two', 'preset', 'holmes', await clientWith(robusta, cursor)]) {
    for (const redirect_uri of [undefined, '']) {
      const answer = await ask({ ...missing, client_id, redirect_uri })
      await assertRefused(answer, 400, /redirect_uri is missing/)
    }
  }
})

test('an address with a query of its own keeps it, and a private scheme its very text', async (t) => {
  const broker = await start(t)
  const { gateway, browser, ask } = broker
  const addresses: readonly [string, string][] = [
    ['one', withQuery],
    ['holmes', cursor],
    ['holmes', 'http://[::1]:7777/cb?a=%20b'],
    ['holmes', 'http://127.0.0.1:7777'],
    ['holmes', 'http://localhost:7777/?'],
  ]
  for (const [client_id, redirect_uri] of addresses) {
    const change = { client_id, redirect_uri }
    const back = await toCallback(broker, authorizeUrl(gateway, change))
    const location = (await browser.comeBack(back.href)).headers.get('location') ?? ''
    const sign = redirect_uri.includes('?') ? '&' : '?'
    assert.ok(location.startsWith(`${redirect_uri}${sign}code=`), location)
    const { searchParams } = new URL(location)
    assert.equal(searchParams.getAll('state').join(), state)
    const told = { at: redirect_uri, state, iss: gateway.origin }
    if (sign === '?') {
      const answer = await ask({ ...change, prompt: 'none' })
      await assertTold(answer, told, ['consent_required', /asked/])
    }
  }
})

test('what an operator takes back is refused at once, also to those who registered it', async (t) => {
  const { gateway, ask, clientWith } = await start(t, { config: { sealing_keys: [sealingKey] } })
  const client_id = await clientWith(robusta)
  const change = { client_id, redirect_uri: robusta }
  await assertPage(await ask(change), 200, /Allow access/)
  const { sign_in: signIn } = gateway.config
  assert.ok(signIn.mode === 'broker')
  const sign_in = { ...signIn, redirect_uris: ['loopback'] }
  await gateway.service.reload({ ...gateway.config, sign_in })
  await assertRefused(await ask(change), 400, /address/)
})
