import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import type { BrowserContext, Page } from 'playwright-core'
import { createBrowser } from '../../environment/browser.ts'
import { startBroker } from '../../support/broker-gateway.ts'
import { authorizeUrl as registeredUrl } from '../../support/broker-sign-in.ts'
import { allow, authorizeUrl, goOn, pressAtProvider } from '../support/broker-pages.ts'
import { startClientPage } from '../support/client-page.ts'
import { suiteBrowser } from '../support/suite-browser.ts'
import { watchedContext } from '../support/watched-context.ts'

const { skip, browser } = await suiteBrowser()

/** A browser that hangs is a failure, and no wait. */
const MOST_MS = 60_000
const ROBUSTA = 'https://platform.robusta.dev/oauth/callback.html'
/** What Chromium says of that address here, where no host but this machine is found. */
const notFound = /ERR_NAME_NOT_RESOLVED/

/** A site of an attacker on this machine, on another port and another name of it. */
async function startHostileSite(t: TestContext, listener: RequestListener): Promise<string> {
  const server = createServer(listener)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

function htmlPage(body: string): string {
  return `<!doctype html><html lang="en"><link rel="icon" href="data:,"><title>Cats</title>${body}`
}

/** The codes that a browser carried to the client at this address, so far. */
function codesFor(context: BrowserContext, client: string): readonly string[] {
  const codes: string[] = []
  context.on('request', (request) => {
    const url = new URL(request.url())
    const code = url.searchParams.get('code')
    if (url.href.startsWith(client) && code !== null) codes.push(code)
  })
  return codes
}

/** The only heading of a page of ours. */
async function headingOf(page: Page): Promise<string> {
  return page.getByRole('heading', { level: 1 }).innerText()
}

test('a click on a hostile page that redirects to a remembered consent gets no code', {
  skip,
  timeout: MOST_MS,
}, async (t) => {
  const { gateway } = await startBroker(t, { signIn: { consent: 'remember' } })
  const { context } = await watchedContext(t, browser(), { expected: notFound })
  const codes = codesFor(context, ROBUSTA)
  const url = registeredUrl(gateway, { redirect_uri: ROBUSTA })
  const first = await context.newPage()
  await first.goto(url)
  await allow(first)
  await pressAtProvider(first, /alice/i)
  const arrived = context.waitForEvent('request', (request) => request.url().startsWith(ROBUSTA))
  await goOn(first)
  await arrived
  assert.equal(codes.length, 1, 'alice meant this one')

  // From now on the provider knows alice, and asks nothing.
  gateway.entra.signInAs('alice')
  const hostile = await startHostileSite(t, (request, response) => {
    if (request.url === '/cats') response.writeHead(302, { location: url })
    else response.writeHead(200, { 'content-type': 'text/html' })
    response.end(htmlPage('<a href="/cats">Cats!</a>'))
  })
  const lured = await context.newPage()
  await lured.goto(hostile)
  await lured.getByRole('link', { name: 'Cats!' }).click()
  await lured.getByRole('button', { name: 'Go on' }).waitFor()
  assert.match(await headingOf(lured), /Go on to holmes at platform\.robusta\.dev\?/)
  await lured.waitForTimeout(300)
  assert.equal(codes.length, 1, 'a code left without a click on a page of ours')
})

test('the first click in a window that a hostile page holds does not allow', {
  skip,
  timeout: MOST_MS,
}, async (t) => {
  const { gateway } = await startBroker(t)
  const { context } = await watchedContext(t, browser(), {
    viewport: { width: 1000, height: 1400 },
  })
  const client = await startClientPage(t)
  const url = await authorizeUrl(gateway, { redirect_uri: client.redirectUri })

  // Where the button will be: the attacker has seen the page before.
  const seen = await context.newPage()
  await seen.goto(url)
  const box = await seen.getByRole('button', { name: 'Allow' }).boundingBox()
  assert.ok(box)
  // The whole page is in the window, and nothing scrolls.
  const [x, y] = [box.x + box.width / 2, box.y + box.height / 2]
  await seen.close()

  const hostile = await startHostileSite(t, (_request, response) => {
    response.writeHead(200, { 'content-type': 'text/html' })
    response.end(
      htmlPage(
        `<h1>Click twice!</h1><script>addEventListener('click', () => { location = ${JSON.stringify(url)} })</script>`,
      ),
    )
  })
  const held = await context.newPage()
  await held.goto(hostile)
  await held.mouse.move(x, y)
  await held.mouse.down()
  await held.mouse.up()
  await held.getByRole('button', { name: 'Allow' }).waitFor()
  await held.mouse.down()
  await held.mouse.up()
  await held.getByRole('alert').waitFor()
  assert.equal(new URL(held.url()).pathname, '/oauth/authorize')
  assert.match(await held.getByRole('alert').innerText(), /Move the pointer or press a key/)

  // Whoever looks, moves and clicks is let through.
  await held.mouse.move(x + 5, y + 5)
  await held.mouse.move(x, y)
  await held.mouse.down()
  await held.mouse.up()
  await held.getByRole('heading', { name: 'Pick an account' }).waitFor()
})

test('the transaction cookie of a sign-in that was allowed elsewhere, planted from another port, brings no code', {
  skip,
  timeout: MOST_MS,
}, async (t) => {
  const { gateway } = await startBroker(t)
  const client = await startClientPage(t)
  const url = await authorizeUrl(gateway, { redirect_uri: client.redirectUri })
  const thief = createBrowser()
  const atProvider = await thief.allow(await thief.get(url))
  gateway.entra.signInAs('alice')

  // Cookies know no ports: a page on another one of localhost sets it for rolecall's.
  const planted = [...thief.cookies].map(
    ([name, value]) => `${name}=${value}; Path=/; SameSite=Lax`,
  )
  assert.ok(planted.length > 0)
  const hostile = await startHostileSite(t, (request, response) => {
    if (request.url === '/go') {
      response.writeHead(302, { location: atProvider, 'set-cookie': planted })
    } else response.writeHead(200, { 'content-type': 'text/html' })
    response.end(htmlPage('<a href="/go">Cats!</a>'))
  })
  const { context } = await watchedContext(t, browser())
  const lured = await context.newPage()
  await lured.goto(hostile.replace('127.0.0.1', 'localhost'))
  await lured.getByRole('link', { name: 'Cats!' }).click()
  await lured.getByRole('button', { name: 'Go on' }).waitFor()
  assert.match(await headingOf(lured), /Go on to /)
  await lured.waitForTimeout(300)
  assert.deepEqual(client.answers, [], 'a code left without a click on a page of ours')
})
