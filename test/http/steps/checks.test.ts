import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import fastify from 'fastify'
import { checkEveryRoute } from '../../../src/http/steps/checks.ts'
import { startBroker } from '../../support/broker-gateway.ts'
import { configOf, loadWith } from '../../support/configuration.ts'
import { type Answer, type Sent, send } from '../../support/raw-http.ts'
import { startUpstream } from '../../support/recording-upstream.ts'

/** One thing wrong with a request, and how it is answered. */
interface Fault {
  readonly respell?: true
  readonly query?: string
  readonly headers?: Sent['headers']
  readonly method?: string
  readonly answer: readonly [status: number, words: RegExp]
}

/** In the order in which requests meet the checks. */
const FAULTS = {
  path: { respell: true, answer: [404, /There is nothing here/] },
  host: { headers: [['Host', 'rebound.example']], answer: [421, /internal_hosts/] },
  token: { query: 'access_token=x', answer: [400, /never in the URL/] },
  credentials: {
    headers: [
      ['Authorization', 'Bearer a'],
      ['Authorization', 'Bearer b'],
    ],
    answer: [400, /more than one Authorization/],
  },
  origin: { headers: [['Origin', 'https://evil.example']], answer: [403, /allowed_origins/] },
  method: { method: 'PUT', answer: [405, /This address takes/] },
  parameter: { query: 'a=1&a=2', answer: [400, /there twice/] },
  frame: { headers: [['Sec-Fetch-Dest', 'iframe']], answer: [403, /window of its own/] },
  bearer: { answer: [401, /error/] },
} satisfies Record<string, Fault>

type FaultName = keyof typeof FAULTS

/**
 * What is refused at each address, the first of two that a request has being its answer. A method
 * that no resource takes meets no route, and is 405 whatever else is wrong (`edge.test.ts`).
 */
const ENDPOINTS: readonly (readonly [
  path: string,
  method: string,
  faults: readonly FaultName[],
])[] = [
  ['/mcp', 'POST', ['path', 'host', 'token', 'origin', 'bearer']],
  ['/oauth/whoami', 'GET', ['path', 'host', 'token', 'origin', 'method', 'parameter', 'bearer']],
  ['/oauth/token', 'POST', ['path', 'host', 'origin', 'method']],
  ['/oauth/revoke', 'POST', ['path', 'host', 'origin', 'method']],
  [
    '/oauth/register',
    'POST',
    ['path', 'host', 'token', 'credentials', 'origin', 'method', 'parameter'],
  ],
  ['/oauth/authorize', 'GET', ['path', 'host', 'token', 'credentials', 'method', 'frame']],
  ['/oauth/callback', 'GET', ['path', 'host', 'token', 'credentials', 'method', 'frame']],
  ['/oauth/popup', 'GET', ['path', 'host', 'token', 'credentials', 'method', 'frame']],
  [
    '/oauth/popup.js',
    'GET',
    ['path', 'host', 'token', 'credentials', 'origin', 'method', 'parameter'],
  ],
]

async function start(t: TestContext): Promise<string> {
  const upstream = await startUpstream(t)
  const { gateway } = await startBroker(t, {
    upstream: upstream.url,
    signIn: { popup_origins: ['https://ui.example'] },
  })
  t.after(() => assert.equal(upstream.received.length, 0, 'nothing of these goes up'))
  return gateway.origin
}

function ask(origin: string, path: string, method: string, faults: readonly Fault[]) {
  const asked = faults.some(({ respell }) => respell) ? respelled(path) : path
  const query = faults.flatMap(({ query }) => query ?? []).join('&')
  return send(`${origin}${asked}${query === '' ? '' : `?${query}`}`, {
    method: faults.find((fault) => fault.method)?.method ?? method,
    headers: faults.flatMap(({ headers }) => headers ?? []),
  })
}

/** The router reads both spellings as one path. */
function respelled(path: string): string {
  const at = path.lastIndexOf('/') + 1
  return `${path.slice(0, at)}%${path.charCodeAt(at).toString(16)}${path.slice(at + 1)}`
}

function isAnswer({ status, text }: Answer, { answer }: Fault): boolean {
  return status === answer[0] && answer[1].test(text)
}

test('of two things wrong with a request the one that is checked first is told', async (t) => {
  const origin = await start(t)
  const wrong: string[] = []
  for (const [path, method, names] of ENDPOINTS) {
    for (const [index, first] of names.entries()) {
      for (const second of names.slice(index)) {
        const faults: readonly Fault[] = [FAULTS[first], FAULTS[second]]
        const answer = await ask(origin, path, method, first === second ? faults.slice(1) : faults)
        if (!isAnswer(answer, FAULTS[first])) {
          wrong.push(
            `${path}: ${first} and ${second}: ${answer.status} ${answer.text.slice(0, 200)}`,
          )
        }
      }
    }
  }
  assert.deepEqual(wrong, [])
})

test('an app with a route that is not in the table, or has hooks of its own, does not start', () => {
  const app = fastify()
  const skip = () => undefined
  const parts = {
    config: configOf(loadWith()),
    rateLimits: { clients: skip, begins: skip, returns: skip },
  }
  checkEveryRoute(app, parts)
  const handler = () => 'here'
  assert.throws(() => app.get('/forgotten', handler), /checks of \/forgotten/)
  const endpoint = { name: 'home', path: '/own' } as const
  const own = { config: { endpoint }, onRequest: () => undefined }
  assert.throws(() => app.get('/own', own, handler), /checks of \/own/)
  app.get('/home', { config: { endpoint } }, handler)
})
