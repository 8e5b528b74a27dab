import assert from 'node:assert/strict'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { BrowserContext, Page } from 'playwright-core'
import { readJwt } from '../../../src/oauth/jwt.ts'
import { startBroker } from '../../support/broker-gateway.ts'
import type { Gateway } from '../../support/gateway.ts'
import { post, send } from '../../support/raw-http.ts'
import { type RecordingUpstream, startUpstream } from '../../support/recording-upstream.ts'
import { barriersOn } from '../support/axe.ts'
import { goOn, pressAtProvider } from '../support/broker-pages.ts'
import { startClientPage } from '../support/client-page.ts'
import { SCREENSHOTS, suiteBrowser } from '../support/suite-browser.ts'
import { watchedContext } from '../support/watched-context.ts'
import {
  cancelFrom,
  heardOn,
  openWebUi,
  outcomeOn,
  pressAllow,
  pressConnect,
  signInFrom,
  startWebUi,
} from '../support/web-ui.ts'

const { skip, browser } = await suiteBrowser()

interface Visit {
  readonly gateway: Gateway
  readonly upstream: RecordingUpstream
  readonly context: BrowserContext
  readonly page: Page
  /** Every address that was asked for. */
  readonly addresses: readonly string[]
}

/** A web UI that rolecall lets people sign in from, open in a browser. */
async function visit(
  t: TestContext,
  expected?: RegExp,
  colorScheme: 'light' | 'dark' = 'light',
): Promise<Visit> {
  const ui = await startWebUi(t)
  const upstream = await startUpstream(t)
  const { gateway } = await startBroker(t, {
    upstream: upstream.url,
    signIn: { popup_origins: [ui.origin] },
  })
  const { context } = await watchedContext(t, browser(), {
    colorScheme,
    ...(expected && { expected }),
  })
  const addresses: string[] = []
  context.on('request', (request) => addresses.push(request.url()))
  const page = await openWebUi(context, ui, gateway.url)
  return { gateway, upstream, context, page, addresses }
}

async function assertCallsAs(
  { gateway, upstream }: Visit,
  token: unknown,
  person: string,
): Promise<void> {
  assert.equal((await send(gateway.url, post(String(token)))).status, 200)
  const bearer = upstream.received.at(-1)?.headers.authorization?.replace('Bearer ', '') ?? ''
  assert.equal(readJwt(bearer)?.claims['upn'], `${person}@contoso.test`)
}

test('a web UI on another origin signs people in with popup.js, and renews', {
  skip,
}, async (t) => {
  const seen = await visit(t)
  const { gateway, context, page } = seen
  for (const person of ['alice', 'bob']) {
    await context.clearCookies()
    await signInFrom(await pressConnect(page), new RegExp(person, 'i'))
    const tokens = await outcomeOn(page, 'connected')
    assert.equal(typeof tokens['expires_in'], 'number')
    await assertCallsAs(seen, tokens['access_token'], person)
    await page.evaluate("document.querySelector('output').textContent = ''")
    await page.getByRole('button', { name: 'Renew' }).click()
    const renewed = await outcomeOn(page, 'connected')
    assert.notEqual(renewed['refresh_token'], tokens['refresh_token'])
    await assertCallsAs(seen, renewed['access_token'], person)
    await page.evaluate("document.querySelector('output').textContent = ''")
  }
  for (const { origin, data } of await heardOn(page)) {
    assert.equal(origin, gateway.origin)
    assert.deepEqual(Object.keys(data as object).sort(), ['code', 'iss', 'state', 'type'])
  }
})

test('no token is posted, stored or in an address', { skip }, async (t) => {
  const { gateway, context, page, addresses } = await visit(t)
  await signInFrom(await pressConnect(page), /alice/i)
  const tokens = await outcomeOn(page, 'connected')
  const heard = JSON.stringify(await heardOn(page))
  const { origins, cookies } = await context.storageState()
  for (const name of ['access_token', 'refresh_token']) {
    const token = String(tokens[name])
    assert.ok(token.length > 100)
    assert.ok(!heard.includes(token), name)
    assert.ok(!addresses.some((address) => address.includes(token)), name)
  }
  assert.deepEqual(origins, [])
  assert.deepEqual(
    cookies.filter(({ domain, name }) => domain === 'localhost' && name.includes('rolecall')),
    [],
  )
  assert.ok(addresses.includes(`${gateway.origin}/oauth/popup.js`))
})

test('a person who denies, cancels or closes the popup is told apart, and can begin again', {
  skip,
}, async (t) => {
  const { page } = await visit(t)
  const denied = await pressConnect(page)
  const gone = denied.waitForEvent('close')
  await denied.getByRole('button', { name: 'Deny' }).click()
  await gone
  const denial = await outcomeOn(page, 'access_denied')
  assert.deepEqual(denial, {
    name: 'SignInError',
    code: 'access_denied',
    message: 'The person did not allow it.',
  })
  const [{ data } = { data: {} }] = await heardOn(page)
  assert.deepEqual(Object.keys(data as object).sort(), [
    'error',
    'error_description',
    'state',
    'type',
  ])
  await page.evaluate("document.querySelector('output').textContent = ''")

  await cancelFrom(await pressConnect(page))
  await outcomeOn(page, 'access_denied')
  await page.evaluate("document.querySelector('output').textContent = ''")

  const closed = await pressConnect(page)
  await closed.getByRole('heading', { name: /Allow access/ }).waitFor()
  await closed.close()
  const outcome = await outcomeOn(page, 'popup_closed')
  assert.match(String(outcome['message']), /closed before/)

  await signInFrom(await pressConnect(page), /alice/i)
  await outcomeOn(page, 'connected')
})

test('who closed the other window begins again in the popup, and one that ended alone says so', {
  skip,
}, async (t) => {
  const { page } = await visit(t)
  const popup = await pressConnect(page)
  const first = await pressAllow(popup)
  await first.close()
  await popup.getByRole('link', { name: 'begin again' }).click()
  await popup.getByRole('heading', { name: /Allow access/ }).waitFor()
  const second = await pressAllow(popup)
  await popup.close()
  await outcomeOn(page, 'popup_closed')
  await pressAtProvider(second, /alice/i)
  await goOn(second)
  await second.getByRole('heading', { name: 'The sign-in did not come to its end' }).waitFor()
})

test('two popups at once each hear of their own sign-in', { skip }, async (t) => {
  const { gateway, context, page } = await visit(t)
  const other = await openWebUi(context, { origin: new URL(page.url()).origin }, gateway.url)
  const [first, second] = [await pressConnect(page), await pressConnect(other)]
  await signInFrom(second, /bob/i)
  await outcomeOn(other, 'connected')
  assert.deepEqual(await heardOn(page), [])
  await first.bringToFront()
  const window = await pressAllow(first)
  // Entra knows bob by now.
  const closed = window.waitForEvent('close')
  await goOn(window)
  await closed
  await outcomeOn(page, 'connected')
})

test('the popup that waits: axe finds no barrier, and pictures are kept', { skip }, async (t) => {
  for (const colorScheme of ['light', 'dark'] as const) {
    const { page } = await visit(t, undefined, colorScheme)
    const popup = await pressConnect(page)
    await popup.getByRole('heading', { name: /Allow access/ }).waitFor()
    for (const state of ['question', 'waiting'] as const) {
      if (state === 'waiting') await pressAllow(popup)
      assert.deepEqual(await barriersOn(popup), [], state)
      const path = join(SCREENSHOTS, `page-popup-${state}-${colorScheme}.png`)
      await popup.screenshot({ path, fullPage: true })
    }
  }
})

test('a browser that blocks the popup is told', { skip }, async (t) => {
  const { page } = await visit(t)
  await page.evaluate('open = () => null')
  await page.getByRole('button', { name: 'Connect' }).click()
  assert.match(String((await outcomeOn(page, 'popup_blocked'))['message']), /allow popups/)
})

test('what other windows post is not believed, whatever they know but the state', {
  skip,
}, async (t) => {
  const { gateway, page } = await visit(t)
  const popup = await pressConnect(page)
  const forged = { type: 'rolecall', state: 'a-guess', code: 'evil', iss: gateway.origin }
  await page.evaluate(`postMessage(${JSON.stringify(forged)}, '*')`)
  const stranger = await startClientPage(t)
  const opening = page.waitForEvent('popup')
  await page.evaluate(`window.other = open('${stranger.redirectUri}'), null`)
  const opened = await opening
  await opened.evaluate(`opener.postMessage(${JSON.stringify(forged)}, '*')`)
  await signInFrom(popup, /alice/i)
  await outcomeOn(page, 'connected')
  assert.equal((await heardOn(page)).length, 3)
})

test('a page that popup_origins does not name signs nobody in, and hears no answer of another', {
  skip,
}, async (t) => {
  const { gateway, context, page } = await visit(t, /status of 403|target origin provided/)
  const stranger = await openWebUi(context, await startWebUi(t), gateway.url)
  const refused = await pressConnect(stranger)
  await refused.getByText('sign_in.popup_origins').waitFor()
  await refused.close()
  await outcomeOn(stranger, 'popup_closed')

  const { origin } = new URL(page.url())
  const query = new URLSearchParams({ origin, state: 's', code_challenge: 'c'.repeat(43) })
  const opening = stranger.waitForEvent('popup')
  await stranger.evaluate(`window.popup = open('${gateway.origin}/oauth/popup?${query}'), null`)
  const popup = await opening
  await popup.getByText(`A web page of ${origin}`).waitFor()
  await signInFrom(popup, /alice/i)
  assert.deepEqual(await heardOn(stranger), [])
})

test('an end whose opener is gone says so; axe finds no barrier, and pictures are kept', {
  skip,
}, async (t) => {
  for (const colorScheme of ['light', 'dark'] as const) {
    const { gateway, page: ui } = await visit(t)
    const { context } = await watchedContext(t, browser(), { colorScheme })
    const page = await context.newPage()
    const query = new URLSearchParams({
      origin: new URL(ui.url()).origin,
      state: 's',
      code: 'c',
      iss: gateway.origin,
    })
    await page.goto(`${gateway.origin}/oauth/popup?${query}`)
    await page.getByRole('heading', { name: 'The sign-in did not come to its end' }).waitFor()
    assert.equal(await page.getByRole('heading').count(), 1)
    assert.equal(page.url(), `${gateway.origin}/oauth/popup`)
    assert.deepEqual(await barriersOn(page), [])
    await page.screenshot({ path: join(SCREENSHOTS, `page-popup-alone-${colorScheme}.png`) })
  }
})

test('without JavaScript the end says what it needs', { skip }, async (t) => {
  const { gateway, page: ui } = await visit(t)
  const { context } = await watchedContext(t, browser(), { javaScriptEnabled: false })
  const page = await context.newPage()
  const origin = new URL(ui.url()).origin
  const query = new URLSearchParams({ origin, state: 's', code: 'c', iss: gateway.origin })
  await page.goto(`${gateway.origin}/oauth/popup?${query}`)
  assert.match(await page.getByRole('main').innerText(), /It needs JavaScript/)
})
