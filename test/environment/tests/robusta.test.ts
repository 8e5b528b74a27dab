import assert from 'node:assert/strict'
import type { RequestListener, ServerResponse } from 'node:http'
import { type TestContext, test } from 'node:test'
import { send } from '../../support/raw-http.ts'
import { type RecordingUpstream, startUpstream } from '../../support/recording-upstream.ts'
import { followScript } from '../../support/scripted-mcp.ts'
import type { Answer } from '../robusta/answer.ts'
import { type Backend, createBackend } from '../robusta/backend.ts'
import type { BrowserSession } from '../robusta/browser-sessions.ts'
import { readPods } from '../robusta/cluster-view.ts'
import { type Robusta, startRobusta } from '../robusta/robusta.ts'

const REDIRECT = 'https://platform.robusta.dev/oauth/callback.html'
const TOKENS = { access_token: 'access-1', refresh_token: 'refresh-1', expires_in: 3600 }
const WANTED = { redirectUri: REDIRECT, sendsResource: false, picksAccount: false }

/** What is answered at a path: a document, or a redirect to another path. */
type Served = Readonly<Record<string, object | string>>

interface Metadata {
  /** In every 401. */
  readonly hint?: string
  readonly served: Served
}

/** A server in rolecall's place, and a backend before it. */
interface Place {
  readonly origin: string
  readonly backend: Backend
  readonly session: BrowserSession
  readonly upstream: RecordingUpstream
  /** How the token endpoint answers from now on. */
  tokens(status: number, body: object | string): void
  /** The status of every MCP request with a token from now on; 200: it is answered in earnest. */
  mcp(status: number): void
  paths(): string[]
  /** The bodies of the token requests. */
  forms(): string[]
}

function relayMetadata(origin: string): Metadata {
  return {
    hint: `${origin}/.well-known/oauth-protected-resource/mcp`,
    served: {
      '/.well-known/oauth-protected-resource/mcp': resourceDocument(origin),
      '/.well-known/oauth-authorization-server': serverDocument(origin),
    },
  }
}

function resourceDocument(issuer: string): object {
  return { authorization_servers: [issuer], scopes_supported: ['aks/.default', 'offline_access'] }
}

function serverDocument(origin: string): object {
  return {
    authorization_endpoint: 'https://idp.test/authorize',
    token_endpoint: `${origin}/oauth/token`,
  }
}

async function startPlace(
  t: TestContext,
  metadata: (origin: string) => Metadata = relayMetadata,
): Promise<Place> {
  const upstream = await startUpstream(t)
  const { origin } = new URL(upstream.url)
  const { hint, served } = metadata(origin)
  let token = { status: 200, body: JSON.stringify(TOKENS) }
  let mcpStatus = 200
  let scripted: RequestListener = () => undefined
  const keep = (listener: RequestListener): void => {
    scripted = listener
  }
  followScript({ ...upstream, answerWith: keep }, {})
  const fixed = (path: string): readonly [number, string] => {
    if (served[path]) return [200, JSON.stringify(served[path])]
    if (path === '/oauth/token') return [token.status, token.body]
    if (path === '/oauth/whoami') return [200, '{"user":"alice@contoso.test"}']
    return [404, '{}']
  }
  const mcp: RequestListener = (request, response) => {
    const parameter = hint === undefined ? '' : ` resource_metadata="${hint}"`
    if (request.headers.authorization === undefined) {
      reply(response, 401, '{}', { 'www-authenticate': `Bearer${parameter}` })
    } else if (mcpStatus === 200) scripted(request, response)
    else reply(response, mcpStatus, '{"error_description":"why it is so"}')
  }
  upstream.answerWith((request, response) => {
    const path = request.url ?? ''
    const target = served[path]
    if (path === '/mcp') mcp(request, response)
    else if (typeof target === 'string') response.writeHead(302, { location: target }).end()
    else reply(response, ...fixed(path))
  })
  return {
    origin,
    upstream,
    backend: createBackend({ mcpUrl: `${origin}/mcp`, clientId: 'holmes', namespaces: ['a'] }),
    session: { pending: new Map(), connection: undefined },
    tokens: (status, body) => {
      token = { status, body: typeof body === 'string' ? body : JSON.stringify(body) }
    },
    mcp: (status) => {
      mcpStatus = status
    },
    paths: () => upstream.received.map(({ method, url }) => `${method} ${url}`),
    forms: () =>
      upstream.received.filter(({ url }) => url === '/oauth/token').map(({ body }) => `${body}`),
  }
}

function reply(
  response: ServerResponse,
  status: number,
  body: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(body)
}

/** Begins a sign-in; the parameters of its authorize URL. */
async function begin(
  { backend, session }: Place,
  over: Partial<typeof WANTED> = {},
): Promise<URLSearchParams> {
  const { authorizeUrl = '' } = await backend.connect(session, { ...WANTED, ...over })
  return new URL(authorizeUrl).searchParams
}

async function signIn(place: Place): Promise<Answer> {
  const state = (await begin(place)).get('state') ?? ''
  return place.backend.callback(place.session, { state, code: 'the-code' })
}

const WELL_KNOWN = '/.well-known'
const PROBES = [`GET /mcp${WELL_KNOWN}/oauth-protected-resource`, 'POST /mcp']
const asks = (...names: string[]): string[] => names.map((name) => `GET ${WELL_KNOWN}/${name}`)

const offers: Record<string, { metadata: (origin: string) => Metadata; asked: string[] }> = {
  'everything, named in the challenge': {
    metadata: relayMetadata,
    asked: asks('oauth-protected-resource/mcp', 'oauth-authorization-server'),
  },
  'resource metadata at the root only, and no hint': {
    metadata: (origin) => ({
      served: {
        '/.well-known/oauth-protected-resource': resourceDocument(origin),
        '/.well-known/oauth-authorization-server': serverDocument(origin),
      },
    }),
    asked: asks(
      'oauth-protected-resource/mcp',
      'oauth-protected-resource',
      'oauth-authorization-server',
    ),
  },
  'an issuer with a path, whose document is at the last of the places': {
    metadata: (origin) => ({
      served: {
        '/.well-known/oauth-protected-resource/mcp': resourceDocument(`${origin}/as/`),
        '/as/.well-known/openid-configuration': serverDocument(origin),
      },
    }),
    asked: [
      ...asks(
        'oauth-protected-resource/mcp',
        'oauth-authorization-server/as',
        'openid-configuration/as',
      ),
      'GET /as/.well-known/openid-configuration',
    ],
  },
  'no resource metadata': {
    metadata: (origin) => ({
      served: { '/.well-known/oauth-authorization-server': serverDocument(origin) },
    }),
    asked: asks(
      'oauth-protected-resource/mcp',
      'oauth-protected-resource',
      'oauth-authorization-server',
    ),
  },
}
for (const [what, { metadata, asked }] of Object.entries(offers)) {
  test(`discovery asks as HolmesGPT does where there is ${what}`, async (t) => {
    const place = await startPlace(t, metadata)
    const query = await begin(place)
    assert.equal(query.get('client_id'), 'holmes')
    assert.deepEqual(place.paths(), [...PROBES, ...asked])
    const [get, post] = place.upstream.received
    assert.equal(post?.body.length, 0)
    assert.deepEqual([get?.headers.accept, post?.headers.accept], ['*/*', '*/*'])
    assert.equal(post?.headers['content-type'], undefined)
  })
}

test('a redirect in place of metadata is not followed: the sign-in is not found, in words', async (t) => {
  const { backend, session } = await startPlace(t, () => ({
    served: { '/.well-known/oauth-authorization-server': '/elsewhere', '/elsewhere': {} },
  }))
  const { problem } = await backend.connect(session, WANTED)
  assert.match(`${problem?.title} ${problem?.remedy}`, /was not found.*sign_in\.mode/)
})

test('an MCP server that is away is told with its address', async () => {
  const backend = createBackend({ mcpUrl: 'http://127.0.0.1:9/mcp', clientId: 'h', namespaces: [] })
  const session: BrowserSession = { pending: new Map(), connection: undefined }
  const { problem } = await backend.connect(session, WANTED)
  assert.match(`${problem?.title} ${problem?.words}`, /cannot be reached.*127\.0\.0\.1:9/)
})

test('the authorize request has the parameters of HolmesGPT in its order, and a resource if told so', async (t) => {
  const place = await startPlace(t)
  const bare = [
    'response_type',
    'client_id',
    'redirect_uri',
    'code_challenge',
    'code_challenge_method',
    'state',
    'scope',
  ]
  const query = await begin(place)
  assert.deepEqual([...query.keys()], bare)
  assert.equal(query.get('scope'), 'aks/.default offline_access')
  const withResource = await begin(place, { sendsResource: true })
  assert.deepEqual([...withResource.keys()], [...bare, 'resource'])
  assert.equal(withResource.get('resource'), `${place.origin}/mcp`)
  const somebodyElse = await begin(place, { picksAccount: true })
  assert.equal(somebodyElse.get('prompt'), 'select_account')
})

test('code and refresh requests have the form of HolmesGPT: no secret, no scope, no Authorization', async (t) => {
  const place = await startPlace(t)
  await signIn(place)
  await place.backend.refresh(place.session)
  const [exchange = '', refresh = ''] = place.forms()
  assert.match(
    exchange,
    /^grant_type=authorization_code&code=the-code&redirect_uri=https%3A%2F%2Fplatform\.robusta\.dev%2Foauth%2Fcallback\.html&client_id=holmes&code_verifier=[\w-]{128}$/,
  )
  assert.equal(refresh, 'grant_type=refresh_token&refresh_token=refresh-1&client_id=holmes')
  for (const { headers } of place.upstream.received.filter(({ url }) => url === '/oauth/token')) {
    assert.equal(headers.authorization, undefined)
    assert.equal(headers['content-type'], 'application/x-www-form-urlencoded')
  }
})

test('with resource on, code and refresh requests carry it too', async (t) => {
  const place = await startPlace(t)
  const state = (await begin(place, { sendsResource: true })).get('state') ?? ''
  await place.backend.callback(place.session, { state, code: 'c' })
  await place.backend.refresh(place.session)
  const resource = encodeURIComponent(`${place.origin}/mcp`)
  for (const form of place.forms()) assert.ok(form.endsWith(`&resource=${resource}`), form)
})

const HTML = '<html>secret-token</html>'
const badTokens: Record<string, { status: number; body: object | string; words: RegExp }> = {
  'an OAuth error': {
    status: 400,
    body: { error: 'invalid_grant', error_description: 'x'.repeat(1000) },
    words: /^Token exchange failed \(HTTP 400\)\. \{"error":"invalid_grant"/,
  },
  'HTML with 200': { status: 200, body: HTML, words: /\(HTTP 200\)\. The answer has no token/ },
  'a text for expires_in': {
    status: 200,
    body: { ...TOKENS, expires_in: '3600' },
    words: /\(HTTP 200\)\. The answer has no token/,
  },
}
for (const [what, { status, body, words }] of Object.entries(badTokens)) {
  test(`${what} from the token endpoint is shown in at most 300 characters, and never a token`, async (t) => {
    const place = await startPlace(t)
    place.tokens(status, body)
    const { problem, connection } = await signIn(place)
    assert.match(`${problem?.title} ${problem?.words}`, words)
    assert.ok((problem?.words.length ?? 0) <= 300)
    assert.doesNotMatch(problem?.words ?? '', /secret-token|access-1/)
    assert.equal(connection, undefined)
  })
}

test('as in HolmesGPT, 201 is a success for a code and none for a refresh, which ends the connection', async (t) => {
  const place = await startPlace(t)
  place.tokens(201, TOKENS)
  assert.ok((await signIn(place)).connection)
  const { problem, connection } = await place.backend.refresh(place.session)
  assert.match(problem?.title ?? '', /Token refresh failed \(HTTP 201\)/)
  assert.equal(connection, undefined)
})

test('a refresh without a new refresh token keeps the old one', async (t) => {
  const place = await startPlace(t)
  await signIn(place)
  place.tokens(200, { access_token: 'access-2', expires_in: 3600 })
  await place.backend.refresh(place.session)
  const { connection } = await place.backend.refresh(place.session)
  assert.equal(connection?.refreshes, 2)
  assert.deepEqual(place.forms().slice(1), Array(2).fill(place.forms()[1]))
})

test('a token is refreshed 30 seconds before its end, at the next look', async (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: 1_800_000_000_000 })
  const place = await startPlace(t)
  assert.equal((await signIn(place)).connection?.goodUntil, 1_800_000_000_000 + 3570_000)
  t.mock.timers.tick(3569_999)
  assert.equal((await place.backend.look(place.session)).connection?.refreshes, 0)
  t.mock.timers.tick(1)
  assert.equal((await place.backend.look(place.session)).connection?.refreshes, 1)
})

for (const status of [401, 403]) {
  test(`${status} from the MCP server ends the connection`, async (t) => {
    const place = await startPlace(t)
    await signIn(place)
    place.mcp(status)
    const { problem, connection } = await place.backend.look(place.session)
    assert.match(`${problem?.title} ${problem?.words}`, /refused the token.*why it is so/)
    assert.equal(connection, undefined)
  })
}

test('503 from the MCP server is told and ends nothing', async (t) => {
  const place = await startPlace(t)
  await signIn(place)
  place.mcp(503)
  const { problem, connection } = await place.backend.look(place.session)
  assert.match(problem?.words ?? '', /why it is so/)
  assert.equal(connection?.person, 'alice@contoso.test')
})

test('a state that this browser was not sent away with redeems nothing, nor does one that is used up', async (t) => {
  const place = await startPlace(t)
  const state = (await begin(place)).get('state') ?? ''
  const elsewhere: BrowserSession = { pending: new Map(), connection: undefined }
  for (const [session, given] of [
    [place.session, 'forged'],
    [elsewhere, state],
  ] as const) {
    const { problem } = await place.backend.callback(session, { state: given, code: 'c' })
    assert.match(problem?.title ?? '', /not begun here/)
  }
  assert.deepEqual(place.forms(), [])
  const first = await place.backend.callback(place.session, { state, code: 'c' })
  assert.ok(first.connection)
  const { problem } = await place.backend.callback(place.session, { state, code: 'c' })
  assert.match(problem?.title ?? '', /not begun here/)
  assert.equal(place.forms().length, 1)
})

test('what the identity provider refused is told in its words, with the remedy for resource', async (t) => {
  const place = await startPlace(t)
  const state = (await begin(place)).get('state') ?? ''
  const errorDescription = 'AADSTS9010010: The resource parameter …'
  const refusal = { state, error: 'invalid_target', errorDescription }
  const { problem } = await place.backend.callback(place.session, refusal)
  assert.match(problem?.words ?? '', /^invalid_target: AADSTS9010010/)
  assert.match(problem?.remedy ?? '', /resource: ""/)
  assert.deepEqual(place.forms(), [])
})

test('no answer to the page has a token, the code or the verifier in it', async (t) => {
  const place = await startPlace(t)
  const answers = [
    await signIn(place),
    await place.backend.look(place.session),
    await place.backend.refresh(place.session),
    await place.backend.show(place.session),
  ]
  const verifier = /code_verifier=([^&]+)/.exec(place.forms()[0] ?? '')?.[1] ?? ''
  const text = JSON.stringify(answers)
  assert.match(text, /authorization_code.*tools\/call/)
  for (const secret of ['access-1', 'refresh-1', 'the-code', verifier]) {
    assert.ok(secret !== '' && !text.includes(secret), secret)
  }
})

async function startPage(t: TestContext, publicOrigins?: readonly string[]): Promise<Robusta> {
  const robusta = await startRobusta({
    mcpUrl: 'http://127.0.0.1:9/mcp',
    clientId: 'holmes',
    namespaces: [],
    ...(publicOrigins ? { publicOrigins } : {}),
  })
  t.after(() => robusta.close())
  return robusta
}

test('another Host is 421; a change that another origin asks for, or nobody, is 403', async (t) => {
  const { origin } = await startPage(t)
  assert.equal((await send(origin, { headers: [['Host', 'evil.test']] })).status, 421)
  const post = (from: readonly (readonly [string, string])[]) =>
    send(`${origin}/api/disconnect`, {
      method: 'POST',
      headers: [...from, ['Content-Type', 'application/json']],
      body: '{}',
    })
  assert.equal((await post([])).status, 403)
  assert.equal((await post([['Origin', 'https://evil.test']])).status, 403)
  assert.equal((await post([['Origin', origin]])).status, 200)
})

test('what cannot be read is 400, too long is 413', async (t) => {
  const { origin } = await startPage(t)
  const json = [
    ['Origin', origin],
    ['Content-Type', 'application/json'],
  ] as const
  const url = `${origin}/api/connect`
  for (const [body, status] of [
    ['{', 400],
    ['{}', 400],
    ['{"sendsResource":1,"picksAccount":false}', 400],
    ['x'.repeat(20_000), 413],
  ] as const) {
    assert.equal((await send(url, { method: 'POST', headers: json, body })).status, status, body)
  }
})

test('pages may load nothing from elsewhere, keep their opener, and send no address on', async (t) => {
  const { origin } = await startPage(t)
  for (const path of ['/', '/oauth/callback.html', '/oauth/opening.html']) {
    const { status, headers, text } = await send(`${origin}${path}`)
    assert.equal(status, 200)
    assert.match(`${headers['content-security-policy']}`, /^default-src 'none'; script-src 'self'/)
    assert.equal(headers['cross-origin-opener-policy'], undefined)
    assert.equal(headers['referrer-policy'], 'no-referrer')
    for (const [, target = ''] of text.matchAll(/(?:src|href)="([^"]*)"/g)) {
      assert.equal((await send(`${origin}${target}`)).status, 200, target)
    }
  }
})

test('the session is in a cookie that scripts and other sites do not get', async (t) => {
  const { origin } = await startPage(t)
  const { headers } = await send(`${origin}/api/session`)
  const [cookie = ''] = headers['set-cookie'] ?? []
  assert.match(cookie, /^holmes-demo-session=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict$/)
  const again = await send(`${origin}/api/session`, {
    headers: [['Cookie', cookie.split(';')[0] ?? '']],
  })
  assert.equal(again.headers['set-cookie'], undefined)
})

test("pods are read by the table's header", () => {
  const table =
    'NAMESPACE   KIND   NAME       READY   STATUS    AGE\n' +
    'team-a      Pod    shop-web   1/1     Running   2s\n'
  assert.deepEqual(readPods(table), [{ name: 'shop-web', ready: '1/1', status: 'Running' }])
  assert.deepEqual(readPods(''), [])
})
