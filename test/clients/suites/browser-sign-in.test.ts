import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { Page } from 'playwright-core'
import { askForTokens, beginSignIn } from '../../support/broker-client.ts'
import { startBroker } from '../../support/broker-gateway.ts'
import type { Gateway } from '../../support/gateway.ts'
import { allow, goOn, pressAtProvider } from '../support/broker-pages.ts'
import { findChromium, startChromiumOfPerson } from '../support/chromium.ts'
import { type ClientPage, startClientPage } from '../support/client-page.ts'
import { keepsFramedCookies } from '../support/framed-cookie.ts'
import { suiteBrowser } from '../support/suite-browser.ts'
import { watchedContext } from '../support/watched-context.ts'
import { openWebUi, outcomeOn, pressConnect, signInFrom, startWebUi } from '../support/web-ui.ts'

const { skip, browser } = await suiteBrowser()

/** One client's sign-in in a window: begun, and redeemed once its answer is there. */
interface Visit {
  readonly page: Page
  /** Who the token is for, as rolecall tells its bearer. */
  whoSignedIn(): Promise<string>
}

/** Opens a window where a client of its own sends the person. */
async function beginIn(page: Page, gateway: Gateway, client: ClientPage): Promise<Visit> {
  const begun = await beginSignIn(gateway, { redirect_uri: client.redirectUri })
  await page.goto(begun.url.href)
  return {
    page,
    async whoSignedIn() {
      const answer = client.answers.find((given) => given.get('state') === begun.state)
      const { body } = await askForTokens(gateway, {
        grant_type: 'authorization_code',
        code: answer?.get('code') ?? '',
        client_id: begun.clientId,
        code_verifier: begun.verifier,
      })
      const response = await fetch(`${gateway.origin}/oauth/whoami`, {
        headers: { authorization: `Bearer ${body['access_token']}` },
      })
      return String(((await response.json()) as Record<string, unknown>)['user'])
    },
  }
}

async function start(t: TestContext) {
  const { gateway } = await startBroker(t)
  return { gateway, client: await startClientPage(t) }
}

test('ten sign-ins at once in one browser, of two people, all come to their own end', {
  skip,
}, async (t) => {
  const { gateway, client } = await start(t)
  const { context } = await watchedContext(t, browser())
  const visits = await Promise.all(
    Array.from({ length: 10 }, async () => beginIn(await context.newPage(), gateway, client)),
  )
  await Promise.all(visits.map(({ page }) => allow(page)))
  const people = visits.map((_, index) => (index % 2 === 0 ? 'alice' : 'bob'))
  await Promise.all(
    visits.map(async ({ page }, index) => {
      await pressAtProvider(page, new RegExp(people[index] ?? '', 'i'))
      await goOn(page)
      await page.getByText('You can go back now.').waitFor()
    }),
  )
  assert.equal(client.answers.length, 10)
  assert.deepEqual(
    await Promise.all(visits.map((visit) => visit.whoSignedIn())),
    people.map((person) => `${person}@contoso.test`),
  )
  const left = (await context.cookies()).filter(({ name }) => name.includes('rolecall'))
  assert.deepEqual(left, [])
})

test('another browser does not finish a sign-in, and the one that began still does', {
  skip,
}, async (t) => {
  const { gateway, client } = await start(t)
  const attacker = await watchedContext(t, browser())
  const begun = await beginIn(await attacker.context.newPage(), gateway, client)
  await allow(begun.page)

  const victim = await watchedContext(t, browser(), { expected: /status of 400/ })
  const lured = await victim.context.newPage()
  await lured.goto(begun.page.url())
  await pressAtProvider(lured, /alice/i)
  await lured.getByRole('heading', { level: 1 }).waitFor()
  assert.equal(new URL(lured.url()).pathname, '/oauth/callback')
  assert.match(await lured.getByRole('main').innerText(), /begun in this browser|this browser/i)
  assert.equal(client.answers.length, 0)

  await pressAtProvider(begun.page, /bob/i)
  await goOn(begun.page)
  await begun.page.getByText('You can go back now.').waitFor()
  assert.equal(client.answers.length, 1)
  assert.equal(await begun.whoSignedIn(), 'bob@contoso.test')
})

test('where cookies of third parties are blocked, people sign in in a window and in a popup', {
  skip,
}, async (t) => {
  const path = await findChromium()
  const kept = await startChromiumOfPerson(t, path, { thirdPartyCookies: 'kept' })
  assert.equal(await keepsFramedCookies(t, kept), true)
  const context = await startChromiumOfPerson(t, path, { thirdPartyCookies: 'blocked' })
  assert.equal(await keepsFramedCookies(t, context), false)
  const ui = await startWebUi(t)
  const { gateway } = await startBroker(t, { signIn: { popup_origins: [ui.origin] } })
  const client = await startClientPage(t)

  const begun = await beginIn(await context.newPage(), gateway, client)
  await allow(begun.page)
  await pressAtProvider(begun.page, /alice/i)
  await goOn(begun.page)
  await begun.page.getByText('You can go back now.').waitFor()
  assert.equal(await begun.whoSignedIn(), 'alice@contoso.test')

  await context.clearCookies()
  const page = await openWebUi(context, ui, gateway.url)
  await signInFrom(await pressConnect(page), /bob/i)
  await outcomeOn(page, 'connected')
})
