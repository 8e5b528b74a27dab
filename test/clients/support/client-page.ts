import { once } from 'node:events'
import { createServer } from 'node:http'
import type { TestContext } from 'node:test'

/** A program on this computer that waits for its answer, as MCP clients do. */
export interface ClientPage {
  readonly redirectUri: string
  /** The answers that came, in their order. */
  readonly answers: readonly URLSearchParams[]
}

/** Starts it; it stops with the test. */
export async function startClientPage(t: TestContext): Promise<ClientPage> {
  const answers: URLSearchParams[] = []
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://127.0.0.1')
    if (pathname === '/callback') answers.push(searchParams)
    response.setHeader('content-type', 'text/html; charset=utf-8')
    response.end(
      '<!doctype html><html lang="en"><link rel="icon" href="data:,"><title>Client</title>You can go back now.',
    )
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  const address = server.address()
  const port = typeof address === 'object' ? address?.port : undefined
  return { redirectUri: `http://127.0.0.1:${port}/callback`, answers }
}
