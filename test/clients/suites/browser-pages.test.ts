import assert from 'node:assert/strict'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { Page } from 'playwright-core'
import { startBroker } from '../../support/broker-gateway.ts'
import { barriersOn } from '../support/axe.ts'
import { allow, authorizeUrl, pressAtProvider } from '../support/broker-pages.ts'
import { startClientPage } from '../support/client-page.ts'
import { SCREENSHOTS, suiteBrowser } from '../support/suite-browser.ts'
import { watchedContext } from '../support/watched-context.ts'

const { skip, browser } = await suiteBrowser()

const CLIENT = { client_name: 'Claude Code', redirect_uri: 'http://localhost:33418/callback' }

/** Whether a person who uses the keyboard sees where they are. */
async function focusIsSeen(page: Page): Promise<boolean> {
  const width = 'parseFloat(getComputedStyle(document.activeElement).outlineWidth)'
  const style = 'getComputedStyle(document.activeElement).outlineStyle'
  return (await page.evaluate(`${style} !== 'none' && ${width} >= 2`)) as boolean
}

test('a person allows a client and signs in by keyboard alone', { skip }, async (t) => {
  const { gateway } = await startBroker(t)
  const client = await startClientPage(t)
  const { context } = await watchedContext(t, browser())
  const page = await context.newPage()
  await page.goto(
    await authorizeUrl(gateway, { client_name: 'A client', redirect_uri: client.redirectUri }),
  )
  const focused = page.locator(':focus')
  const order: string[] = []
  for (let i = 0; i < 3; i += 1) {
    await page.keyboard.press('Tab')
    order.push(await focused.innerText())
    assert.ok(await focusIsSeen(page), order.at(-1))
  }
  assert.deepEqual(order, ['Allow', 'Deny', 'What this server is, and how to connect to it'])
  await page.keyboard.press('Shift+Tab')
  await page.keyboard.press('Shift+Tab')
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { name: 'Pick an account' }).waitFor()
  await page.keyboard.press('Tab')
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { name: /^Go on to/ }).waitFor()
  await page.keyboard.press('Tab')
  assert.equal(await focused.innerText(), 'Go on')
  await page.keyboard.press('Enter')
  await page.getByText('You can go back now.').waitFor()
  const [answer] = client.answers
  assert.equal(answer?.get('state'), 'the-state')
  assert.ok(answer?.has('code'))
})

test('a person who denies is not sent to the provider, and the client is told', {
  skip,
}, async (t) => {
  const { gateway } = await startBroker(t)
  const client = await startClientPage(t)
  const { context, origins } = await watchedContext(t, browser())
  const page = await context.newPage()
  await page.goto(await authorizeUrl(gateway, { redirect_uri: client.redirectUri }))
  await page.getByRole('button', { name: 'Deny' }).click()
  await page.getByText('You can go back now.').waitFor()
  assert.equal(client.answers[0]?.get('error'), 'access_denied')
  assert.equal(client.answers[0]?.get('state'), 'the-state')
  assert.ok(!origins.has(gateway.entra.origin))
  assert.deepEqual(await context.cookies(), [])
})

test('a screen reader is told what the page asks, in order, with its landmarks', {
  skip,
}, async (t) => {
  const { gateway } = await startBroker(t)
  const { context } = await watchedContext(t, browser())
  const page = await context.newPage()
  await page.goto(await authorizeUrl(gateway, CLIENT))
  const told = await page.locator('body').ariaSnapshot()
  const expected = [
    'banner',
    'main',
    'heading "Allow access to prod?" [level=1]',
    'term: Who asks',
    'strong: Claude Code',
    'nobody has verified it',
    'term: Who gets the answer',
    'A program on this computer',
    'code: http://localhost:33418/callback',
    'term: What it can do then',
    'note',
    'button "Allow"',
    'button "Deny"',
    'contentinfo',
  ]
  let last = -1
  for (const piece of expected) {
    const at = told.indexOf(piece, last + 1)
    assert.ok(at > last, `${piece} in\n${told}`)
    last = at
  }
})

test('everything works without JavaScript: the sign-in on our own page, from / on', {
  skip,
}, async (t) => {
  const { gateway } = await startBroker(t)
  const { context } = await watchedContext(t, browser(), { javaScriptEnabled: false })
  const page = await context.newPage()
  await page.goto(gateway.origin)
  await page.getByText('Claude Code', { exact: true }).click()
  await page.getByText(`claude mcp add --transport http prod ${gateway.url}`).waitFor()
  await page.getByRole('link', { name: 'Sign in and see who you are' }).click()
  await pressAtProvider(page, /alice/i)
  await page.getByRole('heading', { name: 'You are signed in' }).waitFor()
  assert.match(await page.getByRole('main').innerText(), /alice@contoso\.test/)
  assert.deepEqual(
    (await context.cookies()).filter(({ name }) => name.includes('rolecall')),
    [],
  )
})

test('a page of another origin cannot show the question within itself', { skip }, async (t) => {
  const { gateway } = await startBroker(t)
  const client = await startClientPage(t)
  const { context } = await watchedContext(t, browser(), {
    expected: /frame-ancestors|status of 403/,
  })
  const page = await context.newPage()
  await page.goto(client.redirectUri)
  const url = await authorizeUrl(gateway, CLIENT)
  const blocked = page.waitForEvent('console', (line) => /frame-ancestors/.test(line.text()))
  await page.evaluate(
    `document.body.append(Object.assign(document.createElement('iframe'), { src: ${JSON.stringify(url)} }))`,
  )
  await blocked
  assert.equal(await page.frameLocator('iframe').getByRole('button').count(), 0)
})

test('a name in another direction turns nothing but itself', { skip }, async (t) => {
  const { gateway } = await startBroker(t)
  const { context } = await watchedContext(t, browser())
  const page = await context.newPage()
  const client_name = 'عميل (allowed) by example.com'
  await page.goto(await authorizeUrl(gateway, { ...CLIENT, client_name }))
  const name = page.locator('bdi')
  assert.equal(await name.innerText(), client_name)
  const direction = (selector: string) =>
    page.evaluate(`getComputedStyle(document.querySelector('${selector}')).direction`)
  assert.equal(await direction('bdi'), 'rtl')
  assert.equal(await direction('dd'), 'ltr')
})

/** Each page, shown one after the other. */
async function showEach(
  t: TestContext,
  page: Page,
  keep: (state: string) => Promise<void>,
): Promise<void> {
  const cursor = 'cursor://anysphere.cursor-mcp/oauth/callback'
  const { gateway } = await startBroker(t, {
    signIn: { redirect_uris: ['loopback', 'claude', 'cursor'], consent: 'remember' },
  })
  await page.goto(gateway.origin)
  await keep('home')
  for (const details of await page.locator('summary').all()) await details.click()
  await keep('home-open')
  await page.goto(await authorizeUrl(gateway, CLIENT))
  await keep('consent-loopback')
  await page.goto(await authorizeUrl(gateway, { client_name: 'Cursor', redirect_uri: cursor }))
  await keep('consent-app')
  const claude = 'https://claude.ai/api/mcp/auth_callback'
  await page.goto(await authorizeUrl(gateway, { client_name: 'Claude', redirect_uri: claude }))
  await keep('consent-site')
  const long = {
    client_name: '<img src=x onerror=alert(1)>'.padEnd(80, 'W'),
    redirect_uri: `http://127.0.0.1:7777/${'a'.repeat(100)}?${'b'.repeat(800)}`,
  }
  await page.goto(await authorizeUrl(gateway, long))
  await keep('consent-long')
  await page.goto(`${gateway.origin}/oauth/authorize?client_id=nobody`)
  await keep('refused')
  await page.goto(`${gateway.origin}/oauth/authorize?client_id=rolecall`)
  await pressAtProvider(page, /Cancel/)
  await page.getByRole('heading', { name: 'The sign-in did not work' }).waitFor()
  await keep('error')
  await page.goto(`${gateway.origin}/oauth/authorize?client_id=rolecall`)
  await pressAtProvider(page, /alice/i)
  await page.getByRole('heading', { name: 'You are signed in' }).waitFor()
  await keep('signed-in')
  // The provider asks again.
  await page.context().clearCookies()
  await page.goto(await authorizeUrl(gateway, CLIENT))
  await allow(page)
  await keep('provider')
  await page.getByRole('button', { name: /alice/i }).click()
  await page.getByRole('heading', { name: /^Go on to/ }).waitFor()
  await keep('go-on')
}

/** What is to be pressed, with its height. */
const HEIGHTS = `[...document.querySelectorAll('button, a.button, summary')]
  .map((pressed) => [pressed.textContent, pressed.getBoundingClientRect().height])`

for (const colorScheme of ['light', 'dark'] as const) {
  for (const [size, viewport] of Object.entries({
    desk: { width: 1000, height: 800 },
    phone: { width: 390, height: 844 },
    // WCAG 2.2, 1.4.10: no scrolling in two dimensions at this width.
    narrow: { width: 320, height: 640 },
  })) {
    test(`nothing is cut off and axe finds no barrier, ${colorScheme}, on a ${size}; pictures are kept`, {
      skip,
    }, async (t) => {
      const { context } = await watchedContext(t, browser(), {
        colorScheme,
        viewport,
        expected: /status of 400/,
      })
      const page = await context.newPage()
      await showEach(t, page, async (state) => {
        const name = `page-${state}-${colorScheme}-${size}.png`
        await page.screenshot({ path: join(SCREENSHOTS, name), fullPage: true })
        const overflow = 'document.documentElement.scrollWidth - innerWidth'
        assert.equal(await page.evaluate(overflow), 0, name)
        assert.deepEqual(await barriersOn(page), [], name)
        const heights = (await page.evaluate(HEIGHTS)) as readonly [string, number][]
        for (const [what, height] of heights) assert.ok(height >= 44, `${name}: ${what} ${height}`)
      })
    })
  }
}

test('in forced colours the buttons keep their edges; pictures are kept', { skip }, async (t) => {
  const { gateway } = await startBroker(t)
  const { context } = await watchedContext(t, browser(), { forcedColors: 'active' })
  const page = await context.newPage()
  await page.goto(await authorizeUrl(gateway, CLIENT))
  const edges = `[...document.querySelectorAll('button')]
    .map((button) => getComputedStyle(button).borderTopWidth)`
  assert.deepEqual(await page.evaluate(edges), ['1px', '1px'])
  await page.screenshot({ path: join(SCREENSHOTS, 'page-consent-forced.png'), fullPage: true })
})
