import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'
import type { BrowserContext } from 'playwright-core'

/** Whether a page within a page of another site keeps its cookie in this browser. */
export async function keepsFramedCookies(
  t: TestContext,
  context: BrowserContext,
): Promise<boolean> {
  let sent: string | undefined
  const server = createServer(({ url, headers }, response) => {
    if (url === '/again') sent = headers.cookie
    response.setHeader('content-type', 'text/html; charset=utf-8')
    response.setHeader('set-cookie', 'kept=yes; SameSite=None; Secure')
    response.end(
      '<!doctype html><html lang="en"><link rel="icon" href="data:,"><title>A page</title>',
    )
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  const { port } = server.address() as AddressInfo
  const page = await context.newPage()
  await page.goto(`http://127.0.0.1:${port}/`)
  // The two names are two sites.
  for (const path of ['first', 'again']) {
    await page.evaluate(`new Promise((done) => document.body.append(Object.assign(
      document.createElement('iframe'),
      { src: 'http://localhost:${port}/${path}', onload: done },
    ))).then(() => null)`)
  }
  await page.close()
  return sent === 'kept=yes'
}
