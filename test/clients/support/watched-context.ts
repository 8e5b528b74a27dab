import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import type { Browser, BrowserContext, BrowserContextOptions } from 'playwright-core'

/** A browser without cookies that is watched. */
export interface WatchedContext {
  readonly context: BrowserContext
  /** Every origin that it asked for anything. */
  readonly origins: ReadonlySet<string>
}

/**
 * Opens a browser that has no cookies. When the test ends, nothing may have been complained about in
 * any of its windows: no script's error, nothing that a policy blocked.
 *
 * @param expected complaints that belong to the test
 */
export async function watchedContext(
  t: TestContext,
  browser: Browser,
  options: BrowserContextOptions & { readonly expected?: RegExp } = {},
): Promise<WatchedContext> {
  const { expected, ...contextOptions } = options
  const context = await browser.newContext(contextOptions)
  const complaints: string[] = []
  const origins = new Set<string>()
  context.on('console', (line) => {
    if (['error', 'warning'].includes(line.type())) complaints.push(line.text())
  })
  context.on('weberror', (error) => complaints.push(error.error().message))
  context.on('request', (request) => origins.add(new URL(request.url()).origin))
  t.after(async () => {
    await context.close()
    assert.deepEqual(
      complaints.filter((complaint) => !expected?.test(complaint)),
      [],
    )
  })
  return { context, origins }
}
