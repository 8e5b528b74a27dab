import assert from 'node:assert/strict'
import { createServer, type IncomingMessage, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import { inspect } from 'node:util'
import { SignJWT } from 'jose'
import type { ServerMetadata } from 'openid-client'
import { type Clock, systemClock } from '../../../src/clock.ts'
import type {
  GrantOutcome,
  ProviderGrants,
} from '../../../src/issuer/token-endpoint/provider-grants.ts'
import {
  createTokenEndpoint,
  type TokenEndpointOptions,
} from '../../../src/issuer/token-endpoint/token-endpoint.ts'
import { createBoundedFetch } from '../../../src/net/bounded-fetch.ts'
import { describeExplanation } from '../../../src/oauth/provider-explanation.ts'
import { SimulatedClock } from '../../support/clock.ts'
import { closeServer } from '../../support/issuer-server.ts'

interface Received {
  readonly method: string | undefined
  readonly headers: IncomingMessage['headers']
  readonly form: URLSearchParams
}

interface Endpoint {
  readonly grants: ProviderGrants
  readonly received: Received[]
  readonly origin: string
  /** What the document says, to be changed. */
  metadata: ServerMetadata | undefined
  close(): Promise<void>
}

/** What must not be in anything that we are told of a failure. */
const secrets = ['THE-SECRET', 'THE-CODE', 'THE-VERIFIER', 'THE-REFRESH-TOKEN', 'BODY']

/** The product's token endpoint over a real server that answers as told. */
async function start(
  t: TestContext,
  answer: RequestListener,
  change: Partial<TokenEndpointOptions> = {},
  clock: Clock = systemClock,
): Promise<Endpoint> {
  const received: Received[] = []
  const server = createServer((request, response) => {
    let body = ''
    request.setEncoding('utf8').on('data', (chunk) => {
      body += chunk
    })
    request.on('end', () => {
      const { method, headers } = request
      received.push({ method, headers, form: new URLSearchParams(body) })
      answer(request, response)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const connection = createBoundedFetch({ clock, timeout: 7_500 })
  t.after(() => {
    connection.close()
    return closeServer(server)
  })
  const endpoint: Endpoint = {
    received,
    origin,
    metadata: {
      issuer: origin,
      token_endpoint: `${origin}/token`,
      token_endpoint_auth_methods_supported: ['client_secret_post'],
    },
    grants: createTokenEndpoint({
      clock,
      clientId: 'rolecall',
      namesScope: true,
      takesClaims: () => true,
      fetch: connection.fetch,
      plainHttp: 'loopback',
      credential: () => ({ kind: 'secret', secret: 'THE-SECRET' }),
      metadata: () => endpoint.metadata,
      discoveryIn: () => 0,
      ...change,
    }),
    close: () => closeServer(server),
  }
  return endpoint
}

function json(body: unknown, status = 200, headers: Record<string, string> = {}): RequestListener {
  return (_request, response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers })
    response.end(typeof body === 'string' ? body : JSON.stringify(body))
  }
}

const code = {
  code: 'THE-CODE',
  redirectUri: 'https://platform.robusta.dev/oauth/callback.html',
  codeVerifier: 'THE-VERIFIER',
}
const refresh = { refreshToken: 'THE-REFRESH-TOKEN', scope: ['openid', 'api/.default'] }
const good = { access_token: 'opaque', token_type: 'Bearer' }

function holdsNothing(outcome: GrantOutcome): void {
  const all = inspect(outcome, { depth: 9 }) + JSON.stringify(outcome)
  for (const secret of secrets) assert.ok(!all.includes(secret), `${secret} in ${all}`)
}

function unavailable(outcome: GrantOutcome, reason: RegExp, retryAfter = 5): void {
  assert.ok(outcome.kind === 'unavailable', inspect(outcome))
  assert.match(outcome.reason, reason)
  assert.equal(outcome.retryAfter, retryAfter)
  holdsNothing(outcome)
}

test('a code is redeemed with one form: code, redirect URI, verifier, scope and credential', async (t) => {
  const endpoint = await start(t, json(good))
  const scope = ['api/.default', 'openid', 'offline_access']
  await endpoint.grants.redeemCode({ ...code, scope })
  const [request, ...others] = endpoint.received
  assert.deepEqual(others, [])
  assert.equal(request?.method, 'POST')
  assert.deepEqual(Object.fromEntries(request?.form ?? []), {
    grant_type: 'authorization_code',
    code: code.code,
    redirect_uri: code.redirectUri,
    code_verifier: code.codeVerifier,
    scope: 'api/.default openid offline_access',
    client_id: 'rolecall',
    client_secret: 'THE-SECRET',
  })
  const { headers } = request ?? { headers: {} }
  assert.match(headers['content-type'] ?? '', /^application\/x-www-form-urlencoded/)
  assert.equal(headers.accept, 'application/json')
  assert.equal(headers.origin, undefined)
  assert.equal(headers.authorization, undefined)
})

test('a refresh token is refreshed with the scope, and with nothing that names a resource', async (t) => {
  const endpoint = await start(t, json(good))
  await endpoint.grants.refresh(refresh)
  assert.deepEqual(Object.fromEntries(endpoint.received[0]?.form ?? []), {
    grant_type: 'refresh_token',
    refresh_token: 'THE-REFRESH-TOKEN',
    scope: 'openid api/.default',
    client_id: 'rolecall',
    client_secret: 'THE-SECRET',
  })
})

test('where a scope that was not granted ends the session, none is sent', async (t) => {
  const endpoint = await start(t, json(good), { namesScope: false })
  await endpoint.grants.redeemCode({ ...code, scope: ['openid', 'offline_access'] })
  await endpoint.grants.refresh(refresh)
  assert.equal(endpoint.received.length, 2)
  for (const { form } of endpoint.received) assert.equal(form.has('scope'), false)
})

test('without a scope none is sent', async (t) => {
  const endpoint = await start(t, json(good))
  await endpoint.grants.redeemCode(code)
  await endpoint.grants.redeemCode({ ...code, scope: [] })
  await endpoint.grants.refresh({ ...refresh, scope: [] })
  assert.equal(endpoint.received.length, 3)
  for (const { form } of endpoint.received) assert.equal(form.has('scope'), false)
})

for (const redirectUri of [
  'https://platform.robusta.dev/oauth/callback.html',
  'HTTPS://Platform.Robusta.dev:443/a/../b',
  'http://127.0.0.1:8400',
  'http://localhost:8400/callback?a=%2F+b&c=é#',
]) {
  test(`a redirect URI goes out byte for byte: ${redirectUri}`, async (t) => {
    const endpoint = await start(t, json(good))
    await endpoint.grants.redeemCode({ ...code, redirectUri })
    assert.equal(endpoint.received[0]?.form.get('redirect_uri'), redirectUri)
  })
}

async function idToken(origin: string, change: object = {}): Promise<string> {
  const now = Math.floor(Date.now() / 1000)
  const claims = { iss: origin, aud: 'rolecall', sub: 's', iat: now, exp: now + 300, nonce: 'n' }
  const key = new TextEncoder().encode('not looked at: the answer came from the provider itself')
  const token = await new SignJWT({ ...claims, ...change })
    .setProtectedHeader({ alg: 'HS256' })
    .sign(key)
  const header = Buffer.from('{"alg":"RS256"}').toString('base64url')
  return [header, ...token.split('.').slice(1)].join('.')
}

test('tokens come as they are, the ID token too', async (t) => {
  const endpoint = await start(t, async (request, response) => {
    const body = { ...good, refresh_token: 'next', expires_in: 3600, scope: 'x', more: [1] }
    json({ ...body, id_token: await idToken(endpoint.origin) })(request, response)
  })
  const outcome = await endpoint.grants.redeemCode(code)
  assert.ok(outcome.kind === 'tokens', inspect(outcome))
  const { idToken: given, ...rest } = outcome.tokens
  assert.deepEqual(rest, { accessToken: 'opaque', refreshToken: 'next', expiresIn: 3600 })
  assert.equal(given?.split('.').length, 3)
})

const lifetimes: readonly (readonly [unknown, number | undefined])[] = [
  [undefined, undefined],
  [3600, 3600],
  ['3600', 3600],
  [3599.9, 3599],
  ['3599.9', 3599],
  [0, 0],
]

for (const [given, expected] of lifetimes) {
  test(`expires_in ${JSON.stringify(given)} is ${expected} seconds`, async (t) => {
    const endpoint = await start(t, json({ ...good, expires_in: given }))
    const outcome = await endpoint.grants.refresh(refresh)
    assert.ok(outcome.kind === 'tokens')
    assert.equal(outcome.tokens.expiresIn, expected)
  })
}

test('tokens count whatever their media type says', async (t) => {
  const endpoint = await start(t, json(good, 200, { 'content-type': 'text/plain' }))
  assert.equal((await endpoint.grants.refresh(refresh)).kind, 'tokens')
})

const html: RequestListener = (_request, response) =>
  response.writeHead(200, { 'content-type': 'text/html' }).end('<p>BODY</p>')
const notJson = /\/token: answered 200 without JSON$/
const lacking = /\/token: answered 200 without an access_token, or with members of a wrong kind$/

const unusable: readonly (readonly [string, RequestListener, RegExp])[] = [
  ['HTML', html, notJson],
  ['nothing', json(''), notJson],
  ['JSON that is cut off', json('{"access_token":"BODY'), notJson],
  ['a list', json(['BODY']), lacking],
  ['an OAuth error', json({ error: 'invalid_grant', error_description: 'BODY' }), lacking],
  ['no access token', json({ ...good, access_token: undefined, id: 'BODY' }), lacking],
  ['an empty access token', json({ ...good, access_token: '' }), lacking],
  ['a number for an access token', json({ ...good, access_token: 7 }), lacking],
  ['a list for a refresh token', json({ ...good, refresh_token: ['BODY'] }), lacking],
  ['no token type', json({ access_token: 'BODY' }), lacking],
  ['a lifetime in words', json({ ...good, access_token: 'BODY', expires_in: 'soon' }), lacking],
  ['a negative lifetime', json({ ...good, access_token: 'BODY', expires_in: -1 }), lacking],
  ['a token that is bound to a key', json({ ...good, token_type: 'DPoP' }), /not a bearer token$/],
  ['an unknown type of token', json({ ...good, token_type: 'mac' }), /cannot be used/],
  ['status 201', json(good, 201), /^the token endpoint answered 201$/],
  ['status 204', (_request, response) => response.writeHead(204).end(), /answered 204$/],
  ['a redirect', json(good, 302, { location: '/BODY' }), /redirects are not followed$/],
  [
    'more than a mebibyte',
    json({ ...good, more: 'BODY'.repeat(300_000) }),
    /more than 1048576 bytes$/,
  ],
  ['a reset', (request) => request.socket.destroy(), /could not be reached/],
]

for (const [name, answer, reason] of unusable) {
  test(`${name} is trouble that may pass, and is not asked for twice`, async (t) => {
    const endpoint = await start(t, answer)
    unavailable(await endpoint.grants.redeemCode(code), reason)
    assert.equal(endpoint.received.length, 1)
  })
}

test('an ID token is handed on as it came, whatever it says: it is judged where it is used', async (t) => {
  const changes = [
    { iss: 'https://BODY.example' },
    { aud: 'BODY' },
    { exp: 1_000 },
    { sub: undefined },
  ]
  const { origin } = await start(t, json(good))
  const given = await Promise.all(changes.map((change) => idToken(origin, change)))
  for (const [sent, expected] of [
    ...[...given, 'BODY', 'a.b.c'].map((one) => [one, one]),
    [7, ''],
    [{}, ''],
    [null, undefined],
  ]) {
    const { grants } = await start(t, json({ ...good, id_token: sent }))
    const outcome = await grants.redeemCode(code)
    assert.ok(outcome.kind === 'tokens', inspect(outcome))
    assert.equal(outcome.tokens.idToken, expected)
  }
})

const entraBody = {
  error: 'invalid_grant',
  suberror: 'bad_token',
  error_description: 'AADSTS70043: BODY',
  error_codes: [70043],
  correlation_id: '9f3b9f9a-1b7e-4c07-9d1c-000000000001',
  trace_id: '9f3b9f9a-1b7e-4c07-9d1c-000000000002',
  error_uri: 'https://BODY.example/',
  claims: '{"BODY":1}',
}

test('a 400 with an OAuth error is a refusal; codes and ids of it are kept, and no text', async (t) => {
  const endpoint = await start(t, json(entraBody, 400))
  const outcome = await endpoint.grants.refresh(refresh)
  holdsNothing(outcome)
  assert.ok(outcome.kind === 'refused')
  const { explanation, ...rest } = outcome
  assert.deepEqual(rest, {
    kind: 'refused',
    error: 'invalid_grant',
    suberror: 'bad_token',
    mustSignIn: true,
    trace: {
      provider_status: 400,
      provider_error: 'invalid_grant',
      suberror: 'bad_token',
      codes: [70043],
      correlation_id: entraBody.correlation_id,
      trace_id: entraBody.trace_id,
    },
  })
  assert.equal(explanation.code, 'AADSTS70043')
})

const refusals: readonly (readonly [string, object, number, boolean])[] = [
  ['invalid_grant', {}, 400, true],
  ['invalid_request', {}, 400, false],
  ['invalid_client', {}, 400, false],
  ['unauthorized_client', {}, 400, false],
  ['invalid_scope', {}, 400, false],
  ['invalid_target', {}, 400, false],
  ['interaction_required', {}, 400, true],
  ['invalid_client', { suberror: 'basic_action' }, 400, true],
  ['something_new', {}, 400, false],
  ['invalid_grant', {}, 403, true],
  ['access_denied', {}, 403, false],
]

for (const [error, more, status, mustSignIn] of refusals) {
  const name = `${status} ${error} ${JSON.stringify(more)}`
  test(`a refusal, whatever its code: ${name}`, async (t) => {
    const endpoint = await start(t, json({ error, error_description: 'BODY', ...more }, status))
    const outcome = await endpoint.grants.refresh(refresh)
    assert.ok(outcome.kind === 'refused', inspect(outcome))
    assert.equal(outcome.error, error)
    assert.equal(outcome.mustSignIn, mustSignIn)
    assert.doesNotMatch(describeExplanation(outcome.explanation), /BODY/)
    assert.equal(endpoint.received.length, 1)
  })
}

test('an OAuth error counts whatever its media type says, and beside a challenge', async (t) => {
  const headers = { 'content-type': 'text/html', 'www-authenticate': 'Basic realm="BODY"' }
  const endpoint = await start(t, json({ error: 'invalid_grant' }, 400, headers))
  assert.equal((await endpoint.grants.refresh(refresh)).kind, 'refused')
})

test('an error that is no error code is a refusal without a name, and nothing of it is told', async (t) => {
  const error = `é"\n${'x'.repeat(10_000)}`
  const body = {
    error,
    suberror: error,
    error_codes: ['7', -1, 1.5, 1e12, {}, 50076],
    trace_id: error,
  }
  const endpoint = await start(t, json({ ...body, correlation_id: 7 }, 400))
  const outcome = await endpoint.grants.refresh(refresh)
  assert.ok(outcome.kind === 'refused')
  for (const text of [outcome.error, outcome.suberror ?? '']) {
    assert.equal(text, 'unnamed_error')
  }
  assert.deepEqual(outcome.trace?.codes, [7, 50076])
  assert.equal(outcome.trace?.trace_id, undefined)
  assert.equal(outcome.trace?.correlation_id, undefined)
  assert.ok(describeExplanation(outcome.explanation).length <= 300)
})

const credentialAnswers: readonly (readonly [string, RequestListener])[] = [
  ['invalid_client', json({ error: 'invalid_client', error_description: 'BODY' }, 401)],
  ['Keycloak’s unauthorized_client', json({ error: 'unauthorized_client' }, 401)],
  [
    'a challenge beside the error',
    json({ error: 'invalid_client' }, 401, { 'www-authenticate': 'Basic realm="BODY"' }),
  ],
  ['a challenge alone', json('', 401, { 'www-authenticate': 'Basic realm="BODY"' })],
  ['HTML', json('<p>BODY</p>', 401, { 'content-type': 'text/html' })],
]

for (const [name, answer] of credentialAnswers) {
  test(`a 401 is about our own credential: ${name}`, async (t) => {
    const endpoint = await start(t, answer)
    const outcome = await endpoint.grants.refresh(refresh)
    holdsNothing(outcome)
    assert.ok(outcome.kind === 'misconfigured', inspect(outcome))
    assert.equal(outcome.explanation.whose, 'operator')
    assert.match(outcome.explanation.what, /refused rolecall's own credential/)
    assert.equal(outcome.trace?.provider_status, 401)
  })
}

const passing: readonly (readonly [string, RequestListener, RegExp])[] = [
  ['500', json('BODY', 500), /answered 500$/],
  ['502 HTML', json('<p>BODY', 502, { 'content-type': 'text/html' }), /answered 502$/],
  [
    '503 JSON',
    json({ error: 'temporarily_unavailable' }, 503),
    /503 with temporarily_unavailable$/,
  ],
  ['500 invalid_grant', json({ error: 'invalid_grant' }, 500), /answered 500 with invalid_grant$/],
  ['504', json('', 504), /answered 504$/],
  ['429', json({ error: 'invalid_grant' }, 429), /answered 429/],
  ['400 temporarily_unavailable', json({ error: 'temporarily_unavailable' }, 400), /answered 400/],
  ['400 server_error', json({ error: 'server_error' }, 400), /answered 400 with server_error$/],
  ['400 HTML', json('<p>BODY', 400, { 'content-type': 'text/html' }), /answered 400$/],
  ['400 without an error', json({ message: 'BODY' }, 400), /answered 400$/],
  ['400 with an object for an error', json({ error: { message: 'BODY' } }, 400), /answered 400$/],
  ['400 with a list', json([{ error: 'invalid_grant' }], 400), /answered 400$/],
  ['400 without a body', json('', 400), /answered 400$/],
  ['403 of a firewall', json({ error: 'Forbidden' }, 403), /answered 403/],
  ['403 HTML', json('<p>BODY', 403), /answered 403$/],
  ['404', json({ error: 'invalid_grant' }, 404), /answered 404/],
]

for (const [name, answer, reason] of passing) {
  test(`trouble that may pass: ${name}`, async (t) => {
    const endpoint = await start(t, answer)
    unavailable(await endpoint.grants.refresh(refresh), reason)
    assert.equal(endpoint.received.length, 1)
  })
}

const inAMinute = new Date(Date.parse('2026-03-01T12:01:00Z')).toUTCString()
const retries: readonly (readonly [string, number])[] = [
  ['17', 17],
  ['0', 1],
  ['86400', 300],
  ['999999999999', 5],
  ['-3', 5],
  ['soon', 5],
  [inAMinute, 60],
  ['Sun, 01 Mar 2020 00:00:00 GMT', 1],
  ['Sun, 01 Mar 2099 00:00:00 GMT', 300],
]

for (const [header, seconds] of retries) {
  test(`Retry-After: ${header} is ${seconds} seconds`, async (t) => {
    const clock = new SimulatedClock(Date.parse('2026-03-01T12:00:00Z'))
    const endpoint = await start(t, json('', 429, { 'retry-after': header }), {}, clock)
    unavailable(await endpoint.grants.refresh(refresh), /answered 429$/, seconds)
  })
}

const slow: readonly (readonly [string, RequestListener])[] = [
  ['no headers', () => undefined],
  ['no body', (_request, response) => response.writeHead(200).flushHeaders()],
]

for (const [name, answer] of slow) {
  test(`a slow provider is given up before ten seconds: ${name}`, async (t) => {
    const clock = new SimulatedClock()
    let told: () => void = () => undefined
    const asked = new Promise<void>((resolve) => {
      told = resolve
    })
    const listener: RequestListener = (request, response) => {
      answer(request, response)
      told()
    }
    const endpoint = await start(t, listener, {}, clock)
    const outcome = endpoint.grants.redeemCode(code)
    await asked
    await clock.advance(9_999)
    unavailable(await outcome, /no answer within 7500 ms$/)
  })
}

test('a provider that is gone is trouble that may pass', async (t) => {
  const endpoint = await start(t, json(good))
  await endpoint.close()
  unavailable(await endpoint.grants.redeemCode(code), /could not be reached \(ECONNREFUSED\)$/)
})

test('before discovery nothing is sent, and the next try is told', async (t) => {
  const endpoint = await start(t, json(good), { discoveryIn: () => 8_200 })
  endpoint.metadata = undefined
  unavailable(await endpoint.grants.redeemCode(code), /discovery document is not there yet$/, 9)
  assert.equal(endpoint.received.length, 0)
})

const addresses: readonly (readonly [unknown, RegExp])[] = [
  [undefined, /not a URL$/],
  [7, /not a URL$/],
  ['/token', /not a URL$/],
  ['ftp://127.0.0.1/token', /not a URL$/],
  ['https://user:BODY@idp.example/token', /not a URL$/],
  ['http://idp.example/token', /https is required, but on loopback$/],
]

for (const [address, reason] of addresses) {
  test(`a token endpoint that is not to be called is not: ${String(address)}`, async (t) => {
    const endpoint = await start(t, json(good))
    endpoint.metadata = { issuer: endpoint.origin, token_endpoint: address } as ServerMetadata
    unavailable(await endpoint.grants.redeemCode(code), reason)
    assert.equal(endpoint.received.length, 0)
  })
}

test('a credential that cannot be read is our misconfiguration, and nothing is sent', async (t) => {
  const endpoint = await start(t, json(good), {
    credential: () => ({ kind: 'secret', secret: 'THE-SECRET', file: '/run/secrets/gone' }),
  })
  const outcome = await endpoint.grants.refresh(refresh)
  holdsNothing(outcome)
  assert.ok(outcome.kind === 'misconfigured')
  assert.equal(outcome.explanation.whose, 'operator')
  const text = describeExplanation(outcome.explanation)
  assert.match(text, /identity_provider\.client_secret_file cannot be read \(ENOENT\)\./)
  assert.equal(endpoint.received.length, 0)
})

test('the document may be as odd as it likes: an outcome comes of it', async (t) => {
  const endpoint = await start(t, json({ ...good, id_token: 'a.b.c' }))
  const oddities = { id_token_signing_alg_values_supported: 7, mtls_endpoint_aliases: 'x' }
  endpoint.metadata = { ...endpoint.metadata, ...oddities } as unknown as ServerMetadata
  assert.equal((await endpoint.grants.redeemCode(code)).kind, 'tokens')
})
