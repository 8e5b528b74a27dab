import assert from 'node:assert/strict'
import type { RequestListener } from 'node:http'
import { type TestContext, test } from 'node:test'
import { SimulatedClock } from '../../support/clock.ts'
import { registeredConfig, startEntra } from '../../support/gateway.ts'
import {
  codeFor,
  codeForm,
  form,
  postToken,
  refreshForm,
  signedIn,
  startRelay,
  type TokenReply,
} from '../../support/relay-gateway.ts'
import { tapTokenEndpoint } from '../../support/token-tap.ts'

async function start(t: TestContext, options: Parameters<typeof startRelay>[1] = {}) {
  const clock = new SimulatedClock(Date.now())
  const entra = await startEntra(t, { clock })
  const tap = await tapTokenEndpoint(t, entra)
  const gateway = await startRelay(t, { ...options, entra, clock })
  return { clock, entra, tap, gateway }
}

function answering(status: number, body: unknown, headers: Record<string, string> = {}) {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  const listener: RequestListener = (_request, response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(text)
  }
  return listener
}

/** A 503 that says when to come back, and keeps to itself what the provider said. */
function assertPassing(reply: TokenReply, retryAfter = /^[1-9]\d{0,2}$/): void {
  const { status, headers, body } = reply
  assert.deepEqual([status, body['error']], [503, 'temporarily_unavailable'], JSON.stringify(body))
  assert.match(headers.get('retry-after') ?? '', retryAfter)
  assert.equal(headers.get('cache-control'), 'no-store')
  assert.doesNotMatch(JSON.stringify(body), /the provider's own words/)
}

const html = { 'content-type': 'text/html' }
const page = "<html><body>the provider's own words</body></html>"

/** Trouble that decides nothing about the code or the refresh token. */
const troubles: Readonly<Record<string, RequestListener>> = {
  'HTML with 502': answering(502, page, html),
  'HTML with 200': answering(200, page, html),
  'HTML with 400': answering(400, page, html),
  'HTML with 403': answering(403, page, html),
  'JSON that is HTML': answering(200, page),
  'an empty 200': answering(200, ''),
  'a list': answering(200, '[]'),
  null: answering(200, 'null'),
  'JSON that is cut off': answering(200, '{"access_token":"x"'),
  'a 200 without access_token': answering(200, { token_type: 'Bearer', expires_in: 3600 }),
  'a 200 with an error in it': answering(200, { error: 'invalid_grant' }),
  'an access_token that is a number': answering(200, { access_token: 7, token_type: 'Bearer' }),
  'a token that is no bearer token': answering(200, { access_token: 'x', token_type: 'DPoP' }),
  'no token type': answering(200, { access_token: 'x' }),
  'a 201': answering(201, { access_token: 'x', token_type: 'Bearer' }),
  'a 204': answering(204, ''),
  'a redirect': answering(302, '', { location: 'https://evil.example/token' }),
  'a 404': answering(404, ''),
  'a 400 without an error': answering(400, {}),
  'a 400 whose error is a number': answering(400, { error: 7 }),
  'a 400 that says it passes': answering(400, { error: 'temporarily_unavailable' }),
  'a 400 of a server error': answering(400, { error: 'server_error' }),
  'a 500': answering(500, { error: 'server_error' }),
  'a 500 with a grant error': answering(500, { error: 'invalid_grant' }),
  'a 503': answering(503, ''),
  'a 599': answering(599, ''),
  'a reset connection': (request) => request.socket.resetAndDestroy(),
  'a connection closed within the headers': (request) => request.socket.end('HTTP/1.1 200 OK\r\n'),
  'a body that is cut off': (_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': '500' })
    response.write('{"access_token":')
    setImmediate(() => response.destroy())
  },
  'a body without end': (_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end(`{"x":"${'x'.repeat(1_100_000)}"}`)
  },
  'a body that does not unpack': answering(200, 'x', { 'content-encoding': 'gzip' }),
  'no HTTP': (request) => request.socket.end('SSH-2.0-OpenSSH_9.6\r\n'),
}

test('trouble at the provider is 503 with Retry-After, and spends neither code nor refresh token', async (t) => {
  const { gateway, entra, tap } = await start(t)
  const { refresh } = await signedIn(gateway, 'alice')
  const code = await codeFor(entra, 'alice')
  for (const [what, trouble] of Object.entries(troubles)) {
    await t.test(what, async () => {
      tap.answerWith(trouble)
      const before = tap.received.length
      assertPassing(await postToken(gateway, codeForm(code)))
      assertPassing(await postToken(gateway, refreshForm(refresh)))
      assert.equal(tap.received.length, before + 2, 'nothing is asked twice')
    })
  }
  tap.answerWith(undefined)
  assert.equal((await postToken(gateway, codeForm(code))).status, 200)
  assert.equal((await postToken(gateway, refreshForm(refresh))).status, 200)
})

const retries: readonly (readonly [string | undefined, RegExp])[] = [
  [undefined, /^5$/],
  ['17', /^17$/],
  ['0', /^1$/],
  ['86400', /^300$/],
  ['-1', /^(1|5)$/],
  ['1e9', /^5$/],
  ['soon', /^5$/],
  ['99999999999999999999', /^5$|^300$/],
]
test('a Retry-After of the provider is handed on, as whole seconds from 1 to 300', async (t) => {
  const { gateway, tap, clock } = await start(t)
  const { refresh } = await signedIn(gateway, 'alice')
  const date = new Date(clock.now() + 90_000).toUTCString()
  for (const [value, expected] of [...retries, [date, /^(89|90|91)$/] as const]) {
    const headers = value === undefined ? {} : { 'retry-after': value }
    for (const status of [429, 503]) {
      tap.answerWith(answering(status, { error: 'temporarily_unavailable' }, headers))
      assertPassing(await postToken(gateway, refreshForm(refresh)), expected)
    }
  }
  tap.answerWith(undefined)
  assert.equal((await postToken(gateway, refreshForm(refresh))).status, 200)
})

test('a provider that does not answer: 503 within 10 s, and nothing is spent', async (t) => {
  const { gateway, entra, tap, clock } = await start(t)
  const { refresh } = await signedIn(gateway, 'alice')
  const code = await codeFor(entra, 'alice')
  const silences: readonly RequestListener[] = [
    () => undefined,
    (_request, response) => response.flushHeaders(),
    (_request, response) => response.write('{"access_token":'),
  ]
  for (const silence of silences) {
    for (const form of [codeForm(code), refreshForm(refresh)]) {
      const arrived = new Promise<void>((resolve) => {
        tap.answerWith((request, response) => {
          silence(request, response)
          resolve()
        })
      })
      const reply = postToken(gateway, form)
      await arrived
      await clock.advance(9_000)
      assertPassing(await reply)
    }
  }
  tap.answerWith(undefined)
  assert.equal((await postToken(gateway, codeForm(code))).status, 200)
  assert.equal((await postToken(gateway, refreshForm(refresh))).status, 200)
})

/** The mock's answers, changed on their way. */
function changing(
  tap: Awaited<ReturnType<typeof start>>['tap'],
  entra: Awaited<ReturnType<typeof start>>['entra'],
  change: (body: Record<string, unknown>) => Record<string, unknown>,
): void {
  tap.answerWith((_request, response) => {
    const url = `${entra.origin}/${entra.tenantId}/oauth2/v2.0/token`
    const form = tap.forms().at(-1)
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    fetch(url, { method: 'POST', body: form?.toString() ?? '', headers }).then(
      async (answer) => {
        const body = change((await answer.json()) as Record<string, unknown>)
        response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body))
      },
      () => response.destroy(),
    )
  })
}

const numbers: readonly unknown[] = ['3600', 3600.7, 0, undefined, '1e3']
test('expires_in is a whole number of the token itself, whatever the provider says of it', async (t) => {
  const { gateway, entra, tap } = await start(t)
  for (const value of numbers) {
    changing(tap, entra, (body) => ({ ...body, expires_in: value, ext_expires_in: value }))
    const code = await codeFor(entra, 'alice')
    const { status, body } = await postToken(gateway, codeForm(code))
    assert.equal(status, 200, JSON.stringify([value, body]))
    const next = await postToken(gateway, refreshForm(String(body['refresh_token'])))
    assert.equal(next.status, 200)
    for (const { expires_in: seconds } of [body, next.body]) {
      assert.ok(Number.isInteger(seconds) && Number(seconds) > 3500, String(seconds))
    }
  }
})

test('a refresh without a new refresh token goes on with the one before', async (t) => {
  const { gateway, entra, tap } = await start(t)
  let { refresh } = await signedIn(gateway, 'alice')
  changing(tap, entra, ({ refresh_token: _, ...body }) => body)
  for (let i = 0; i < 3; i += 1) {
    const { status, body } = await postToken(gateway, refreshForm(refresh))
    assert.equal(status, 200)
    assert.notEqual(body['refresh_token'], refresh)
    refresh = String(body['refresh_token'])
  }
  const sent = tap.forms().map((form) => form.get('refresh_token'))
  assert.equal(new Set(sent.slice(-3)).size, 1)
})

test('the ID token is not needed and not handed out, and one that cannot be used ends it with the remedy', async (t) => {
  const { gateway, entra, tap } = await start(t)
  changing(tap, entra, ({ id_token: _, ...body }) => body)
  const { refresh } = await signedIn(gateway, 'alice')
  const foreign = await entra.mint({ kind: 'id', audience: 'another-client' })
  changing(tap, entra, (body) => ({ ...body, id_token: foreign }))
  const refused = await postToken(gateway, refreshForm(refresh))
  assert.deepEqual([refused.status, refused.body['error']], [400, 'invalid_grant'])
  assert.match(String(refused.body['error_description']), /identity_provider\.client_id/)
  tap.answerWith(undefined)
  const { status, body } = await postToken(gateway, refreshForm(refresh))
  assert.equal(status, 200)
  assert.equal('id_token' in body, false)
})

test('a token that cannot be used is invalid_grant with the reason, and good again when that is mended', async (t) => {
  const { gateway, entra, tap } = await start(t)
  const { refresh } = await signedIn(gateway, 'alice')
  const code = await codeFor(entra, 'alice')
  const graph = await entra.mint({ kind: 'graph' })
  for (const [token, words] of [
    ['an-opaque-token', /an opaque token, which nobody but itself can check/],
    [graph, /Microsoft Graph token/],
  ] as const) {
    tap.answerWith(answering(200, { access_token: token, token_type: 'Bearer' }))
    for (const form of [codeForm(code), refreshForm(refresh)]) {
      const { status, body } = await postToken(gateway, form)
      assert.deepEqual([status, body['error']], [400, 'invalid_grant'])
      assert.match(String(body['error_description']), words)
      assert.match(String(body['error_description']), /^[\x20-\x7e]{1,300}$/)
    }
  }
  tap.answerWith(undefined)
  assert.equal((await postToken(gateway, codeForm(code))).status, 200)
  assert.equal((await postToken(gateway, refreshForm(refresh))).status, 200)
})

for (const [number, words] of [
  [7000215, /secret/i],
  [7000222, /expired/i],
] as const) {
  test(`our own credential refused (AADSTS${number}) is 503, loudly logged with the remedy; sessions are kept`, async (t) => {
    const { gateway, entra, tap, clock } = await start(t)
    const { refresh } = await signedIn(gateway, 'alice')
    const code = await codeFor(entra, 'alice')
    const body = { error: 'invalid_client', error_codes: [number], error_description: 'AADSTS' }
    tap.answerWith(answering(401, body, { 'www-authenticate': 'Bearer' }))
    for (let i = 0; i < 10; i += 1) {
      for (const form of [codeForm(code), refreshForm(refresh)]) {
        const reply = await postToken(gateway, form)
        assertPassing(reply)
        assert.match(String(reply.body['error_description']), words)
        assert.match(String(reply.body['error_description']), /rolecall/)
      }
    }
    const errors = () => gateway.log.filter(({ level }) => level === 'error')
    assert.equal(errors().length, 1, 'once in ten seconds')
    assert.match(String(errors()[0]?.['msg']), new RegExp(`AADSTS${number}`))
    assert.match(String(errors()[0]?.['msg']), /For the operator of rolecall: /)
    assert.deepEqual(errors()[0]?.['codes'], [number])
    await clock.advance(10_000)
    await postToken(gateway, refreshForm(refresh))
    assert.equal(errors().length, 2)
    tap.answerWith(undefined)
    assert.equal((await postToken(gateway, codeForm(code))).status, 200)
    assert.equal((await postToken(gateway, refreshForm(refresh))).status, 200)
  })
}

test('a client whose secret is the real one, where rolecall has a wrong one, hears that it is rolecall', async (t) => {
  const { gateway, entra } = await start(t)
  const { refresh } = await signedIn(gateway, 'alice')
  const { identity_provider: provider } = gateway.config
  const wrong = { kind: 'secret', secret: 'wrong' } as const
  await gateway.service.reload({
    ...gateway.config,
    identity_provider: { ...provider, credential: wrong },
  })
  assertPassing(await postToken(gateway, refreshForm(refresh)))
  const code = await codeFor(entra, 'alice')
  assertPassing(await postToken(gateway, codeForm(code)))
  await gateway.service.reload(gateway.config)
  assert.equal((await postToken(gateway, codeForm(code))).status, 200)
  assert.equal((await postToken(gateway, refreshForm(refresh))).status, 200)
})

test('before the keys are there nothing is asked: 503, and the code is good afterwards', async (t) => {
  const clock = new SimulatedClock(Date.now())
  const entra = await startEntra(t, { clock })
  const tap = await tapTokenEndpoint(t, entra)
  const keys = `/${entra.tenantId}/discovery/v2.0/keys`
  entra.answer(keys, { status: 503 })
  const gateway = await startRelay(t, { entra, clock, cold: true })
  const code = await codeFor(entra, 'alice')
  for (let i = 0; i < 5; i += 1) assertPassing(await postToken(gateway, codeForm(code)))
  assert.equal(tap.received.length, 0)
  entra.answer(keys, undefined)
  for (let i = 0; i < 100 && !gateway.service.readiness().ready; i += 1) {
    await clock.advance(1000)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  assert.equal((await postToken(gateway, codeForm(code))).status, 200)
})

test('with keys older than stale_for nothing is asked either', async (t) => {
  const clock = new SimulatedClock(Date.now())
  const entra = await startEntra(t, { clock })
  const tap = await tapTokenEndpoint(t, entra)
  const gateway = await startRelay(t, {
    entra,
    clock,
    config: {
      identity_provider: registeredConfig(entra, { stale_for: 60_000 }),
    },
  })
  const { refresh } = await signedIn(gateway, 'alice')
  const asked = tap.received.length
  entra.outage('503')
  await clock.advance(61_000)
  assertPassing(await postToken(gateway, refreshForm(refresh)))
  assert.equal(tap.received.length, asked)
})

test('a key that is new at the moment of redemption is fetched, and the code is redeemed', async (t) => {
  const { gateway, entra, tap } = await start(t)
  const code = await codeFor(entra, 'alice')
  await entra.rotate()
  assert.equal((await postToken(gateway, codeForm(code))).status, 200)
  assert.equal(tap.received.length, 1)
})

test('a key that may not be fetched yet: 503, and the same code or refresh token works within a minute', async (t) => {
  const { gateway, entra, tap, clock } = await start(t)
  const { refresh } = await signedIn(gateway, 'alice')
  await entra.rotate()
  const first = await codeFor(entra, 'alice')
  assert.equal((await postToken(gateway, codeForm(first))).status, 200, 'the one fetch in 30 s')
  await entra.rotate()
  const code = await codeFor(entra, 'alice')
  const before = tap.received.length
  const redeemed = await postToken(gateway, codeForm(code))
  assertPassing(redeemed, /^30$/)
  assertPassing(await postToken(gateway, refreshForm(refresh)), /^30$/)
  assert.equal(tap.received.length, before + 2)
  await clock.advance(10_000)
  assertPassing(await postToken(gateway, codeForm(code)), /^20$/)
  assertPassing(await postToken(gateway, refreshForm(refresh)), /^20$/)
  await clock.advance(20_000)
  assert.equal((await postToken(gateway, codeForm(code))).status, 200)
  assert.equal((await postToken(gateway, refreshForm(refresh))).status, 200)
  assert.equal(tap.received.length, before + 2, 'the provider was asked once for each')
})

test('what waits for a key waits for the one that redeemed it', async (t) => {
  const { gateway, entra } = await start(t)
  await entra.rotate()
  await signedIn(gateway, 'bob')
  await entra.rotate()
  const code = await codeFor(entra, 'alice')
  assertPassing(await postToken(gateway, codeForm(code)))
  const other = await postToken(gateway, codeForm(code, { code_verifier: 'x'.repeat(43) }))
  assert.deepEqual([other.status, other.body['error']], [400, 'invalid_grant'])
})

test('a client that leaves while the provider is asked gets the answer when it comes back', async (t) => {
  const { gateway, tap } = await start(t)
  const { refresh } = await signedIn(gateway, 'alice')
  const before = tap.received.length
  const arrived = new Promise<() => void>((resolve) => {
    tap.answerWith((request, response) => resolve(() => tap.passOn(request, response)))
  })
  const leaving = new AbortController()
  const left = fetch(`${gateway.origin}/oauth/token`, {
    method: 'POST',
    body: form(refreshForm(refresh)),
    signal: leaving.signal,
  })
  const answer = await arrived
  leaving.abort()
  await assert.rejects(left)
  await gateway.logged(({ path, status }) => path === '/oauth/token' && status === 499)
  answer()
  assert.equal((await postToken(gateway, refreshForm(refresh))).status, 200)
  assert.equal(tap.received.length, before + 1)
})
