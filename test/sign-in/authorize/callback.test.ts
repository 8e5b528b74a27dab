import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { createBrowser } from '../../environment/browser.ts'
import { clientRedirect } from '../../support/broker-client.ts'
import { type BrokerOptions, startBroker } from '../../support/broker-gateway.ts'
import {
  authorizeUrl,
  codeForm,
  endpoint,
  locationOf,
  postForm,
  state,
  toCallback,
} from '../../support/broker-sign-in.ts'
import {
  assertPage,
  assertPrivate,
  assertRefused,
  assertTold,
} from '../../support/browser-answers.ts'
import { resourceConfig, startEntra } from '../../support/gateway.ts'
import { scope } from '../../support/relay-gateway.ts'

/** A rolecall, and a browser that the provider sends back. */
async function start(t: TestContext, options: BrokerOptions = {}) {
  const broker = await startBroker(t, options)
  const { gateway, browser } = broker
  return {
    ...broker,
    client: { at: clientRedirect, state, iss: gateway.origin },
    back: (url?: string) => toCallback(broker, url),
    /** The callback with its query changed; `null` takes a parameter away. */
    changed(back: URL, change: Readonly<Record<string, string | null>>) {
      const url = new URL(back)
      for (const [name, value] of Object.entries(change)) {
        if (value === null) url.searchParams.delete(name)
        else url.searchParams.set(name, value)
      }
      return browser.get(url.href)
    },
    /** The true answer still counts: nothing was spent. */
    async assertUnspent(back: URL) {
      const answer = await browser.comeBack(back.href)
      assert.equal(answer.status, 303)
      assert.ok(locationOf(answer).searchParams.has('code'))
    },
  }
}

test('what comes back is one code of ours at the client, and nothing of the provider', async (t) => {
  const { back, browser, gateway } = await start(t)
  const url = await back()
  const question = await assertPage(await browser.get(url.href), 200, /Go on to/)
  assert.ok(!question.includes(url.searchParams.get('code') ?? ''))
  const answer = await browser.comeBack(url.href)
  assertPrivate(answer.headers)
  const location = locationOf(answer)
  assert.deepEqual([...location.searchParams.keys()], ['code', 'state', 'iss'])
  for (const secret of [...url.searchParams.values()]) {
    assert.ok(!location.href.includes(secret), 'not its code, session_state or our state')
  }
  assert.equal(location.searchParams.get('iss'), gateway.origin)
})

test('a state that is missing, forged or altered belongs to no sign-in', async (t) => {
  const { back, changed, assertUnspent } = await start(t)
  const [url, other] = [await back(), await back()]
  const own = url.searchParams.get('state') ?? ''
  const wrong = [
    null,
    '',
    'x',
    state,
    `${own}A`,
    own.slice(0, -1),
    own.toLowerCase(),
    ` ${own}`,
    `${own}\0`,
    own.split('-')[0] ?? '',
    '__proto__',
    'constructor',
    's'.repeat(10_000),
    '<script>alert(1)</script>',
  ]
  for (const one of wrong) {
    const text = await assertRefused(await changed(url, { state: one }), 400, /begin it again/)
    assert.doesNotMatch(text, /alert/)
  }
  await assertUnspent(url)
  await assertUnspent(other)
})

test('another browser does not finish a sign-in, whatever it has begun itself', async (t) => {
  const { back, assertUnspent, gateway } = await start(t)
  const url = await back()
  const stranger = createBrowser()
  await assertRefused(await stranger.get(url.href), 400, /not begun in this browser/)
  const theirs = await toCallback({ gateway, browser: stranger })
  await assertRefused(await stranger.get(url.href), 400, /not begun in this browser/)
  const mixed = new URL(url)
  mixed.searchParams.set('code', theirs.searchParams.get('code') ?? '')
  await assertRefused(await stranger.get(mixed.href), 400, /not begun in this browser/)
  await assertUnspent(url)
})

test('it comes back once, also in a browser that keeps its cookie', async (t) => {
  const { back, browser, assertUnspent } = await start(t)
  const url = await back()
  const kept = new Map(browser.cookies)
  await assertUnspent(url)
  assert.equal(browser.cookies.size, 0, 'the cookie was dropped')
  await assertRefused(await browser.get(url.href), 400, /came back before/)
  for (const [name, value] of kept) browser.cookies.set(name, value)
  await assertRefused(await browser.get(url.href), 400, /came back before/)
})

test('raced twenty ways, one answer has a code', async (t) => {
  const { back, browser } = await start(t)
  const url = await back()
  const answers = await Promise.all(Array.from({ length: 20 }, () => browser.comeBack(url.href)))
  const statuses = answers.map(({ status }) => status).sort()
  assert.deepEqual(statuses, [303, ...Array(19).fill(400)])
})

test('a parameter that is there twice is refused, whichever it is, and spends nothing', async (t) => {
  const { back, browser, assertUnspent } = await start(t)
  const url = await back()
  for (const name of ['code', 'state', 'iss', 'error', 'session_state', 'unknown']) {
    const twice = new URL(url)
    const value = url.searchParams.get(name)
    if (value === null) twice.searchParams.append(name, 'x')
    twice.searchParams.append(name, value ?? 'x')
    await assertRefused(await browser.get(twice.href), 400, /there twice/)
  }
  const withToken = new URL(url)
  withToken.searchParams.append('access_token', 'x')
  await assertRefused(await browser.get(withToken.href), 400, /never in the URL/)
  await assertUnspent(url)
})

test('an answer of another issuer is refused, and the right one is taken', async (t) => {
  const { back, changed, assertUnspent, gateway } = await start(t)
  const { origin, tenantId } = gateway.entra
  const right = `${origin}/${tenantId}/v2.0`
  const url = await back()
  const wrong = [
    '',
    `${right}/`,
    right.toUpperCase(),
    `${origin}/${tenantId}`,
    `https://sts.windows.net/${tenantId}/`,
    'https://evil.example',
    gateway.origin,
    `${right}#x`,
  ]
  for (const iss of wrong) {
    await assertRefused(await changed(url, { iss }), 400, /another identity provider/)
  }
  url.searchParams.set('iss', right)
  await assertUnspent(url)
})

test('a provider that always names itself is not believed without', async (t) => {
  const entra = await startEntra(t)
  const path = `/${entra.tenantId}/v2.0/.well-known/openid-configuration`
  const document = (await (await fetch(entra.origin + path)).json()) as object
  const announced = { ...document, authorization_response_iss_parameter_supported: true }
  entra.answer(path, { body: JSON.stringify(announced) })
  const { back, browser } = await start(t, { entra })
  const url = await back()
  await assertRefused(await browser.get(url.href), 400, /does not say which identity provider/)
  url.searchParams.set('iss', `${entra.origin}/${entra.tenantId}/v2.0`)
  const named = await browser.comeBack(url.href)
  assert.ok(locationOf(named).searchParams.has('code'))
})

test('with an error there is no code, whatever else came; and one of both there must be', async (t) => {
  const { back, changed, client } = await start(t)
  const told: readonly (readonly [Record<string, string | null>, string, RegExp])[] = [
    [{ error: 'access_denied' }, 'access_denied', /denied at the identity provider/],
    [{ error: 'access_denied', code: null }, 'access_denied', /denied/],
    [{ error: '' }, 'server_error', /identity provider/],
    [{ code: '' }, 'server_error', /identity provider/],
    [{ code: null }, 'server_error', /identity provider/],
  ]
  for (const [change, error, words] of told) {
    await assertTold(await changed(await back(), change), client, [error, words])
  }
})

test('ten sign-ins at once in one browser all come to their end, in any order', async (t) => {
  const broker = await start(t)
  const { gateway, browser } = broker
  const ids = Array.from({ length: 10 }, (_, number) => `sign-in ${number}`)
  const backs: URL[] = []
  for (const one of ids) backs.push(await broker.back(authorizeUrl(gateway, { state: one })))
  assert.equal(browser.cookies.size, 10)
  const order = [9, 0, 5, 3, 7, 1, 8, 2, 6, 4]
  for (const number of order) {
    const answer = locationOf(await browser.comeBack(backs[number]?.href ?? ''))
    assert.equal(answer.searchParams.get('state'), ids[number])
    const { status } = await postForm(
      endpoint(gateway, 'token'),
      codeForm(answer.searchParams.get('code') ?? ''),
    )
    assert.equal(status, 200)
  }
  assert.equal(browser.cookies.size, 0)
})

test('the eleventh takes the place of the oldest, and itself comes to its end', async (t) => {
  const { back, browser, assertUnspent } = await start(t)
  const backs: URL[] = []
  for (let number = 0; number < 11; number += 1) backs.push(await back())
  assert.equal(browser.cookies.size, 10)
  const [oldest, ...others] = backs
  await assertRefused(await browser.get(oldest?.href ?? ''), 400, /begin it again/)
  for (const url of others.reverse()) await assertUnspent(url)
})

test('a sign-in ends at the issuer where it began, and nowhere once its resource is gone', async (t) => {
  const resources = ['prod', 'dev'].map((name) =>
    resourceConfig('http://127.0.0.1:9/mcp', {
      name,
      path: `/${name}`,
      request_scopes: scope.split(' '),
    }),
  )
  const { back, browser, gateway } = await start(t, { resources })
  const url = await back(authorizeUrl(gateway, {}, 'dev'))
  const iss = locationOf(await browser.comeBack(url.href)).searchParams.get('iss')
  assert.equal(iss, `${gateway.origin}/oauth/dev`)
  const late = await back(authorizeUrl(gateway, {}, 'dev'))
  await gateway.service.reload({ ...gateway.config, resources: resources.slice(0, 1) })
  await assertRefused(await browser.get(late.href), 400, /begin it again/)
})

test('on our own page a person sees who they are, and no client gets anything', async (t) => {
  const { browser, gateway, back } = await start(t)
  const url = await back(`${endpoint(gateway, 'authorize')}?client_id=rolecall`)
  const text = await assertPage(await browser.get(url.href), 200, /alice@/)
  assert.ok(!text.includes(url.searchParams.get('code') ?? ''))
  assert.doesNotMatch(text, /eyJ/)
  assert.equal(browser.cookies.size, 0)
  await assertRefused(await browser.get(url.href), 400, /came back before/)
})
