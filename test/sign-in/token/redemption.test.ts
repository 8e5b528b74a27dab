import assert from 'node:assert/strict'
import type { RequestListener } from 'node:http'
import { type TestContext, test } from 'node:test'
import { holmes, publicClient } from '../../environment/mock-entra/directory.ts'
import type { MintRequest } from '../../environment/mock-entra/mint.ts'
import { startBroker } from '../../support/broker-gateway.ts'
import {
  atProvider,
  authorizeUrl,
  codeForm,
  endpoint,
  locationOf,
  postForm,
  toCallback,
} from '../../support/broker-sign-in.ts'
import { assertPage } from '../../support/browser-answers.ts'
import { SimulatedClock } from '../../support/clock.ts'
import { startEntra } from '../../support/gateway.ts'
import { tapTokenEndpoint } from '../../support/token-tap.ts'

/** What the provider answers, member by member. */
type Given = Readonly<Record<string, unknown>>

/** A rolecall on a simulated clock, with a tap in which any answer can be given. */
async function start(t: TestContext) {
  const clock = new SimulatedClock(Date.now())
  const entra = await startEntra(t, { clock })
  const tap = await tapTokenEndpoint(t, entra)
  const broker = await startBroker(t, { entra, clock })
  const { gateway, browser } = broker
  const give = (given: Given) =>
    tap.answerWith((_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json' })
      response.end(JSON.stringify({ token_type: 'Bearer', expires_in: 3600, ...given }))
    })
  return {
    ...broker,
    clock,
    entra,
    tap,
    give,
    /** A sign-in up to its code, with the nonce that the provider was asked for. */
    async begun() {
      const there = await browser.allow(await browser.get(authorizeUrl(gateway)))
      const back = await atProvider(broker, there)
      const code = locationOf(await browser.comeBack(back.href)).searchParams.get('code') ?? ''
      return { code, nonce: new URL(there).searchParams.get('nonce') ?? '' }
    },
    redeem: (code: string) => postForm(endpoint(gateway, 'token'), codeForm(code)),
    /** Tokens for alice as the provider gives them, changed. */
    async tokens(nonce: unknown, access: MintRequest = {}, id: MintRequest = {}) {
      return {
        refresh_token: 'a-refresh-token-of-the-provider',
        access_token: await entra.mint({ person: 'alice', client: holmes.client_id, ...access }),
        id_token: await entra.mint({
          person: 'alice',
          client: holmes.client_id,
          kind: 'id',
          ...id,
          claims: { nonce, ...id.claims },
        }),
      }
    },
  }
}

type Broker = Awaited<ReturnType<typeof start>>

async function assertRefused(
  { redeem }: Pick<Broker, 'redeem'>,
  code: string,
  words: RegExp,
): Promise<void> {
  const { status, body } = await redeem(code)
  assert.deepEqual([status, body['error']], [400, 'invalid_grant'], JSON.stringify(body))
  assert.match(String(body['error_description']), words)
  assert.equal(body['access_token'], undefined)
}

test('tokens of the sign-in that was begun are handed out', async (t) => {
  const { begun, tokens, give, redeem } = await start(t)
  const { code, nonce } = await begun()
  give(await tokens(nonce))
  assert.equal((await redeem(code)).status, 200)
})

test('an ID token with any other nonce ends the sign-in, and the provider is asked once', async (t) => {
  const broker = await start(t)
  const { begun, tokens, give, tap } = broker
  const other = await begun()
  for (const wrong of [
    () => other.nonce,
    () => null,
    () => '',
    (nonce: string) => nonce.toLowerCase(),
    (nonce: string) => `${nonce} `,
    (nonce: string) => [nonce],
    () => true,
  ]) {
    const { code, nonce } = await begun()
    give(await tokens(wrong(nonce)))
    const asked = tap.received.length
    await assertRefused(broker, code, /another sign-in/)
    give(await tokens(nonce))
    await assertRefused(broker, code, /another sign-in/)
    assert.equal(tap.received.length, asked + 1)
  }
})

test("another person's ID token is not taken, even with our nonce", async (t) => {
  const broker = await start(t)
  const { code, nonce } = await broker.begun()
  broker.give(await broker.tokens(nonce, {}, { person: 'bob' }))
  await assertRefused(broker, code, /two people/)
  const { browser, gateway } = broker
  const own = `${endpoint(gateway, 'authorize')}?client_id=rolecall`
  const there = locationOf(await browser.get(own))
  const ours = there.searchParams.get('nonce')
  broker.give(await broker.tokens(ours, {}, { person: 'bob' }))
  const back = await atProvider(broker, there)
  await assertPage(await browser.get(back.href), 400, /two people/)
})

const unusableIdTokens: readonly (readonly [change: MintRequest, words: RegExp])[] = [
  [{ signature: 'foreign-key' }, /not signed by a key of the identity provider/],
  [{ signature: 'edited' }, /not signed by a key of the identity provider/],
  [{ signature: 'none' }, /signing_algorithms|not a signed JWT/],
  [{ signature: 'HS256' }, /signing_algorithms/],
  [{ header: { crit: ['exp'] } }, /not signed by a key/],
  [{ claims: { aud: publicClient.client_id } }, /identity_provider\.client_id/],
  [{ claims: { aud: [holmes.client_id, 'other'] } }, /azp/],
  [{ claims: { aud: null } }, /identity_provider\.client_id/],
  [{ claims: { azp: publicClient.client_id } }, /azp/],
  [{ claims: { iss: 'https://evil.example' } }, /issuer/],
  [{ claims: { iss: null } }, /issuer/],
  [{ claims: { sub: null } }, /sub/],
  [{ lifetime: -3600 }, /clocks/],
  [{ claims: { exp: null } }, /clocks/],
  [{ claims: { nbf: 9_999_999_999 } }, /clocks/],
  [{ claims: { at_hash: 'x' } }, /another access token/],
]

test('an ID token that is missing or that cannot be used brings no tokens, and says what to do', async (t) => {
  const { begun, tokens, give, redeem } = await start(t)
  const { code, nonce } = await begun()
  const { id_token: _, ...without } = await tokens(nonce)
  give(without)
  const missing = await redeem(code)
  assert.deepEqual([missing.status, missing.body['error']], [400, 'invalid_grant'])
  for (const [change, words] of unusableIdTokens) {
    give(await tokens(nonce, {}, change))
    const { status, body } = await redeem(code)
    assert.deepEqual([status, body['error']], [400, 'invalid_grant'], JSON.stringify(change))
    const description = String(body['error_description'])
    assert.match(description, words)
    assert.doesNotMatch(description, /try again|retry/i)
    assert.equal('access_token' in body, false)
  }
  give(await tokens(nonce))
  assert.equal((await redeem(code)).status, 200, 'none of them spent the code')
})

const other = '11111111-2222-4333-8444-555555555555'
const unusable: Readonly<Record<string, MintRequest>> = {
  'for Microsoft Graph': { kind: 'graph' },
  'for another audience': { audience: other },
  'of another tenant': { claims: { tid: other, iss: `https://sts.windows.net/${other}/` } },
  'of another issuer': { claims: { iss: 'https://evil.example' } },
  'without a tenant': { claims: { tid: null } },
  'of another client': { client: publicClient.client_id },
  'of the app itself': { kind: 'app' },
  'that has ended': { lifetime: -1 },
  'without an end': { claims: { exp: null } },
  'that is an ID token': { kind: 'id' },
  'signed by nobody': { signature: 'none' },
  'signed by a foreign key': { signature: 'foreign-key' },
  'with a changed signature': { signature: 'edited' },
  'bound to a key': { claims: { cnf: { jkt: 'x' } } },
}

test('a token that the resource would refuse is handed to nobody, and the code stays as it was', async (t) => {
  const broker = await start(t)
  const { begun, tokens, give, redeem } = broker
  const { code, nonce } = await begun()
  for (const [what, change] of Object.entries(unusable)) {
    give(await tokens(nonce, change))
    await t.test(what, () => assertRefused(broker, code, /./))
  }
  give({ ...(await tokens(nonce)), access_token: 'an-opaque-token' })
  await assertRefused(broker, code, /opaque/)
  give(await tokens(nonce))
  assert.equal((await redeem(code)).status, 200)
})

const answering =
  (status: number, body: object | string): RequestListener =>
  (_request, response) => {
    response.writeHead(status, { 'content-type': 'application/json' })
    response.end(typeof body === 'string' ? body : JSON.stringify(body))
  }
const troubles: readonly RequestListener[] = [
  answering(503, ''),
  answering(500, { error: 'invalid_grant' }),
  answering(429, { error: 'invalid_grant' }),
  answering(401, { error: 'invalid_client' }),
  answering(400, { error: 'temporarily_unavailable' }),
  answering(404, '<html>'),
  answering(302, ''),
  answering(200, '<html>'),
  answering(200, '{}'),
  (request) => request.socket.resetAndDestroy(),
]

test('trouble at the provider is 503, and the same code works within its 60 seconds', async (t) => {
  const { begun, tap, redeem, clock } = await start(t)
  const { code } = await begun()
  const { code: late } = await begun()
  for (const trouble of troubles) {
    tap.answerWith(trouble)
    const { status, body, headers } = await redeem(code)
    assert.deepEqual([status, body['error']], [503, 'temporarily_unavailable'])
    assert.match(headers.get('retry-after') ?? '', /^[1-9]\d*$/)
  }
  await clock.advance(60_000)
  tap.answerWith(undefined)
  assert.equal((await redeem(code)).status, 200)
  await clock.advance(1)
  const asked = tap.received.length
  assert.equal((await redeem(late)).body['error'], 'invalid_grant')
  assert.equal(tap.received.length, asked)
})

test('trouble that fifty meet at once is trouble for each, and then tokens for one', async (t) => {
  const { begun, tap, redeem } = await start(t)
  const { code } = await begun()
  tap.answerWith(troubles[0])
  const first = await Promise.all(Array.from({ length: 50 }, () => redeem(code)))
  assert.ok(first.every(({ status }) => status === 503))
  tap.answerWith(undefined)
  const second = await Promise.all(Array.from({ length: 50 }, () => redeem(code)))
  assert.equal(second.filter(({ status }) => status === 200).length, 1)
})

test('what the provider refuses is over, in its words made ours, and it is asked once', async (t) => {
  const broker = await start(t)
  const { begun, tap, entra } = broker
  for (const [code, words] of [
    [54005, /used before.*AADSTS54005/],
    [70008, /too old.*AADSTS70008/],
    [50105, /not assigned.*AADSTS50105/],
    [53003, /Conditional Access.*AADSTS53003/],
  ] as const) {
    const sign = await begun()
    entra.fail({ at: 'token', code })
    const asked = tap.received.length
    for (let times = 0; times < 3; times += 1) await assertRefused(broker, sign.code, words)
    assert.equal(tap.received.length, asked + 1)
  }
})

test('a code of the provider that was put into another sign-in fits neither', async (t) => {
  const broker = await start(t)
  const { gateway, browser } = broker
  const [one, two] = [await toCallback(broker), await toCallback(broker, undefined, 'bob')]
  const codes = [one, two].map((back) => back.searchParams.get('code') ?? '')
  one.searchParams.set('code', codes[1] ?? '')
  two.searchParams.set('code', codes[0] ?? '')
  for (const back of [one, two]) {
    const answer = locationOf(await browser.comeBack(back.href))
    const code = answer.searchParams.get('code') ?? ''
    await assertRefused(broker, code, /code_verifier does not belong.*AADSTS501481/)
  }
  assert.ok(!gateway.log.some(({ kind, status }) => kind === 'request' && status === 500))
})
