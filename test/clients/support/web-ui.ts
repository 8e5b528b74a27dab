import { once } from 'node:events'
import { createServer } from 'node:http'
import type { TestContext } from 'node:test'
import type { BrowserContext, Page } from 'playwright-core'
import { goOn, pressAtProvider } from './broker-pages.ts'

/** A web UI on an origin of its own, which signs people in with rolecall's popup. */
export interface WebUi {
  readonly origin: string
}

/** What came of it in the page: the tokens, or the error of the popup. */
export type Outcome = Readonly<Record<string, unknown>>

/** Every message that reached the page, and who posted it. */
export type Heard = readonly { readonly origin: string; readonly data: unknown }[]

const PAGE = `<!doctype html>
<html lang="en"><link rel="icon" href="data:,"><title>A web UI</title>
<button id="connect">Connect</button> <button id="renew">Renew</button> <output></output>
<script type="module">
  const resource = location.hash.slice(1)
  window.heard = []
  addEventListener('message', ({ origin, data }) => heard.push({ origin, data }))
  const { signIn, refresh } = await import(new URL('/oauth/popup.js', resource))
  let tokens
  const show = async (promise) => {
    window.outcome = await promise.then(
      (brought) => (tokens = brought),
      ({ name, code, message }) => ({ name, code, message }),
    )
    document.querySelector('output').textContent = outcome.code ?? 'connected'
  }
  connect.onclick = () => show(signIn({ resource }))
  renew.onclick = () => show(refresh({ resource, refreshToken: tokens.refresh_token }))
  document.body.dataset.ready = ''
</script>
`

/** Starts it; it stops with the test. */
export async function startWebUi(t: TestContext): Promise<WebUi> {
  const server = createServer((_request, response) => {
    response.setHeader('content-type', 'text/html; charset=utf-8').end(PAGE)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  const address = server.address()
  const port = typeof address === 'object' ? address?.port : undefined
  return { origin: `http://127.0.0.1:${port}` }
}

/** Opens it for a resource, with the popup's module loaded. */
export async function openWebUi(
  context: BrowserContext,
  { origin }: WebUi,
  resource: string,
): Promise<Page> {
  const page = await context.newPage()
  await page.goto(`${origin}/#${resource}`)
  await page.locator('body[data-ready]').waitFor()
  return page
}

/** Presses Connect and returns the window that opens. */
export async function pressConnect(page: Page): Promise<Page> {
  const opened = page.waitForEvent('popup')
  await page.getByRole('button', { name: 'Connect' }).click()
  return opened
}

/** Presses Allow in the popup: the window in which the sign-in goes on. */
export async function pressAllow(popup: Page): Promise<Page> {
  const opened = popup.context().waitForEvent('page')
  await popup.getByRole('button', { name: 'Allow' }).click()
  await popup.getByRole('heading', { name: 'Go on in the other window' }).waitFor()
  return opened
}

/** Signs a person in from the popup on; both windows close by themselves. */
export async function signInFrom(popup: Page, person: RegExp): Promise<void> {
  await endFrom(popup, async (other) => {
    await pressAtProvider(other, person)
    await goOn(other)
  })
}

/** The same for whoever turns back at the provider. */
export async function cancelFrom(popup: Page): Promise<void> {
  await endFrom(popup, (other) => pressAtProvider(other, /Cancel/))
}

async function endFrom(popup: Page, press: (other: Page) => Promise<void>): Promise<void> {
  const other = await pressAllow(popup)
  const closed = Promise.all([popup.waitForEvent('close'), other.waitForEvent('close')])
  await press(other)
  await closed
}

/** Waits for what comes of it. */
export async function outcomeOn(page: Page, shown: string): Promise<Outcome> {
  await page.locator('output', { hasText: shown }).waitFor()
  return (await page.evaluate('outcome')) as Outcome
}

/** The messages that reached it. */
export async function heardOn(page: Page): Promise<Heard> {
  return (await page.evaluate('heard')) as Heard
}
