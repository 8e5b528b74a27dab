import assert from 'node:assert/strict'
import type { RequestListener } from 'node:http'
import { test } from 'node:test'
import {
  type FaultyProvider,
  type ProviderDocument,
  startWithFaultyProvider,
} from '../support/fault-identity-provider.ts'
import { post, send } from '../support/raw-http.ts'

const minute = 60_000
const hour = 60 * minute
const megabyte = 1 << 20

interface Fault {
  readonly name: string
  readonly document: ProviderDocument
  /** What the log says is wrong. */
  readonly reason: string
  answer(world: FaultyProvider): RequestListener
}

const html: RequestListener = (_request, response) => {
  response.writeHead(200, { 'content-type': 'text/html' }).end('<html>Sign in to the WiFi</html>')
}

const discovery =
  (change: (world: FaultyProvider) => object) =>
  (world: FaultyProvider): RequestListener =>
  (_request, response) => {
    const { front, entra } = world
    const issuer = `${front.origin}/${entra.tenantId}/v2.0`
    const document = { issuer, jwks_uri: `${front.origin}/keys`, ...change(world) }
    response.setHeader('content-type', 'application/json').end(JSON.stringify(document))
  }

const redirect =
  (world: FaultyProvider): RequestListener =>
  (_request, response) => {
    response.writeHead(302, { location: `${world.front.origin}/elsewhere` }).end()
  }

const json = (body: string) => (): RequestListener => (_request, response) => {
  response.setHeader('content-type', 'application/json').end(body)
}

const faults: readonly Fault[] = [
  { name: 'HTML with 200', document: 'keys', reason: 'not_json', answer: () => html },
  { name: 'HTML with 200', document: 'discovery', reason: 'not_json', answer: () => html },
  { name: 'a redirect', document: 'keys', reason: 'redirect', answer: redirect },
  { name: 'a redirect', document: 'discovery', reason: 'redirect', answer: redirect },
  {
    name: 'another issuer',
    document: 'discovery',
    reason: 'wrong_issuer',
    answer: discovery(() => ({ issuer: 'https://login.evil.example/tenant/v2.0' })),
  },
  {
    name: 'keys over plain http',
    document: 'discovery',
    reason: 'plain_http',
    answer: discovery(() => ({ jwks_uri: 'http://login.evil.example/keys' })),
  },
  { name: 'no keys', document: 'keys', reason: 'no_usable_key', answer: json('{"keys":[]}') },
  { name: 'half a document', document: 'keys', reason: 'not_json', answer: json('{"keys":[{') },
  {
    name: 'a status of 500',
    document: 'keys',
    reason: 'status',
    answer: () => (_request, response) => {
      response.writeHead(500).end('{}')
    },
  },
]

test('a hostile document while warm changes nothing, and is used again when it is right', async (t) => {
  const world = await startWithFaultyProvider(t)
  const { clock, entra, front, gateway } = world
  const seen = await entra.mint({ lifetime: 86_400 * 2 })
  for (const { name, document, reason, answer } of faults) {
    await t.test(`${document}: ${name}`, async () => {
      const logged = gateway.log.length
      front.answerWith(document, answer(world))
      await clock.advance(hour)
      await serves(world, seen)
      const lines = gateway.log.slice(logged).filter((line) => line['document'] === document)
      assert.ok(lines.some((line) => line['reason'] === reason))
      assert.ok(
        lines.every((line) => line['reason'] === reason || line['level'] === 'debug'),
        'every fetch failed for this reason',
      )

      front.answerWith(document, undefined)
      await entra.rotate()
      await clock.advance(15_000)
      await serves(world, seen)
    })
  }
})

test('a document without an end is read up to 1 MiB and memory stays bounded', async (t) => {
  const world = await startWithFaultyProvider(t)
  const { clock, entra, front, gateway } = world
  const seen = await entra.mint({ lifetime: 86_400 })
  const chunk = Buffer.alloc(64 * 1024, ' ')
  const taken: number[] = []
  const endless: RequestListener = (request, response) => {
    const { socket } = request
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': 400 << 20 })
    const more = () => {
      while (!response.destroyed && response.write(chunk)) {}
    }
    response.on('drain', more)
    response.on('close', () => taken.push(socket.bytesWritten))
    more()
  }
  for (const document of ['keys', 'discovery'] as const) {
    front.answerWith(document, endless)
    const before = process.memoryUsage().rss
    await clock.advance(hour)
    await clock.advance(5 * minute)
    await serves(world, seen)
    const grown = (process.memoryUsage().rss - before) / megabyte
    assert.ok(grown < 128, `grew by ${grown.toFixed(0)} MiB`)
    front.answerWith(document, undefined)
    await clock.advance(15_000)
    t.diagnostic(
      `${document}: ${taken.length} tries so far, most taken ${(Math.max(...taken) / megabyte).toFixed(1)} MiB, RSS +${grown.toFixed(0)} MiB`,
    )
  }
  assert.ok(taken.length > 20)
  assert.ok(
    gateway.log.some((line) => line['reason'] === 'too_large' && line['document'] === 'keys'),
  )
  // What lies in the sockets' buffers of both sides counts as taken.
  assert.ok(Math.max(...taken) < 16 * megabyte)
})

test('a provider that answers nothing, or too late, is given up after 5 s, and calls wait for none of it', async (t) => {
  const world = await startWithFaultyProvider(t)
  const { clock, entra, front, gateway, advanceWithoutAnswers } = world
  const seen = await entra.mint({ lifetime: 86_400 })
  const held: (() => void)[] = []
  const hang: RequestListener = (_request, response) => {
    held.push(() => response.destroy())
  }
  front.answerWith('keys', hang)
  front.answerWith('discovery', hang)
  await advanceWithoutAnswers(hour)
  while (held.length < 2) await new Promise((resolve) => setTimeout(resolve, 5))
  const began = performance.now()
  await serves(world, seen)
  assert.ok(performance.now() - began < 2000)
  await advanceWithoutAnswers(5000)
  const line = await gateway.logged((one) => one['reason'] === 'timeout')
  assert.match(String(line['message']), /5000 ms/)
  await serves(world, seen)

  front.answerWith('keys', undefined)
  front.answerWith('discovery', undefined)
  for (const release of held) release()
  await entra.rotate()
  await clock.advance(15_000)
  await serves(world, seen)
})

/** Both a token seen before and a new one are served. */
async function serves({ entra, gateway }: FaultyProvider, seen: string): Promise<void> {
  assert.equal((await send(gateway.url, post(seen))).status, 200)
  const fresh = await entra.mint({ person: 'bob' })
  assert.equal((await send(gateway.url, post(fresh))).status, 200)
}
