import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { BrokerConfig } from '../../../src/config/config.ts'
import { type BrokerGateway, brokerConfig, startBroker } from '../../support/broker-gateway.ts'
import {
  authorizeUrl,
  codeFor,
  codeForm,
  endpoint,
  locationOf,
  postForm,
  refreshForm,
  toCallback,
  tokensFor,
  transactionOn,
} from '../../support/broker-sign-in.ts'
import { SimulatedClock } from '../../support/clock.ts'
import { startEntra } from '../../support/gateway.ts'
import { sealingKey } from '../../support/handed-out.ts'
import type { TokenReply } from '../../support/relay-gateway.ts'

const hour = 3_600_000
/** A person who follows a link. */
const click = { 'sec-fetch-user': '?1', 'sec-fetch-dest': 'document', 'sec-fetch-site': 'none' }
const https = 'https://platform.robusta.dev/oauth/callback.html'

/** A rolecall whose `sign_in` is read again in between. */
async function start(t: TestContext, signIn: Partial<BrokerConfig> = {}) {
  const clock = new SimulatedClock(Date.now())
  const entra = await startEntra(t, { clock })
  const broker = await startBroker(t, {
    entra,
    clock,
    signIn,
    config: { sealing_keys: [sealingKey] },
  })
  const { gateway } = broker
  const token = endpoint(gateway, 'token')
  return {
    ...broker,
    clock,
    entra,
    redeem: (code: string) => postForm(token, codeForm(code)),
    refresh: (refreshToken: string) => postForm(token, refreshForm(refreshToken)),
    change: (over: Partial<BrokerConfig>) =>
      gateway.service.reload({ ...gateway.config, sign_in: brokerConfig({ ...signIn, ...over }) }),
  }
}

function assertOver({ status, body }: TokenReply, words: RegExp): void {
  assert.deepEqual([status, body['error']], [400, 'invalid_grant'], JSON.stringify(body))
  assert.match(String(body['error_description']), words)
}

/** Presses a button of a consent page. */
async function decide(
  { gateway, browser }: BrokerGateway,
  page: Response,
  decision: 'allow' | 'deny',
): Promise<Response> {
  const transaction = await transactionOn(page.clone())
  return browser.post(endpoint(gateway, 'authorize'), { transaction, decision })
}

async function assertPage(answer: Response, words: RegExp): Promise<void> {
  assert.equal(answer.status, 400)
  assert.equal(answer.headers.get('location'), null)
  assert.match(await answer.text(), words)
}

test('a session that was revoked stays so when sessions may be longer', async (t) => {
  const { gateway, refresh, change, clock } = await start(t, { session_lifetime: hour })
  const { refresh: revoked } = await tokensFor(gateway)
  const { refresh: kept } = await tokensFor(gateway, 'bob')
  await postForm(endpoint(gateway, 'revoke'), { token: revoked, client_id: 'holmes' })
  await clock.advance(hour)
  await change({ session_lifetime: 24 * hour })
  assertOver(await refresh(revoked), /session/)
  assertOver(await refresh(kept), /session_lifetime/)
  const { refresh: later } = await tokensFor(gateway)
  await clock.advance(2 * hour)
  assert.equal((await refresh(later)).status, 200)
})

test('what was allowed for sealed tokens brings nobody the token of the cluster', async (t) => {
  const { gateway, browser, redeem, refresh, change } = await start(t)
  const { refresh: session } = await tokensFor(gateway)
  const code = await codeFor(gateway)
  const question = await browser.get(authorizeUrl(gateway))
  const back = await toCallback({ gateway, browser })
  await change({ tokens: 'passthrough' })
  await assertPage(
    await decide({ gateway, browser }, question, 'allow'),
    /has changed since this sign-in began/,
  )
  await assertPage(await browser.get(back.href), /has changed since this sign-in began/)
  assertOver(await redeem(code), /sign_in\.tokens/)
  assertOver(await refresh(session), /sign_in\.tokens/)
  await change({})
  assert.equal((await refresh(session)).status, 200)
})

test('a consent that is remembered for sealed tokens is asked for again', async (t) => {
  const { gateway, browser, change } = await start(t, { consent: 'remember' })
  const url = authorizeUrl(gateway, { redirect_uri: https })
  await browser.allow(await browser.get(url))
  assert.equal((await browser.get(url, click)).status, 303)
  await change({ tokens: 'passthrough' })
  const asked = await browser.get(url, click)
  assert.equal(asked.status, 200)
  assert.match(await asked.text(), /token for the cluster itself/)
})

test('sessions of people who allowed the token of the cluster go on with sealed ones', async (t) => {
  const { gateway, refresh, change } = await start(t, { tokens: 'passthrough' })
  const { refresh: session } = await tokensFor(gateway)
  await change({ tokens: 'sealed' })
  const { status, body } = await refresh(session)
  assert.equal(status, 200)
  assert.equal(String(body['access_token']).split('.').length, 5)
})

for (const [what, clients] of Object.entries({
  'a client that was taken back': [],
  'an address that was taken back': [
    { client_id: 'holmes', redirect_uris: ['robusta'], skip_consent: false },
  ],
})) {
  test(`${what} gets no answer of a sign-in that is on its way`, async (t) => {
    const { gateway, browser, change } = await start(t)
    const question = await browser.get(authorizeUrl(gateway))
    const back = await toCallback({ gateway, browser })
    await change({ clients })
    await assertPage(await decide({ gateway, browser }, question, 'deny'), /has changed since/)
    await assertPage(await decide({ gateway, browser }, question, 'allow'), /has changed since/)
    await assertPage(await browser.get(back.href), /has changed since/)
    await change({})
    const answer = locationOf(await browser.comeBack(back.href))
    assert.ok(answer.searchParams.has('code'), 'nothing was spent')
  })
}

test('on our own page trouble that passes costs nothing: the same address goes on', async (t) => {
  const { gateway, browser, entra } = await start(t)
  const back = await toCallback(
    { gateway, browser },
    `${gateway.origin}/oauth/authorize?client_id=rolecall`,
  )
  entra.outage('503')
  for (let i = 0; i < 2; i += 1) {
    const page = await browser.get(back.href)
    assert.equal(page.status, 503)
    assert.match(await page.text(), /nothing is lost/)
  }
  entra.outage('none')
  const page = await browser.get(back.href)
  assert.equal(page.status, 200)
  assert.match(await page.text(), /alice@contoso\.test/)
  await assertPage(await browser.get(back.href), /came back before/)
})
