import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { type Browser, createBrowser } from '../../environment/browser.ts'
import { type BrokerOptions, startBroker } from '../../support/broker-gateway.ts'
import { authorizeUrl, endpoint, locationOf } from '../../support/broker-sign-in.ts'
import { assertPage, assertTold } from '../../support/browser-answers.ts'
import { resourceConfig } from '../../support/gateway.ts'
import { sealingKey } from '../../support/handed-out.ts'
import type { Change } from '../../support/relay-gateway.ts'

const robusta = 'https://platform.robusta.dev/oauth/callback.html'
const european = 'https://platform.eu.robusta.dev/oauth/callback.html'
const web = { redirect_uri: robusta }
/** What browsers say of a navigation that a click set off. */
const click = { 'sec-fetch-user': '?1', 'sec-fetch-dest': 'document', 'sec-fetch-site': 'none' }

/** A rolecall that remembers consent, with two clients that differ in their names alone. */
async function start(t: TestContext, options: BrokerOptions = {}) {
  const clients = ['holmes', 'other'].map((client_id) => ({
    client_id,
    redirect_uris: ['robusta', 'loopback'],
    skip_consent: false,
  }))
  const { gateway, browser } = await startBroker(t, {
    ...options,
    signIn: { consent: 'remember', clients, ...options.signIn },
    config: { sealing_keys: [sealingKey], ...options.config },
  })
  const visit = (change: Change, headers: Record<string, string> = click, name?: string) =>
    browser.get(authorizeUrl(gateway, change, name), headers)
  return {
    gateway,
    browser,
    visit,
    async assertAsked(change: Change, headers?: Record<string, string>, name?: string) {
      await assertPage(await visit(change, headers, name), 200, /Allow access/)
    },
    async assertNotAsked(change: Change) {
      assert.equal(locationOf(await visit(change)).origin, gateway.entra.origin)
    },
    allow: async (change: Change) => browser.allow(await visit(change)),
  }
}

const consentOf = ({ cookies }: Browser) => cookies.get('rolecall-consent')

test('what a person allowed is not asked again in that browser, when they come by themselves', async (t) => {
  const { assertAsked, assertNotAsked, allow, gateway } = await start(t)
  await assertAsked(web)
  await allow(web)
  await assertNotAsked(web)
  await assertNotAsked({ ...web, state: 'another', resource: gateway.url })
  const other = createBrowser()
  await assertPage(await other.get(authorizeUrl(gateway, web), click), 200, /Allow access/)
})

test('a page that sends the browser there by itself gets the question', async (t) => {
  const { assertAsked, assertNotAsked, allow } = await start(t)
  await allow(web)
  // Node's fetch says `sec-fetch-mode: cors` of itself, a page that navigates `navigate`.
  await assertAsked(web, {})
  await assertAsked(web, { 'sec-fetch-user': '?0' })
  await assertAsked(web, { 'sec-fetch-site': 'cross-site' })
  await assertNotAsked(web)
})

test('another client, address or resource is another question', async (t) => {
  const resources = ['prod', 'dev'].map((name) =>
    resourceConfig('http://127.0.0.1:9/mcp', { name, path: `/${name}` }),
  )
  const { assertAsked, assertNotAsked, allow, gateway } = await start(t, { resources })
  await allow(web)
  await assertAsked({ ...web, client_id: 'other' })
  await assertAsked({ redirect_uri: european })
  await assertAsked(web, click, 'dev')
  const register = async () => {
    const response = await fetch(endpoint(gateway, 'register'), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ client_name: 'holmes', redirect_uris: [robusta, european] }),
    })
    return String(((await response.json()) as Record<string, unknown>)['client_id'])
  }
  await assertAsked({ ...web, client_id: await register() })
  await assertNotAsked(web)
})

test('a program on the computer is asked for every time, and nothing of it is kept', async (t) => {
  const { assertAsked, allow, browser } = await start(t)
  for (let times = 0; times < 2; times += 1) {
    await allow({})
    assert.equal(consentOf(browser), undefined)
    await assertAsked({})
  }
})

test('a denial is remembered by nobody, and takes nothing back', async (t) => {
  const { visit, assertAsked, assertNotAsked, allow, browser, gateway } = await start(t)
  const { origin } = gateway
  const deny = async (change: Change) => {
    const html = await (await visit(change)).text()
    const transaction = /name="transaction" value="([^"]+)"/.exec(html)?.[1] ?? ''
    const fields = { transaction, decision: 'deny' }
    await browser.post(endpoint(gateway, 'authorize'), fields, { origin })
  }
  await deny(web)
  assert.equal(consentOf(browser), undefined)
  await assertAsked(web)
  await allow(web)
  await deny({ redirect_uri: european })
  await assertAsked({ redirect_uri: european })
  await assertNotAsked(web)
})

test('a cookie that was altered, cut or made elsewhere remembers nothing and breaks nothing', async (t) => {
  const { assertAsked, assertNotAsked, allow, browser } = await start(t)
  await allow(web)
  const good = consentOf(browser) ?? ''
  const forged = [
    '',
    'x',
    good.slice(0, -1),
    good.replace(/.$/, (last) => (last === 'A' ? 'B' : 'A')),
    `${good}.`,
    'a'.repeat(4_000),
    '%00',
    '[{"of":"x","until":9e15}]',
    [...browser.cookies].find(([name]) => name.includes('-tx-'))?.[1] ?? '',
  ]
  for (const value of forged) {
    browser.cookies.set('rolecall-consent', value)
    await assertAsked(web)
  }
  browser.cookies.set('rolecall-consent', good)
  await assertNotAsked(web)
})

test('prompt=none goes nowhere: where consent is remembered a page has to be shown, too', async (t) => {
  const { visit, allow, gateway } = await start(t)
  const silent = { ...web, prompt: 'none' }
  const told = { at: robusta, state: 'the-state-of-the-client', iss: gateway.origin }
  await assertTold(await visit(silent), told, ['consent_required', /asked first/])
  await allow(web)
  for (const headers of [click, {}]) {
    await assertTold(await visit(silent, headers), told, ['consent_required', /asked first/])
  }
})

test('with consent = "ask" nothing is kept, and what was kept before counts for nothing', async (t) => {
  const { assertAsked, assertNotAsked, allow, gateway, browser } = await start(t)
  await allow(web)
  await assertNotAsked(web)
  const { sign_in: signIn } = gateway.config
  assert.ok(signIn.mode === 'broker')
  const sign_in = { ...signIn, consent: 'ask' as const }
  await gateway.service.reload({ ...gateway.config, sign_in })
  await assertAsked(web)
  browser.cookies.clear()
  await allow(web)
  assert.equal(consentOf(browser), undefined)
})

test('the page says beforehand whether it will be remembered', async (t) => {
  const { visit } = await start(t)
  assert.match(await (await visit(web)).text(), /90 days/)
  assert.doesNotMatch(await (await visit({})).text(), /90 days/)
})
