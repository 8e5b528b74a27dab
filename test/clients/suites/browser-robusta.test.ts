import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { Page } from 'playwright-core'
import { findKubeBinaries } from '../../environment/cluster/real/kube-binaries.ts'
import { barriersOn } from '../support/axe.ts'
import { findChromium } from '../support/chromium.ts'
import { needed } from '../support/needed.ts'
import { PLATFORM_ORIGINS, type RobustaStack, startRobustaStack } from '../support/robusta-stack.ts'
import {
  callsOn,
  isShown,
  openPopup,
  press,
  problemOn,
  requestsOn,
  sightsOn,
  signIn,
  visit,
} from '../support/robusta-visit.ts'

const chromium = await needed(findChromium)
const binaries = await needed(async () => findKubeBinaries())
const skip = chromium.skip || binaries.skip
/** Ignored by git; for people to look at. */
const SCREENSHOTS = fileURLToPath(new URL('../screenshots', import.meta.url))
const [PLATFORM] = PLATFORM_ORIGINS

const refusal = (person: string, team: string): string =>
  `pods is forbidden: User "${person}@contoso.test" cannot list resource "pods" in API group "" in the namespace "${team}"`

const SIGHTS = {
  alice: { 'team-a': ['shop-web', 'shop-worker'], 'team-b': refusal('alice', 'team-b') },
  bob: { 'team-a': refusal('bob', 'team-a'), 'team-b': ['billing-api', 'billing-ledger'] },
  carol: { 'team-a': refusal('carol', 'team-a'), 'team-b': refusal('carol', 'team-b') },
} as const

let stack: RobustaStack
before(async () => {
  if (chromium.skip === false && binaries.skip === false) {
    stack = await startRobustaStack(chromium.found)
  }
})
after(() => stack?.close())

for (const origin of PLATFORM_ORIGINS) {
  test(`alice signs in from ${origin}: the popup comes back to its callback page, and she sees her pods as herself`, {
    skip,
  }, async (t) => {
    const { demo } = stack
    const { page, origins } = await visit(t, stack, origin)
    const earlier = (await demo.cluster.auditEvents()).length
    const popup = await openPopup(page)
    const places = new Set<string>()
    popup.on('framenavigated', (frame) => {
      const { origin: place, pathname } = new URL(frame.url())
      places.add(`${place}${pathname}`)
    })
    await press(popup, /alice/i)
    await isShown(page, 'alice')
    assert.deepEqual([...places], [`${origin}/oauth/callback.html`])
    assert.deepEqual(await sightsOn(page), SIGHTS.alice)
    const events = (await demo.cluster.auditEvents()).slice(earlier)
    const names = new Set(events.map(({ user }) => user.username))
    assert.deepEqual([...names], ['alice@contoso.test'])
    // What needs no ingress: the browser speaks with the page and the identity provider alone.
    assert.deepEqual([...origins], [origin, demo.identityProvider.origin])
    const token = `POST ${demo.relay.publicUrl}/oauth/token authorization_code 200`
    assert.equal((await requestsOn(page)).filter((line) => line === token).length, 1)
  })
}

test('the demo as it is: everybody clicks through it and sees what the cluster lets them see', {
  skip,
}, async (t) => {
  for (const person of ['alice', 'bob', 'carol'] as const) {
    const { page } = await visit(t, stack, stack.demo.ui.origin)
    await signIn(page, person)
    assert.deepEqual(await sightsOn(page), SIGHTS[person])
  }
})

test('the page shows of each call what rolecall and the cluster wrote, and no token', {
  skip,
}, async (t) => {
  const { page } = await visit(t, stack, stack.demo.ui.origin)
  await signIn(page, 'alice')
  const [own = [], other = []] = await callsOn(page)
  for (const [namespace, stations, answer] of [
    ['team-a', own, '200, done'],
    ['team-b', other, '403, forbidden by RBAC'],
  ] as const) {
    const [asked, rolecall, cluster] = stations
    const requestId = asked?.facts['Request id'] ?? ''
    assert.match(requestId, /^[\w.-]{8,64}$/)
    assert.equal(asked?.facts['Namespace'], namespace)
    const { Decision: decision, User: user } = rolecall?.facts ?? {}
    assert.deepEqual([decision, user], ['allow', 'alice@contoso.test'])
    const line = JSON.parse(rolecall?.written['The audit line'] ?? '{}')
    assert.deepEqual([line.kind, line.request_id], ['audit', requestId])
    assert.deepEqual(cluster?.facts, { User: 'alice@contoso.test' })
    const event = JSON.parse(cluster?.written[`list pods in ${namespace} → ${answer}`] ?? '{}')
    assert.equal(event.kind, 'Event')
    assert.match(event.userAgent, new RegExp(requestId))
  }
  assert.doesNotMatch(await page.content(), /eyJ[\w-]{8,}/)
})

test('with resource left on, Entra refuses, and the page tells its words and the remedy', {
  skip,
}, async (t) => {
  const { page } = await visit(t, stack, PLATFORM)
  const isOn = page.getByRole('checkbox', { name: /Send resource/ })
  await isOn.check()
  await page.getByRole('button', { name: 'Connect Kubernetes' }).click()
  const words = await problemOn(page)
  assert.match(words, /AADSTS9010010/)
  assert.match(words, /resource: ""/)
  assert.doesNotMatch((await requestsOn(page)).join(), /oauth\/token/)
  await isOn.uncheck()
  await signIn(page, 'alice')
  assert.equal(await page.getByRole('alert').isVisible(), false)
})

test('who closed the popup is told what to do, and connecting again works', {
  skip,
}, async (t) => {
  const { page } = await visit(t, stack, PLATFORM)
  await (await openPopup(page)).close()
  await page.getByText('If you closed it, connect again.').waitFor()
  await signIn(page, 'bob')
  assert.deepEqual(await sightsOn(page), SIGHTS.bob)
})

test('a person who cancels is told so; nobody is connected and nothing was redeemed', {
  skip,
}, async (t) => {
  const { page } = await visit(t, stack, PLATFORM)
  await press(await openPopup(page), /Cancel/)
  assert.match(await problemOn(page), /The sign-in was cancelled[\s\S]*AADSTS65004/)
  assert.equal(await page.getByRole('status').innerText(), 'Not connected')
  assert.doesNotMatch((await requestsOn(page)).join(), /oauth\/token/)
})

test('two people sign in at once in two browsers; each sees their own, also after a refresh', {
  skip,
}, async (t) => {
  const alice = await visit(t, stack, PLATFORM)
  const bob = await visit(t, stack, PLATFORM)
  const popups = [await openPopup(alice.page), await openPopup(bob.page)] as const
  // The later one is done first.
  await press(popups[1], /bob/i)
  await press(popups[0], /alice/i)
  for (const [{ page }, person] of [
    [alice, 'alice'],
    [bob, 'bob'],
  ] as const) {
    await isShown(page, person)
    assert.deepEqual(await sightsOn(page), SIGHTS[person])
  }
  const refresh = { name: 'Refresh the token' }
  const pages = [alice.page, bob.page]
  await Promise.all(pages.map((page) => page.getByRole('button', refresh).click()))
  await Promise.all(pages.map((page) => page.getByText('refreshed once').waitFor()))
  assert.deepEqual(await sightsOn(alice.page), SIGHTS.alice)
  assert.deepEqual(await sightsOn(bob.page), SIGHTS.bob)
})

test('a session that Entra has ended: the refresh says so, and the person connects again', {
  skip,
}, async (t) => {
  const { page } = await visit(t, stack, PLATFORM)
  await signIn(page, 'carol')
  await page.getByRole('button', { name: 'Refresh the token' }).click()
  await page.getByText('refreshed once').waitFor()
  stack.demo.identityProvider.revoke('carol')
  await page.getByRole('button', { name: 'Refresh the token' }).click()
  const words = await problemOn(page)
  assert.match(words, /Token refresh failed \(HTTP 400\)/)
  assert.match(words, /"invalid_grant"/)
  assert.equal(await page.getByRole('status').innerText(), 'Not connected')
  // The identity provider knows her in this browser, and asks whether it shall be her again.
  const popup = await openPopup(page)
  await popup.getByText('signed in', { exact: true }).waitFor()
  await press(popup, /carol/i)
  await isShown(page, 'carol')
})

test('connecting as somebody else asks for the account, and what the first one saw is gone', {
  skip,
}, async (t) => {
  const { page } = await visit(t, stack, PLATFORM)
  await signIn(page, 'alice')
  await page.getByText('Connect as somebody else').waitFor()
  await signIn(page, 'bob')
  assert.deepEqual(await sightsOn(page), SIGHTS.bob)
})

test('after Disconnect somebody else can sign in: nobody is signed in as the last person unasked', {
  skip,
}, async (t) => {
  const { page } = await visit(t, stack, PLATFORM)
  await signIn(page, 'alice')
  await page.getByRole('button', { name: 'Disconnect' }).click()
  await page.getByText('Not connected').waitFor()
  await signIn(page, 'bob')
  assert.deepEqual(await sightsOn(page), SIGHTS.bob)
})

test('a browser that blocks the popup is told what to allow', { skip }, async (t) => {
  const { page } = await visit(t, stack, PLATFORM)
  await page.evaluate('open = () => null')
  await page.getByRole('button', { name: 'Connect Kubernetes' }).click()
  assert.match(await problemOn(page), /Allow popups for this page/)
})

test('the connection outlives a reload of the page, and ends with Disconnect', {
  skip,
}, async (t) => {
  const { page } = await visit(t, stack, PLATFORM)
  await signIn(page, 'alice')
  await page.reload()
  await isShown(page, 'alice')
  await page.getByRole('button', { name: 'Disconnect' }).click()
  await page.getByText('Not connected').waitFor()
  await page.reload()
  assert.equal(await page.getByRole('status').innerText(), 'Not connected')
})

test('it all works by keyboard: the focus ends where the answer is', { skip }, async (t) => {
  const { page } = await visit(t, stack, PLATFORM)
  const opened = page.waitForEvent('popup')
  await page.keyboard.press('Tab')
  await page.keyboard.press('Enter')
  const popup = await opened
  await popup.getByRole('heading', { name: 'Pick an account' }).waitFor()
  const closed = popup.waitForEvent('close')
  await popup.keyboard.press('Tab')
  await popup.keyboard.press('Enter')
  await closed
  await isShown(page, 'alice')
  assert.match(await page.locator(':focus').innerText(), /This is what alice/)
})

test('the callback page hands nothing to a page of another origin', { skip }, async (t) => {
  const { page, context } = await visit(t, stack, PLATFORM)
  const stranger = await context.newPage()
  await stranger.goto(stack.demo.ui.origin)
  await stranger.evaluate("heard = []; addEventListener('message', ({ data }) => heard.push(data))")
  const opened = stranger.waitForEvent('popup')
  await stranger.evaluate(`open('${PLATFORM}/oauth/callback.html?code=c&state=s'), null`)
  await (await opened).getByText('The page that opened this window is gone').waitFor()
  // A message to itself comes after whatever was posted before.
  await stranger.evaluate(
    "new Promise((done) => { addEventListener('message', done); postMessage('last') })",
  )
  assert.deepEqual(await stranger.evaluate('heard'), ['last'])
  await page.close()
})

test('the page believes the callback page of its own popup alone', { skip }, async (t) => {
  const { page } = await visit(t, stack, PLATFORM)
  const popup = await openPopup(page)
  const forged = "{ state: 's', code: 'c' }"
  await page.evaluate(`new BroadcastChannel('oauth-callback').postMessage(${forged})`)
  await press(popup, /alice/i)
  await isShown(page, 'alice')
})

test('a callback page without its opener says so, and keeps no code in its address', {
  skip,
}, async (t) => {
  const { page } = await visit(t, stack, PLATFORM)
  await page.goto(`${PLATFORM}/oauth/callback.html?code=c&state=s`)
  await page.getByText('The page that opened this window is gone').waitFor()
  assert.equal(page.url(), `${PLATFORM}/oauth/callback.html`)
})

for (const colorScheme of ['light', 'dark'] as const) {
  for (const [size, viewport] of Object.entries({
    desk: { width: 1000, height: 800 },
    phone: { width: 390, height: 844 },
  })) {
    test(`nothing is cut off and axe finds no barrier, ${colorScheme}, on a ${size}; pictures are kept`, {
      skip,
    }, async (t) => {
      const { page } = await visit(t, stack, PLATFORM, { colorScheme, viewport })
      const keep = async (shown: Page, state: string): Promise<void> => {
        const name = `robusta-${state}-${colorScheme}-${size}.png`
        await shown.screenshot({ path: join(SCREENSHOTS, name), fullPage: true })
        const overflow = 'document.documentElement.scrollWidth - innerWidth'
        assert.equal(await shown.evaluate(overflow), 0, name)
        assert.deepEqual(await barriersOn(shown), [], name)
      }
      await keep(page, 'start')
      await page.getByRole('checkbox').check()
      await page.getByRole('button', { name: 'Connect Kubernetes' }).click()
      await problemOn(page)
      await keep(page, 'resource-on')
      await page.getByRole('checkbox').uncheck()
      const popup = await openPopup(page)
      await popup.setViewportSize(size === 'phone' ? viewport : { width: 520, height: 680 })
      await keep(popup, 'popup')
      await keep(page, 'waiting')
      await press(popup, /alice/i)
      await isShown(page, 'alice')
      await keep(page, 'connected')
      await page.evaluate("document.querySelectorAll('details').forEach((it) => (it.open = true))")
      await keep(page, 'connected-open')
      const again = await openPopup(page)
      await again.setViewportSize(size === 'phone' ? viewport : { width: 520, height: 680 })
      await keep(again, 'popup-again')
      await press(again, /carol/i)
      await isShown(page, 'carol')
      await keep(page, 'refused')
    })
  }
}
