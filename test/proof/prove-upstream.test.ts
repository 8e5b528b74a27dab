import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { type TestContext, test } from 'node:test'
import { systemClock } from '../../src/clock.ts'
import type { ResourceConfig } from '../../src/config/config.ts'
import { readJwt } from '../../src/oauth/jwt.ts'
import { proveUpstream } from '../../src/proof/prove-upstream.ts'
import type { UpstreamProof } from '../../src/proof/upstream-proof.ts'
import { freePort } from '../environment/ports.ts'
import { AKS, resourceConfig } from '../support/gateway.ts'
import { headerValues, startUpstream } from '../support/recording-upstream.ts'
import {
  bodyOf,
  failure,
  followScript,
  listing,
  type Script,
  status,
  success,
  tool,
} from '../support/scripted-mcp.ts'

const tokens = { issuer: 'https://issuer.test/', algorithm: 'ES256', tenant: 'the-tenant' }
const noCredentials = failure('the server has asked for the client to provide credentials')

async function prove(
  url: string,
  over: Partial<ResourceConfig> = {},
  timeout = 5000,
): Promise<UpstreamProof> {
  const options = { clock: systemClock, version: '1.2.3', timeout }
  return proveUpstream({ resource: resourceConfig(url, over), tokens }, options)
}

async function scripted(t: TestContext, script: Script) {
  const upstream = await startUpstream(t)
  followScript(upstream, script)
  return upstream
}

const passesThrough: Script = {
  call: (credential) => (credential ? noCredentials : status(401)),
}

const verdicts: readonly (readonly [string, Script, UpstreamProof['verdict'], RegExp])[] = [
  ['a tool error with nobody, 401 with none', passesThrough, 'caller', /passes the caller/],
  ['a tool error with both', { call: () => noCredentials }, 'caller', /passes/],
  ['403 with both', { call: () => status(403) }, 'caller', /passes/],
  [
    'a JSON-RPC error with both',
    { call: () => ({ error: { code: -32603, message: 'Unauthorized' } }) },
    'caller',
    /passes/,
  ],
  [
    'a 400 for want of a token where the same was taken with one',
    { call: (credential) => (credential ? noCredentials : status(400)) },
    'caller',
    /passes/,
  ],
  [
    'the error body of the API behind in a good result',
    {
      call: () => ({
        result: { content: [{ type: 'text', text: '{"error":"invalid session","code":16}' }] },
      }),
    },
    'caller',
    /passes/,
  ],
  [
    'an anonymous caller that may not',
    {
      call: (credential) =>
        credential
          ? noCredentials
          : failure('namespaces is forbidden: User "system:anonymous" cannot list resource'),
    },
    'caller',
    /passes/,
  ],
  ['success with both', { call: () => success }, 'own', /whatever token/],
  [
    'success with none',
    { call: (credential) => (credential ? noCredentials : success) },
    'own',
    /where a call has no token/,
  ],
  [
    'success with nobody',
    { call: (credential) => (credential ? success : status(401)) },
    'own',
    /a token that nobody signed/,
  ],
  [
    'structured content alone',
    { call: () => ({ result: { structuredContent: {} } }) },
    'own',
    /acts as itself/,
  ],
  [
    'a refusal to somebody whom the cluster knows',
    {
      call: () =>
        failure(
          'namespaces is forbidden: User "system:serviceaccount:mcp:server" cannot list resource',
        ),
    },
    'own',
    /knows it as "system:serviceaccount:mcp:server"/,
  ],
  [
    'a cluster that is away',
    { call: () => failure('dial tcp 10.0.0.1:443: connect: connection refused') },
    'not_shown',
    /could not reach its cluster/,
  ],
  ['a status that is no answer', { call: () => status(404) }, 'not_shown', /answered 404/],
  ['a 400 with both', { call: () => status(400) }, 'not_shown', /answered 400/],
  [
    'a tool that it does not know',
    { call: () => ({ error: { code: -32602, message: 'Unknown tool: namespaces_list' } }) },
    'not_shown',
    /does not know the tool/,
  ],
  [
    'a result of no tool',
    { call: () => ({ result: {} }) },
    'not_shown',
    /not the result of a tool/,
  ],
  [
    'a result that asks for more',
    { call: () => ({ result: { resultType: 'input_required', content: [] } }) },
    'not_shown',
    /not the result of a tool/,
  ],
  ['no list of tools', { list: status(500) }, 'not_shown', /at tools\/list it answered 500/],
  ['no tool to call', { list: listing(tool('delete_all')) }, 'not_shown', /lists no tool/],
  [
    'a door that is shut to nobody',
    { initialize: status(401) },
    'not_shown',
    /answers initialize with 401 before any tool is called/,
  ],
]

for (const [name, script, verdict, words] of verdicts) {
  for (const events of [false, true]) {
    test(`${name}, ${events ? 'in events' : 'in JSON'}: ${verdict}`, async (t) => {
      const upstream = await scripted(t, { ...script, events })
      const proof = await prove(upstream.url)
      assert.equal(proof.verdict, verdict, proof.sentence)
      assert.match(proof.sentence, words)
      assert.equal(proof.remedy === undefined, verdict === 'caller')
    })
  }
}

test('every request is marked, half carry one token that nobody signed and half carry none', async (t) => {
  const upstream = await scripted(t, { ...passesThrough, sessionId: 'one' })
  await prove(upstream.url)
  const seen = upstream.received.map(({ method, body, rawHeaders }) => {
    const [bearer, ...more] = headerValues(rawHeaders, 'authorization')
    assert.deepEqual(more, [])
    assert.deepEqual(headerValues(rawHeaders, 'user-agent'), ['rolecall/1.2.3 (probe)'])
    const what = method === 'DELETE' ? 'DELETE' : bodyOf({ body } as never).method
    return [what, bearer === undefined ? 'none' : 'nobody']
  })
  assert.deepEqual(seen, [
    ['initialize', 'nobody'],
    ['notifications/initialized', 'nobody'],
    ['tools/list', 'nobody'],
    ['tools/call', 'nobody'],
    ['initialize', 'none'],
    ['notifications/initialized', 'none'],
    ['tools/call', 'none'],
    ['DELETE', 'none'],
    ['DELETE', 'nobody'],
  ])
})

test("nobody's token looks like one of the resource, names nobody and is another each time", async (t) => {
  const upstream = await scripted(t, passesThrough)
  await prove(upstream.url)
  await prove(upstream.url)
  const bearers = new Set(upstream.received.flatMap(({ headers }) => headers.authorization ?? []))
  assert.equal(bearers.size, 2)
  for (const bearer of bearers) {
    const jwt = readJwt(bearer.replace('Bearer ', ''))
    assert.equal(jwt?.header['alg'], 'ES256')
    assert.equal(jwt?.claims['iss'], tokens.issuer)
    assert.equal(jwt?.claims['aud'], AKS)
    assert.equal(jwt?.claims['tid'], 'the-tenant')
    assert.equal(jwt?.claims['upn'], 'nobody@rolecall.invalid')
    assert.ok(Number(jwt?.claims['exp']) > Date.now() / 1000)
  }
})

test('a header of its own gets the bare token, and no Authorization goes up', async (t) => {
  const upstream = await scripted(t, { call: () => noCredentials })
  await prove(upstream.url, { upstream_token_header: 'x-argocd-api-token' })
  const [first] = upstream.received
  assert.match(String(first?.headers['x-argocd-api-token']), /^ey[\w-]+\.[\w-]+\.[\w-]+$/)
  assert.ok(upstream.received.every(({ headers }) => headers.authorization === undefined))
})

test('an upstream that is configured to act as itself is not asked', async (t) => {
  const upstream = await scripted(t, {})
  const proof = await prove(upstream.url, { upstream_identity: 'own' })
  assert.equal(proof.verdict, 'configured_own')
  assert.equal(upstream.received.length, 0)
})

test('a server without initialize is asked as MCP 2026-07-28 has it', async (t) => {
  const unknown = { error: { code: -32601, message: 'Method not found' } }
  const upstream = await scripted(t, { ...passesThrough, initialize: unknown })
  const proof = await prove(upstream.url)
  assert.equal(proof.verdict, 'caller')
  const call = upstream.received.find((one) => bodyOf(one).method === 'tools/call')
  assert.equal(call?.headers['mcp-protocol-version'], '2026-07-28')
  assert.equal(call?.headers['mcp-method'], 'tools/call')
  assert.equal(call?.headers['mcp-name'], 'namespaces_list')
  const meta = bodyOf(call).params?.['_meta'] as Record<string, unknown>
  assert.equal(meta['io.modelcontextprotocol/protocolVersion'], '2026-07-28')
  const initializing = upstream.received.filter((one) => bodyOf(one).method === 'initialize')
  assert.equal(initializing.length, 1)
})

test('a list of several pages is read to its end', async (t) => {
  const upstream = await startUpstream(t)
  const pages: Record<string, Record<string, unknown>> = {
    '': { result: { tools: [tool('other')], nextCursor: 'two' } },
    two: listing(tool('namespaces_list')),
  }
  const script = (list: Script['list']): void =>
    followScript(upstream, { ...passesThrough, ...(list && { list }) })
  script((response: ServerResponse) => {
    const { id, params } = bodyOf(upstream.received.at(-1))
    const page = pages[String(params?.['cursor'] ?? '')]
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end(JSON.stringify({ jsonrpc: '2.0', id, ...page }))
  })
  const proof = await prove(upstream.url)
  assert.equal(proof.verdict, 'caller')
  assert.equal(proof.tool, 'namespaces_list')
})

const json = { 'content-type': 'application/json' }
const odd: readonly (readonly [string, (response: ServerResponse) => void, RegExp])[] = [
  ['silence', () => undefined, /took too long/],
  [
    'headers and no body',
    (response) => void response.writeHead(200, json).write('{'),
    /took too long/,
  ],
  [
    'HTML',
    (r) => void r.writeHead(200, { 'content-type': 'text/html' }).end('<p>'),
    /neither JSON|a web page/,
  ],
  ['a redirect', status(302, { location: 'http://127.0.0.1:1/' }), /answered 302|redirects to/],
  ['no JSON', (response) => void response.writeHead(200, json).end('<p>'), /no JSON-RPC message/],
  [
    'an answer to another question',
    (response) => void response.writeHead(200, json).end('{"id":99,"result":{"content":[]}}'),
    /no JSON-RPC message/,
  ],
  ['a body without end', (response) => flood(response, json), /larger than/],
  [
    'an event stream without end',
    (response) => flood(response, { 'content-type': 'text/event-stream' }),
    /larger than/,
  ],
  [
    'events that do not answer',
    (response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      const timer = setInterval(() => response.write('data: {}\n\n'), 20)
      response.on('close', () => clearInterval(timer))
    },
    /took too long/,
  ],
  [
    'events that end',
    (response) => void response.writeHead(200, { 'content-type': 'text/event-stream' }).end(),
    /ended without an answer/,
  ],
  [
    'a cut connection',
    (response) => void response.destroy(),
    /could not be reached|answers no http/,
  ],
]

function flood(response: ServerResponse, headers: Record<string, string>): void {
  response.writeHead(200, headers)
  const piece = Buffer.alloc(1_048_576, 'x')
  const pour = (): void => {
    while (!response.destroyed && response.write(piece));
    if (!response.destroyed) response.once('drain', pour)
  }
  pour()
}

for (const [name, answer, words] of odd) {
  for (const at of ['initialize', 'list', 'call'] as const) {
    test(`${name} at ${at}: not shown, within the bounds`, async (t) => {
      const isTimed = words.source === 'took too long'
      const script = at === 'call' ? { call: () => answer } : { [at]: answer }
      const upstream = await scripted(t, script)
      const began = performance.now()
      const proof = await prove(upstream.url, {}, isTimed ? 400 : 8000)
      assert.equal(proof.verdict, 'not_shown')
      assert.match(proof.sentence, words)
      assert.ok(performance.now() - began < 6000)
    })
  }
}

test('an upstream that is away is not shown, and may be asked again', async () => {
  const proof = await prove(`http://127.0.0.1:${await freePort()}/mcp`)
  assert.equal(proof.verdict, 'not_shown')
  assert.equal(proof.passing, true)
  assert.match(proof.sentence, /could not be reached \(ECONNREFUSED\)/)
})

test('probe_tool is called where it is named, and nothing else', async (t) => {
  const list = listing(tool('namespaces_list'), tool('mine'))
  const upstream = await scripted(t, { ...passesThrough, list })
  assert.equal((await prove(upstream.url, { probe_tool: 'mine' })).tool, 'mine')
  const calls = upstream.received.filter((one) => bodyOf(one).method === 'tools/call')
  assert.deepEqual(
    calls.map((one) => bodyOf(one).params?.['name']),
    ['mine', 'mine'],
  )
})

test('what an upstream says is in no proof', async (t) => {
  const upstream = await scripted(t, { call: () => failure('secret-of-the-upstream') })
  assert.ok(!JSON.stringify(await prove(upstream.url)).includes('secret-of-the-upstream'))
})
