import type { TestContext } from 'node:test'
import type { BrowserContext, BrowserContextOptions, Page } from 'playwright-core'
import type { RobustaStack } from './robusta-stack.ts'
import { watchedContext } from './watched-context.ts'

/** A browser of its own with the page open. */
export interface Visit {
  readonly page: Page
  readonly context: BrowserContext
  /** Every origin that this browser asked for anything. */
  readonly origins: ReadonlySet<string>
}

/** Opens the page in a browser that has no cookies and is watched. */
export async function visit(
  t: TestContext,
  { browser }: RobustaStack,
  origin: string,
  options: BrowserContextOptions = {},
): Promise<Visit> {
  const { context, origins } = await watchedContext(t, browser, options)
  const page = await context.newPage()
  await page.goto(origin)
  return { page, context, origins }
}

/** Clicks Connect; the popup shows the identity provider's page. */
export async function openPopup(page: Page): Promise<Page> {
  const opened = page.waitForEvent('popup')
  await page.getByRole('button', { name: /^Connect/ }).click()
  const popup = await opened
  await popup.getByRole('heading', { name: 'Pick an account' }).waitFor()
  return popup
}

/** Presses a button on the identity provider's page; the popup closes. */
export async function press(popup: Page, name: RegExp): Promise<void> {
  const closed = popup.waitForEvent('close')
  await popup.getByRole('button', { name }).click()
  await closed
}

/** Signs a person in, until the page shows what that person sees. */
export async function signIn(page: Page, person: string): Promise<void> {
  await press(await openPopup(page), new RegExp(person, 'i'))
  await isShown(page, person)
}

/** Waits for what this person sees. */
export async function isShown(page: Page, person: string): Promise<void> {
  const name = `This is what ${person}@contoso.test may see`
  await page.getByRole('heading', { name }).waitFor()
}

/** What the page shows of each namespace: the pods, or the cluster's refusal. */
export async function sightsOn(page: Page): Promise<Record<string, readonly string[] | string>> {
  const sights: Record<string, readonly string[] | string> = {}
  for (const card of await page.locator('.namespace').all()) {
    const name = await card.getByRole('heading').innerText()
    const refusal = card.locator('.words')
    const isRefused = (await refusal.count()) > 0
    sights[name] = isRefused
      ? await refusal.innerText()
      : await card.locator('.pod').allInnerTexts()
  }
  return sights
}

/** The problem that the page tells, all of its words. */
export async function problemOn(page: Page): Promise<string> {
  const alert = page.getByRole('alert')
  await alert.waitFor()
  return await alert.innerText()
}

/** What the backend sent, each line with its status. */
export async function requestsOn(page: Page): Promise<readonly string[]> {
  const lines = await page.locator('#requests li').allTextContents()
  return lines
}

/** What the page shows of one part that a call came by. */
export interface Station {
  readonly facts: Readonly<Record<string, string>>
  /** By its heading, each line as it was written. */
  readonly written: Readonly<Record<string, string>>
}

/** Of each call the stations, in their order. */
export async function callsOn(page: Page): Promise<readonly (readonly Station[])[]> {
  const calls: Station[][] = []
  for (const call of await page.locator('.call').all()) {
    const stations: Station[] = []
    for (const station of await call.locator('.station').all()) {
      const names = await station.locator('dt').allTextContents()
      const values = await station.locator('dd').allTextContents()
      const facts = Object.fromEntries(names.map((name, index) => [name, values[index] ?? '']))
      const headings = await station.locator('summary').allTextContents()
      const lines = await station.locator('pre').allTextContents()
      const written = Object.fromEntries(headings.map((name, index) => [name, lines[index] ?? '']))
      stations.push({ facts, written })
    }
    calls.push(stations)
  }
  return calls
}
