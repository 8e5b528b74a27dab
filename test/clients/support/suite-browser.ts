import assert from 'node:assert/strict'
import { after, before } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { Browser } from 'playwright-core'
import { findChromium, startChromium } from './chromium.ts'
import { needed } from './needed.ts'

/** Ignored by git; for people to look at. */
export const SCREENSHOTS = fileURLToPath(new URL('../screenshots', import.meta.url))

/** The Chromium of a suite. */
export interface SuiteBrowser {
  /** For the tests that need it; as `needed` has it. */
  readonly skip: false | string
  browser(): Browser
}

/** Starts Chromium before the tests of a file, if it is there, and ends it after them. */
export async function suiteBrowser(): Promise<SuiteBrowser> {
  const chromium = await needed(findChromium)
  let browser: Browser | undefined
  before(async () => {
    if (chromium.skip === false) browser = await startChromium(chromium.found)
  })
  after(() => browser?.close())
  return { skip: chromium.skip, browser: () => browser ?? assert.fail('it did not start') }
}
