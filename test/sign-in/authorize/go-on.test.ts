import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { mustAskToGoOn } from '../../../src/sign-in/authorize/go-on.ts'
import { createBrowser } from '../../environment/browser.ts'
import { clientRedirect } from '../../support/broker-client.ts'
import { type BrokerOptions, brokerConfig, startBroker } from '../../support/broker-gateway.ts'
import {
  atProvider,
  authorizeUrl,
  endpoint,
  locationOf,
  state,
  toCallback,
  transactionOn,
} from '../../support/broker-sign-in.ts'
import { assertPage, assertRefused, assertTold } from '../../support/browser-answers.ts'

const robusta = 'https://platform.robusta.dev/oauth/callback.html'
/** What browsers say of a navigation that a click set off, on whatever page. */
const click = {
  'sec-fetch-user': '?1',
  'sec-fetch-dest': 'document',
  'sec-fetch-site': 'cross-site',
}

async function start(t: TestContext, options: BrokerOptions = {}) {
  const broker = await startBroker(t, options)
  const { gateway, browser } = broker
  const { origin } = gateway
  return {
    ...broker,
    client: { at: clientRedirect, state, iss: origin },
    /** The answer to a question as the page's own form sends it, changed. */
    decide: (
      transaction: string,
      decision = 'allow',
      headers: Record<string, string> = { origin },
      visitor = browser,
    ) => visitor.post(endpoint(gateway, 'authorize'), { transaction, decision }, headers),
  }
}

test('a remembered consent brings no code without a click on the page after the provider', async (t) => {
  const { gateway, browser, decide } = await start(t, { signIn: { consent: 'remember' } })
  const url = authorizeUrl(gateway, { redirect_uri: robusta })
  await browser.allow(await browser.get(url))
  // A click on a hostile page that redirects here.
  const there = await browser.get(url, click)
  const back = await atProvider({ gateway, browser }, locationOf(there))
  const page = await browser.get(back.href)
  const question = await transactionOn(page.clone())
  await assertPage(page, 200, /Go on to <bdi>holmes<\/bdi> at platform\.robusta\.dev\?/)
  const answer = locationOf(await decide(question))
  assert.equal(answer.origin + answer.pathname, robusta)
  assert.ok(answer.searchParams.has('code'))
})

test('the cookie of a sign-in that was allowed elsewhere, planted from another port, brings no code by itself', async (t) => {
  const { gateway, browser: victim, decide, client } = await start(t)
  const thief = createBrowser()
  const there = await thief.allow(await thief.get(authorizeUrl(gateway)))
  for (const [name, value] of thief.cookies) victim.cookies.set(name, value)
  const back = await atProvider({ gateway, browser: victim }, there)
  const page = await victim.get(back.href)
  assert.equal(page.headers.get('location'), null)
  const question = await transactionOn(page.clone())
  await assertPage(page, 200, /Go on to/)
  const headers = [
    {},
    { origin: 'http://localhost:1' },
    { origin: 'null' },
    { 'sec-fetch-site': 'same-site' },
    { 'sec-fetch-site': 'none' },
  ]
  for (const one of headers) {
    await assertRefused(await decide(question, 'allow', one), 403)
  }
  await assertTold(await decide(question, 'deny'), client, ['access_denied', /did not allow/])
})

test('the answer counts in the browser that was asked, for its own question, and once', async (t) => {
  const broker = await start(t)
  const { browser, decide } = broker
  const ask = async () => transactionOn(await browser.get((await toCallback(broker)).href))
  const [question, other] = [await ask(), await ask()]
  await assertRefused(await decide(question, 'allow', undefined, createBrowser()), 400, /browser/)
  const altered = [question.slice(0, -1), `${question}A`, question.replace(/.$/, '.'), 'x', '']
  for (const one of altered) await assertRefused(await decide(one), 400, /begin the/)
  const kept = new Map(browser.cookies)
  assert.ok(locationOf(await decide(question)).searchParams.has('code'))
  for (const [name, value] of kept) browser.cookies.set(name, value)
  for (const decision of ['allow', 'deny']) {
    await assertRefused(await decide(question, decision), 400, /answered before/)
  }
  assert.ok(locationOf(await decide(other)).searchParams.has('code'))
})

test('the question may be loaded again until it is answered, and not afterwards', async (t) => {
  const broker = await start(t)
  const { browser, decide } = broker
  const back = await toCallback(broker)
  const first = await transactionOn(await browser.get(back.href))
  const again = await transactionOn(await browser.get(back.href))
  const kept = new Map(browser.cookies)
  assert.ok(locationOf(await decide(again)).searchParams.has('code'))
  for (const [name, value] of kept) browser.cookies.set(name, value)
  await assertRefused(await browser.get(back.href), 400, /came back before/)
  await assertRefused(await decide(first), 400, /answered before/)
})

test('a consent that was not asked for yet is not answered on the page after the provider', async (t) => {
  const broker = await start(t)
  const { browser, gateway, decide } = broker
  const question = await transactionOn(await browser.get((await toCallback(broker)).href))
  browser.cookies.clear()
  await transactionOn(await browser.get(authorizeUrl(gateway)))
  await assertRefused(await decide(question), 400, /another browser/)
})

test('a client that the operator trusts goes on without any page', async (t) => {
  const { gateway, browser } = await start(t, {
    signIn: {
      clients: [{ client_id: 'holmes', redirect_uris: [robusta], skip_consent: true }],
    },
  })
  const there = await browser.get(authorizeUrl(gateway, { redirect_uri: robusta }))
  const back = await atProvider({ gateway, browser }, locationOf(there))
  assert.ok(locationOf(await browser.get(back.href)).searchParams.has('code'))
})

const https = 'https://mcp.example.com'
const loopback = 'http://127.0.0.1:8080'
const asked: readonly (readonly [
  consent: 'clicked' | 'remembered' | 'skipped',
  skipsConsent: boolean,
  publicUrl: string,
  asks: boolean,
])[] = [
  ['clicked', false, https, false],
  ['clicked', false, 'https://localhost:8443', false],
  ['clicked', false, loopback, true],
  ['clicked', false, 'http://localhost:8080', true],
  ['clicked', false, 'http://[::1]:8080', true],
  ['remembered', false, https, true],
  ['remembered', false, loopback, true],
  ['skipped', true, https, false],
  ['skipped', true, loopback, false],
  // The operator trusts it no longer.
  ['skipped', false, https, true],
  // Planted: allowed as one that is asked about.
  ['clicked', true, loopback, true],
]
for (const [consent, skipsConsent, publicUrl, asks] of asked) {
  const trust = skipsConsent ? 'trusted client' : 'client'
  test(`a ${trust} whose consent was ${consent}, on ${publicUrl}: ${asks ? 'asks' : 'goes on'}`, () => {
    const transaction = {
      id: 'id',
      resource: 'prod',
      client: { id: 'holmes', redirectUri: robusta, challenge: 'c', tokens: 'sealed' },
      consent,
      secret: 's',
      began: 0,
    } as const
    const client = {
      id: 'holmes',
      kind: 'registered',
      allowsRedirect: () => true,
      skipsConsent,
    } as const
    const config = {
      public_url: publicUrl,
      internal_hosts: [],
      identity_provider: {} as never,
      sign_in: brokerConfig(),
    }
    assert.equal(mustAskToGoOn(transaction, client, { config }), asks)
  })
}
