import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { createBrowser } from '../../environment/browser.ts'
import { clientRedirect } from '../../support/broker-client.ts'
import { type BrokerOptions, startBroker } from '../../support/broker-gateway.ts'
import {
  atProvider,
  authorizeUrl,
  endpoint,
  locationOf,
  state,
  transactionOn,
} from '../../support/broker-sign-in.ts'
import { assertPage, assertRefused, assertTold } from '../../support/browser-answers.ts'
import { SimulatedClock } from '../../support/clock.ts'
import { resourceConfig, startEntra } from '../../support/gateway.ts'
import { type Sent, send } from '../../support/raw-http.ts'
import { type Change, form, scope } from '../../support/relay-gateway.ts'

const minute = 60_000
const cookieOf = (id: string) => `rolecall-tx-${id}`

/** A rolecall on a simulated clock, and a browser that is shown the question. */
async function start(t: TestContext, options: BrokerOptions = {}) {
  const clock = new SimulatedClock(Date.now())
  const entra = await startEntra(t, { clock })
  const broker = await startBroker(t, { ...options, entra, clock })
  const { gateway, browser } = broker
  const url = endpoint(gateway, 'authorize')
  const { origin } = gateway
  return {
    ...broker,
    clock,
    client: { at: clientRedirect, state, iss: origin },
    question: async (change: Change = {}, name?: string) =>
      transactionOn(await browser.get(authorizeUrl(gateway, change, name))),
    /** The answer as the page's own form sends it, changed. */
    decide: (fields: Record<string, string>, headers: Record<string, string> = { origin }) =>
      browser.post(url, fields, headers),
    /** The same with everything under control. */
    posted: (sent: Sent) => send(url, { method: 'POST', ...sent }),
    asked: () => entra.requests(`/${entra.tenantId}/oauth2/v2.0/authorize`),
    /** The person's own answer still counts: nothing was spent. */
    async assertUnspent(transaction: string) {
      const answer = await browser.post(url, { transaction, decision: 'allow' }, { origin })
      assert.equal(locationOf(answer).origin, entra.origin)
    },
  }
}

test('without the question nobody comes back from the provider', async (t) => {
  const broker = await start(t)
  const { gateway, browser } = broker
  const transaction = await broker.question()
  const other = createBrowser()
  await other.get(authorizeUrl(gateway))
  const [madeUp, wellFormed] = ['x', `${transaction.slice(0, -3)}AAA`]
  for (const id of [transaction, madeUp, wellFormed, '']) {
    const query = new URLSearchParams({
      client_id: gateway.config.identity_provider.client_id ?? '',
      redirect_uri: `${gateway.origin}/oauth/callback`,
      response_type: 'code',
      scope,
      state: id,
    })
    const provider = `${gateway.entra.origin}/${gateway.entra.tenantId}/oauth2/v2.0/authorize`
    const back = await atProvider(broker, `${provider}?${query}`)
    assert.ok(back.searchParams.has('code'))
    for (const one of [browser, other, createBrowser()]) {
      await assertRefused(await one.get(back.href), 400, /not begun in this browser/)
    }
  }
  await broker.assertUnspent(transaction)
})

test('an answer counts only in the browser that was asked, for the question that was asked', async (t) => {
  const { question, decide, browser, gateway, assertUnspent } = await start(t)
  const { origin } = gateway
  const transaction = await question()
  const second = await question()
  const altered = ['x', '', transaction.slice(0, -1), `${transaction}A`, transaction.toUpperCase()]
  for (const id of altered) {
    await assertRefused(await decide({ transaction: id, decision: 'allow' }), 400, /begin the/)
  }
  await assertRefused(await decide({ decision: 'allow' }), 400, /begin the/)
  const other = createBrowser()
  const url = endpoint(gateway, 'authorize')
  for (let visits = 0; visits < 2; visits += 1) {
    for (const decision of ['allow', 'deny']) {
      const answer = await other.post(url, { transaction, decision }, { origin })
      await assertRefused(answer, 400, /another browser/)
    }
    await transactionOn(await other.get(authorizeUrl(gateway)))
  }
  const own = browser.cookies.get(cookieOf(transaction)) ?? ''
  const forged = [
    browser.cookies.get(cookieOf(second)) ?? '',
    own.replace(/.$/, (last) => (last === 'A' ? 'B' : 'A')),
    own.slice(0, 40),
    Buffer.from(JSON.stringify({ id: transaction, consent: 'asked' })).toString('base64url'),
    '',
  ]
  for (const value of forged) {
    browser.cookies.set(cookieOf(transaction), value)
    await assertRefused(await decide({ transaction, decision: 'allow' }), 400, /another browser/)
  }
  browser.cookies.set(cookieOf(transaction), own)
  await assertUnspent(transaction)
  await assertUnspent(second)
})

test('no page of another origin answers for a person, with or without saying who it is', async (t) => {
  const { question, decide, gateway, assertUnspent } = await start(t)
  const { origin } = gateway
  const transaction = await question()
  const port = Number(new URL(origin).port)
  const foreign: readonly Record<string, string>[] = [
    { origin: 'https://evil.example' },
    { origin: 'null' },
    { origin: '' },
    { origin: `https://localhost:${port}` },
    { origin: `http://localhost:${port - 1}` },
    { origin: `http://127.0.0.1:${port}` },
    { origin: `${origin}.evil.example` },
    { origin: `${origin}/` },
    { origin: gateway.entra.origin },
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
    { origin, 'sec-fetch-site': 'cross-site' },
    { origin, 'sec-fetch-site': 'same-origin', 'sec-fetch-dest': 'iframe' },
  ]
  for (const headers of foreign) {
    const answer = await decide({ transaction, decision: 'allow' }, headers)
    assert.equal(answer.status, 403, JSON.stringify(headers))
    await assertRefused(answer, 403)
  }
  await assertUnspent(transaction)
})

test('the answer is one form with one decision, and nothing else', async (t) => {
  const { question, posted, decide, browser, gateway, assertUnspent } = await start(t)
  const transaction = await question()
  const cookie = ['Cookie', [...browser.cookies].map((pair) => pair.join('=')).join('; ')] as const
  const headers = (type: string) =>
    [cookie, ['Origin', gateway.origin], ['Content-Type', type]] as const
  const urlencoded = 'application/x-www-form-urlencoded'
  const good = form({ transaction, decision: 'allow' }).toString()
  const bad: readonly [string, string, number][] = [
    [urlencoded, `transaction=${transaction}`, 400],
    [urlencoded, `${good}&decision=deny`, 400],
    [urlencoded, `decision=deny&${good}`, 400],
    [urlencoded, `${good}&decision=allow`, 400],
    [urlencoded, `${good}&transaction=x`, 400],
    [urlencoded, good.replace('allow', 'ALLOW'), 400],
    [urlencoded, good.replace('allow', 'allow%20'), 400],
    [urlencoded, good.replace('allow', 'yes'), 400],
    [urlencoded, good.replace('decision', 'decision[]'), 400],
    [urlencoded, `${good}&access_token=x`, 400],
    [urlencoded, '', 400],
    [urlencoded, `${good}&x=${'x'.repeat(20_000)}`, 413],
    ['text/plain', good, 400],
    ['application/json', JSON.stringify({ transaction, decision: 'allow' }), 400],
    ['multipart/form-data; boundary=x', good, 400],
    ['', good, 415],
  ]
  for (const [type, body, status] of bad) {
    const answer = await posted({ headers: headers(type), body })
    assert.equal(answer.status, status, `${type} ${body.slice(0, 80)}`)
    assert.equal(answer.headers.location, undefined)
    assert.equal(answer.headers['set-cookie'], undefined)
  }
  const inQuery = await send(`${endpoint(gateway, 'authorize')}?${good}`, {
    method: 'POST',
    headers: headers(urlencoded),
    body: '',
  })
  assert.equal(inQuery.status, 400)
  await decide({ transaction, decision: 'neither' })
  await assertUnspent(transaction)
})

test('a question is answered once, whichever answer came first', async (t) => {
  const { question, decide, browser } = await start(t)
  for (const first of ['allow', 'deny']) {
    const transaction = await question()
    assert.equal((await decide({ transaction, decision: first })).status, 303)
    for (const decision of ['allow', 'deny']) {
      const answer = await decide({ transaction, decision })
      await assertRefused(answer, 400, /answered before/)
    }
    browser.cookies.clear()
  }
})

test('a question waits ten minutes, and so does the way back from the provider', async (t) => {
  const { question, decide, clock, gateway, browser } = await start(t)
  const late = await question()
  await clock.advance(10 * minute)
  const inTime = await decide({ transaction: late, decision: 'allow' })
  assert.equal(locationOf(inTime).origin, gateway.entra.origin)
  const back = await atProvider({ gateway, browser }, locationOf(inTime))
  await clock.advance(1)
  await assertRefused(await browser.get(back.href), 400, /ten minutes/)
  const transaction = await question()
  await clock.advance(10 * minute + 1)
  await assertRefused(await decide({ transaction, decision: 'allow' }), 400, /ten minutes/)
  const denied = await decide({ transaction, decision: 'deny' })
  await assertRefused(denied, 400, /ten minutes/)
})

test('who denies is done: the client is told, and the provider never hears of it', async (t) => {
  const { question, decide, asked, browser, gateway, client } = await start(t)
  const transaction = await question()
  const answer = await decide({ transaction, decision: 'deny' })
  await assertTold(answer, client, ['access_denied', /did not allow/])
  assert.match(answer.headers.getSetCookie().join(), /^rolecall-tx-[^=]+=; Max-Age=0/)
  assert.equal(asked(), 0)
  assert.equal(browser.cookies.size, 0)
  const back = `${endpoint(gateway, 'callback')}?state=${transaction}&code=x`
  await assertRefused(await browser.get(back), 400, /not begun/)
})

test('what was asked is what is allowed: no field of the form changes client, address or resource', async (t) => {
  const { question, decide, browser, gateway } = await start(t)
  const transaction = await question()
  const answer = await decide({
    transaction,
    decision: 'allow',
    client_id: 'stranger',
    redirect_uri: 'https://evil.example/cb',
    resource: 'https://evil.example',
    state: 'evil',
    code_challenge: 'A'.repeat(43),
    scope: 'evil',
  })
  const asked = locationOf(answer)
  assert.equal(asked.searchParams.get('scope'), scope)
  const back = await atProvider({ gateway, browser }, asked)
  const location = locationOf(await browser.comeBack(back.href))
  assert.equal(location.origin + location.pathname, clientRedirect)
  assert.equal(location.searchParams.get('state'), state)
})

test('a question about one resource is not answered at the endpoint of another', async (t) => {
  const resources = ['prod', 'dev'].map((name) =>
    resourceConfig('http://127.0.0.1:9/mcp', { name, path: `/${name}` }),
  )
  const { question, browser, gateway, assertUnspent } = await start(t, { resources })
  const { origin } = gateway
  const transaction = await question()
  const elsewhere = endpoint(gateway, 'authorize', 'dev')
  const answer = await browser.post(elsewhere, { transaction, decision: 'allow' }, { origin })
  await assertRefused(answer, 400, /begin the/)
  await assertUnspent(transaction)
})

test('the page says who asks, where the answer goes, for which server, and which token it is', async (t) => {
  for (const tokens of ['sealed', 'passthrough'] as const) {
    const { browser, gateway } = await start(t, { signIn: { tokens } })
    const text = await assertPage(await browser.get(authorizeUrl(gateway)), 200)
    for (const words of ['holmes', '127.0.0.1:7777', clientRedirect, gateway.url]) {
      assert.ok(text.includes(words), words)
    }
    assert.match(text, tokens === 'sealed' ? /good for this MCP server only/ : /the cluster itself/)
  }
})

test('neither the question nor a way around it is ever shown within another page', async (t) => {
  const { browser, gateway, question } = await start(t, {
    signIn: {
      clients: [
        { client_id: 'holmes', redirect_uris: ['loopback'], skip_consent: true },
        { client_id: 'asked', redirect_uris: ['loopback'], skip_consent: false },
      ],
    },
  })
  const back = `${endpoint(gateway, 'callback')}?state=x&code=y`
  const urls = [authorizeUrl(gateway), authorizeUrl(gateway, { client_id: 'asked' }), back]
  for (const url of urls) {
    for (const destination of ['iframe', 'frame', 'embed', 'object', 'fencedframe', 'empty']) {
      const answer = await browser.get(url, { 'sec-fetch-dest': destination })
      await assertRefused(answer, 403, /window of its own/)
    }
  }
  assert.ok(await question({ client_id: 'asked' }))
  const top = await browser.get(authorizeUrl(gateway), { 'sec-fetch-dest': 'document' })
  assert.equal(locationOf(top).origin, gateway.entra.origin)
})

test('only a client of the configuration goes without the question, whatever another calls itself', async (t) => {
  const robusta = 'https://platform.robusta.dev/oauth/callback.html'
  const { browser, gateway } = await start(t, {
    signIn: {
      redirect_uris: ['robusta'],
      clients: [
        { client_id: 'trusted', redirect_uris: [robusta], skip_consent: true },
        { client_id: 'holmes', redirect_uris: [robusta], skip_consent: false },
      ],
    },
  })
  const response = await fetch(endpoint(gateway, 'register'), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      client_name: 'trusted',
      client_id: 'trusted',
      skip_consent: true,
      redirect_uris: [robusta],
    }),
  })
  const { client_id: dynamic } = (await response.json()) as { client_id: string }
  for (const client_id of ['holmes', dynamic]) {
    const url = authorizeUrl(gateway, { client_id, redirect_uri: robusta })
    await assertPage(await browser.get(url), 200, /Allow access/)
  }
  const url = authorizeUrl(gateway, { client_id: 'trusted', redirect_uri: robusta })
  assert.equal(locationOf(await browser.get(url)).origin, gateway.entra.origin)
})
