import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import { test } from 'node:test'
import { countStatuses, repeat, startCaller, startSteadyLoad } from '../support/fault-load.ts'
import { rawAnswer, startRawUpstream } from '../support/fault-upstream.ts'
import { resourceConfig, startEntra, startGateway } from '../support/gateway.ts'
import { post, send, toolCall } from '../support/raw-http.ts'

interface Fault {
  readonly name: string
  readonly expected: number | 'cut'
  /** Writes to a socket on which one request has arrived. */
  answer(socket: Socket): void
  /** The body, where something of it passes. */
  readonly body?: string
  /** The code in the log, where it fails. */
  readonly code?: RegExp
}

const head = 'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n'

function every(milliseconds: number, socket: Socket, text: string): void {
  const timer = setInterval(() => socket.write(text), milliseconds)
  socket.on('close', () => clearInterval(timer))
}

const faults: readonly Fault[] = [
  { name: 'never answers', expected: 504, code: /HEADERS_TIMEOUT/, answer: () => undefined },
  { name: 'closes', expected: 502, code: /SOCKET/, answer: (socket) => socket.end() },
  {
    name: 'resets',
    expected: 502,
    code: /ECONNRESET|SOCKET/,
    answer: (socket) => socket.resetAndDestroy(),
  },
  {
    name: 'half headers, then closes',
    expected: 502,
    code: /./,
    answer: (socket) => socket.end('HTTP/1.1 200 OK\r\nContent-Ty'),
  },
  {
    name: 'half headers, then nothing',
    expected: 504,
    code: /HEADERS_TIMEOUT/,
    answer: (socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Ty'),
  },
  {
    name: 'headers that never end',
    expected: 504,
    code: /HEADERS_TIMEOUT/,
    answer(socket) {
      socket.write('HTTP/1.1 200 OK\r\n')
      every(50, socket, 'X-Drip: drop\r\n')
    },
  },
  {
    name: 'garbage',
    expected: 502,
    code: /./,
    answer: (socket) => socket.write('\x16\x03\x01 SSH-2.0 what?\r\n\r\n'),
  },
  {
    name: 'two lengths',
    expected: 502,
    code: /LENGTH/,
    answer: (socket) => socket.write(`${head}Content-Length: 2\r\nContent-Length: 9\r\n\r\n{}`),
  },
  {
    name: 'switches protocols unasked',
    expected: 502,
    code: /./,
    answer: (socket) =>
      socket.write('HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n'),
  },
  {
    name: '1,000 early hints, then an answer',
    expected: 200,
    body: '{"early":1}',
    answer: (socket) =>
      socket.write(
        `${'HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n'.repeat(1000)}${rawAnswer('{"early":1}')}`,
      ),
  },
  {
    name: 'early hints and no answer',
    expected: 504,
    code: /TIMEOUT/,
    answer: (socket) => every(100, socket, 'HTTP/1.1 103 Early Hints\r\n\r\n'),
  },
  {
    name: 'headers over 16 KiB',
    expected: 502,
    code: /HEADERS_OVERFLOW/,
    answer: (socket) => socket.write(rawAnswer('{}', `X-Large: ${'x'.repeat(20_000)}\r\n`)),
  },
  {
    name: 'less than its length',
    expected: 'cut',
    answer: (socket) => socket.end(`${head}Content-Length: 100\r\n\r\n{"half":`),
  },
  {
    name: 'a chunk that is none',
    expected: 'cut',
    answer: (socket) =>
      socket.write(`${head}Transfer-Encoding: chunked\r\n\r\n5\r\n{"hal\r\nnot hex\r\n`),
  },
  {
    name: 'resets in the middle of a stream',
    expected: 'cut',
    answer(socket) {
      const stream = `${head.replace('application/json', 'text/event-stream')}Transfer-Encoding: chunked`
      socket.write(`${stream}\r\n\r\n9\r\ndata: 1\n\n\r\n`)
      setTimeout(() => socket.resetAndDestroy(), 100)
    },
  },
  {
    name: 'more than its length, as another answer',
    expected: 200,
    body: '{}',
    answer: (socket) => socket.write(rawAnswer('{}') + rawAnswer('{"stolen":true}')),
  },
  {
    name: 'an answer drop by drop',
    expected: 200,
    body: '{"slow":true}',
    answer(socket) {
      const text = rawAnswer('{"slow":true}')
      let at = 0
      const timer = setInterval(() => {
        socket.write(text.charAt(at))
        at += 1
        if (at >= text.length) clearInterval(timer)
      }, 2)
      socket.on('close', () => clearInterval(timer))
    },
  },
]

const retriable = 'HTTP/1.1 503 Busy\r\nRetry-After: 0\r\nContent-Length: 0\r\n\r\n'

test("an upstream's faults are 502 or 504 without internals, once each, and nobody else's", {
  concurrency: true,
}, async (t) => {
  const seen = new Map<string, number>()
  const upstream = await startRawUpstream(t, (socket, { body }) => {
    const { id, params } = JSON.parse(body) as { id: string; params: { name: string } }
    seen.set(id, (seen.get(id) ?? 0) + 1)
    const fault = faults.find(({ name }) => name === params.name)
    if (fault) fault.answer(socket)
    else if (params.name === 'busy') socket.write(retriable)
    else socket.write(rawAnswer(JSON.stringify({ id })))
  })
  const entra = await startEntra(t)
  const resource = { response_timeout: 1000 }
  const gateway = await startGateway(t, { entra, upstream: upstream.url, resource })
  const { call } = startCaller(t, gateway.url, 4)
  let calls = 0
  const good = startSteadyLoad(t, {
    people: ['bob', 'carol', 'bob', 'carol'],
    mint: (person) => entra.mint({ person }),
    async call(token) {
      calls += 1
      const id = `good ${calls}`
      const answer = await call(token, toolCall('pods_list', id))
      assert.deepEqual(JSON.parse(answer.text), { id }, 'everybody gets their own answer')
      return answer
    },
  })
  await good.renewTokens()
  const token = await entra.mint({ person: 'alice' })
  const { host, port } = new URL(upstream.url)
  const internals = new RegExp(
    `${host}|${port}|127\\.0\\.0\\.1|localhost|UND_|ECONN|HPE_|socket`,
    'i',
  )

  await Promise.all(
    faults.map((fault) =>
      t.test(fault.name, async () => {
        const answered = send(gateway.url, post(token, toolCall(fault.name, fault.name)))
        const late = new Promise<'late'>((resolve) => setTimeout(resolve, 6000, 'late').unref())
        const answer = await Promise.race([answered.catch(() => 'cut' as const), late])
        assert.equal(typeof answer === 'string' ? answer : answer.status, fault.expected)
        assert.equal(seen.get(fault.name), 1, 'the upstream saw it once')
        if (typeof answer === 'string') return
        if (answer.status === 200) assert.equal(answer.text, fault.body)
        else {
          const { error, error_description, request_id } = answer.json()
          assert.equal(error, answer.status === 504 ? 'upstream_timeout' : 'upstream_unavailable')
          assert.equal(request_id, answer.headers['x-request-id'])
          assert.doesNotMatch(`${error_description}${JSON.stringify(answer.headers)}`, internals)
          const line = await gateway.logged(
            (one) => one['kind'] === 'request' && one['tool'] === fault.name,
          )
          assert.equal(line['decision'], 'unavailable')
          assert.match(String(line['reason']), fault.code ?? /^$/)
        }
      }),
    ),
  )
  const busy = await send(gateway.url, post(token, toolCall('busy', 'busy')))
  assert.equal(busy.status, 503, 'an answer that invites to try again is the client’s')
  await good.stop()
  assert.deepEqual(countStatuses(good.answers), { 200: calls })
  assert.ok(
    [...seen.values()].every((count) => count === 1),
    'nothing was sent twice',
  )
  assert.equal(seen.size, calls + faults.length + 1)
  t.diagnostic(`${calls} calls of others meanwhile`)
})

test('an upstream whose name does not resolve is 502 without the name, and other resources serve', async (t) => {
  const upstream = await startRawUpstream(t, (socket) => socket.write(rawAnswer('{}')))
  // A label longer than 63 bytes is refused by the resolver itself: no query leaves the machine.
  const nowhere = `http://${'nowhere'.repeat(10)}.invalid:8080/mcp`
  const gateway = await startGateway(t, {
    upstream: upstream.url,
    resources: [
      resourceConfig(upstream.url),
      resourceConfig(nowhere, { name: 'lost', path: '/lost' }),
    ],
  })
  const token = await gateway.entra.mint()
  const answer = await send(`${gateway.origin}/lost`, post(token))
  assert.equal(answer.status, 502)
  assert.equal(answer.json()['error'], 'upstream_unavailable')
  assert.doesNotMatch(
    answer.text + JSON.stringify(answer.headers),
    /nowhere|invalid:|ENOTFOUND|EAI/,
  )
  assert.equal((await send(gateway.url, post(token))).status, 200)
})

interface Closing {
  readonly name: string
  /** Answers, and ends the connection in its way. */
  answer(socket: Socket, body: string): void
  /** Whether the upstream said before that it would. */
  readonly told: boolean
}

const closings: readonly Closing[] = [
  {
    name: 'as it said, with Connection: close',
    told: true,
    answer: (socket, body) => socket.end(rawAnswer(body, 'Connection: close\r\n')),
  },
  {
    name: 'without a word, right after the answer',
    told: false,
    answer: (socket, body) => socket.end(rawAnswer(body)),
  },
  {
    name: 'without a word, by a reset some milliseconds later',
    told: false,
    answer(socket, body) {
      socket.write(rawAnswer(body))
      setTimeout(() => socket.resetAndDestroy(), 3)
    },
  },
]

test('when an upstream closes kept connections between requests, none is lost silently or sent twice', {
  concurrency: true,
}, async (t) => {
  const entra = await startEntra(t)
  const token = await entra.mint()
  await Promise.all(
    closings.map(({ name, answer, told }) =>
      t.test(name, async (t) => {
        const seen = new Map<string, number>()
        const upstream = await startRawUpstream(t, (socket, { body }) => {
          const { id } = JSON.parse(body) as { id: string }
          seen.set(id, (seen.get(id) ?? 0) + 1)
          answer(socket, JSON.stringify({ id }))
        })
        const gateway = await startGateway(t, { entra, upstream: upstream.url })
        const { call } = startCaller(t, gateway.url, 8)
        const statuses: { status: number }[] = []
        await repeat(200, 8, async (index) => {
          const id = String(index)
          const { status, text } = await call(token, toolCall('pods_list', id))
          statuses.push({ status })
          if (status === 200) {
            assert.deepEqual(JSON.parse(text), { id })
            assert.equal(seen.get(id), 1)
          } else assert.equal(status, 502)
        })
        assert.ok(
          [...seen.values()].every((count) => count === 1),
          'nothing was sent twice',
        )
        const counts = countStatuses(statuses)
        if (told) assert.deepEqual(counts, { 200: 200 })
        else assert.ok((counts['200'] ?? 0) > 100, JSON.stringify(counts))
        t.diagnostic(`${name}: ${JSON.stringify(counts)}, the upstream saw ${seen.size}`)
      }),
    ),
  )
})
