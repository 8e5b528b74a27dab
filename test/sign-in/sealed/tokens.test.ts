import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { PassThrough } from 'node:stream'
import { type TestContext, test } from 'node:test'
import { systemClock } from '../../../src/clock.ts'
import type { Config } from '../../../src/config/config.ts'
import { FleetState } from '../../../src/fleet/fleet-state.ts'
import { OpenExchanges } from '../../../src/forward/open-exchanges.ts'
import { SharedUpstreams } from '../../../src/forward/upstream/shared-upstreams.ts'
import { BufferedBytes } from '../../../src/http/buffered-bytes.ts'
import { readJwt } from '../../../src/oauth/jwt.ts'
import { AuditOutput } from '../../../src/observe/audit-file.ts'
import { createLogger } from '../../../src/observe/logger.ts'
import { createMetrics } from '../../../src/observe/metrics/metrics.ts'
import { plainProcessLog } from '../../../src/observe/process-log.ts'
import { RecentEvents } from '../../../src/observe/recent/recent-events.ts'
import {
  createGeneration,
  type Generation,
  type ServiceContext,
} from '../../../src/service/generation.ts'
import { EndedSessions } from '../../../src/sign-in/sessions/ended-sessions.ts'
import { readPeople } from '../../environment/people.ts'
import { SimulatedClock } from '../../support/clock.ts'
import { type Gateway, resourceConfig, startEntra } from '../../support/gateway.ts'
import { handedOut, sealingKey } from '../../support/handed-out.ts'
import { type Answer, post, send } from '../../support/raw-http.ts'
import { headerValues, startUpstream } from '../../support/recording-upstream.ts'
import { postToken, refreshForm, signedIn, startRelay } from '../../support/relay-gateway.ts'

type Options = NonNullable<Parameters<typeof startRelay>[1]>

/** A rolecall in mode relay that hands out sealed tokens, before an upstream that has sessions. */
async function start(t: TestContext, options: Options = {}) {
  const upstream = await startUpstream(t)
  upstream.answerWith((_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json', 'mcp-session-id': 'up-1' })
    response.end('{"jsonrpc":"2.0","id":1,"result":{}}')
  })
  const gateway = await startRelay(t, {
    upstream: upstream.url,
    ...options,
    config: { sealing_keys: [sealingKey], ...options.config },
    signIn: { tokens: 'sealed', ...options.signIn },
  })
  const call = (token: string, session?: string, path = '/mcp'): Promise<Answer> => {
    const { headers = [], ...sent } = post(token)
    const line = session === undefined ? [] : [['Mcp-Session-Id', session] as const]
    return send(gateway.origin + path, { ...sent, headers: [...headers, ...line] })
  }
  /** Every Authorization of the last request that reached the upstream. */
  const wentUp = () => headerValues(upstream.received.at(-1)?.rawHeaders ?? [], 'authorization')
  return { gateway, upstream, entra: gateway.entra, call, wentUp }
}

/** Two resources that take the same tokens of the provider. */
async function startTwo(t: TestContext) {
  const upstream = await startUpstream(t)
  const resources = ['a', 'b'].map((name) =>
    resourceConfig(upstream.url, { name, path: `/${name}` }),
  )
  return { ...(await start(t, { resources })), upstream }
}

function assertNotSealed(answer: Answer): void {
  assert.equal(answer.status, 401, answer.text)
  assert.equal(answer.json()['error'], 'invalid_token')
  assert.equal(
    answer.json()['error_description'],
    'This server takes only the tokens that it hands out itself for this resource, and not those of the identity provider; sign in through this server (sign_in.tokens is sealed).',
  )
  assert.match(
    String(answer.headers['www-authenticate']),
    /^Bearer resource_metadata="http[^"]+".*error="invalid_token", error_description="This server takes only/,
  )
}

async function reload(gateway: Gateway, change: Partial<Config>): Promise<void> {
  await gateway.service.reload({ ...gateway.config, ...change })
}

test('the client holds a sealed token, and its own token of the provider goes upstream', async (t) => {
  const { gateway, call, wentUp } = await start(t)
  for (const person of ['alice', 'bob']) {
    const { access } = await signedIn(gateway, person)
    assert.equal(access.split('.').length, 5)
    for (let i = 0; i < 2; i += 1) {
      assert.equal((await call(access)).status, 200)
      const [authorization = '', ...more] = wentUp()
      assert.deepEqual(more, [])
      const claims = readJwt(authorization.replace('Bearer ', ''))?.claims
      assert.equal(claims?.['upn'], `${person}@contoso.test`)
    }
  }
})

test('what goes upstream is the token inside to the character', async (t) => {
  const { gateway, entra, call, wentUp } = await start(t)
  const inside = await entra.mint()
  const sealed = await handedOut(gateway, inside)
  for (let i = 0; i < 2; i += 1) {
    assert.equal((await call(sealed)).status, 200)
    assert.deepEqual(wentUp(), [`Bearer ${inside}`])
  }
})

test('the people of interleaved calls stay apart', async (t) => {
  const { gateway, entra, upstream, call } = await start(t)
  const people = await Promise.all(
    ['alice', 'bob', 'carol'].map(async (person) => {
      const inside = await entra.mint({ person })
      return { inside, sealed: await handedOut(gateway, inside) }
    }),
  )
  const calls = Array.from({ length: 10 }, () => people).flat()
  await Promise.all(calls.map(({ sealed }) => call(sealed)))
  for (const { inside } of people) {
    const own = upstream.received.filter(
      ({ headers }) => headers.authorization === `Bearer ${inside}`,
    )
    assert.equal(own.length, 10)
  }
  assert.equal(upstream.received.length, 30)
})

test("the identity provider's own token is refused in words, before and after its sealed one", async (t) => {
  const { gateway, entra, upstream, call } = await start(t)
  const inside = await entra.mint()
  assertNotSealed(await call(inside))
  assert.equal((await call(await handedOut(gateway, inside))).status, 200)
  assertNotSealed(await call(inside))
  assert.equal(upstream.received.length, 1)
  const line = await gateway.logged(({ reason }) => reason === 'not_sealed')
  assert.equal(line['decision'], 'refuse')
  assert.equal('user' in line, false)
})

test('sealed tokens mean nothing where clients hold the token itself', async (t) => {
  const { gateway, entra, call } = await start(t)
  const sealed = await handedOut(gateway, await entra.mint())
  const sign_in = { ...gateway.config.sign_in, tokens: 'passthrough' } as Config['sign_in']
  await reload(gateway, { sign_in })
  const answer = await call(sealed)
  assert.equal(answer.status, 401)
  assert.match(String(answer.json()['error_description']), /not a signed JWT/)
  assert.equal((await call(await entra.mint())).status, 200)
})

test('a token sealed for one resource is refused at another, although it takes the one inside', async (t) => {
  const { gateway, entra, upstream, call } = await startTwo(t)
  const sealed = await handedOut(gateway, await entra.mint(), ['a'])
  assert.equal((await call(sealed, undefined, '/a')).status, 200)
  assertNotSealed(await call(sealed, undefined, '/b'))
  assert.equal((await call(sealed, undefined, '/a')).status, 200)
  assert.equal(upstream.received.length, 2)
})

test('a sign-in for all resources of a relay gives a token for all, one for a resource for that', async (t) => {
  const { gateway, call } = await startTwo(t)
  const { access, refresh } = await signedIn(gateway, 'alice')
  for (const path of ['/a', '/b']) assert.equal((await call(access, undefined, path)).status, 200)
  const form = refreshForm(refresh, { resource: `${gateway.origin}/b` })
  const narrow = String((await postToken(gateway, form)).body['access_token'])
  assertNotSealed(await call(narrow, undefined, '/a'))
  assert.equal((await call(narrow, undefined, '/b')).status, 200)
})

test('a refreshed sealed token keeps its session; that of another person does not have it', async (t) => {
  const { gateway, upstream, call } = await start(t)
  const { access, refresh } = await signedIn(gateway, 'alice')
  const session = String((await call(access)).headers['mcp-session-id'])
  assert.notEqual(session, 'up-1')
  const { body } = await postToken(gateway, refreshForm(refresh))
  const refreshed = String(body['access_token'])
  assert.notEqual(refreshed, access)
  assert.equal((await call(refreshed, session)).status, 200)
  assert.equal(upstream.received.at(-1)?.headers['mcp-session-id'], 'up-1')
  const bob = await signedIn(gateway, 'bob')
  const before = upstream.received.length
  assert.equal((await call(bob.access, session)).status, 404)
  assert.equal(upstream.received.length, before)
})

test('it ends with the token inside, to the second', async (t) => {
  const clock = new SimulatedClock(Math.floor(Date.now() / 1000) * 1000)
  const entra = await startEntra(t, { clock, lifetime: 600 })
  const { gateway, call } = await start(t, { entra, clock })
  const { access } = await signedIn(gateway, 'alice')
  assert.equal((await call(access)).status, 200)
  await clock.advance(599_999)
  assert.equal((await call(access)).status, 200)
  await clock.advance(1)
  for (let i = 0; i < 2; i += 1) {
    const answer = await call(access)
    assert.equal(answer.status, 401)
    assert.match(String(answer.json()['error_description']), /expired 0 seconds ago/)
  }
})

test('an altered token, another spelling, and what was sealed for another purpose are refused', async (t) => {
  const { gateway, entra, upstream, call } = await start(t)
  const { access, refresh } = await signedIn(gateway, 'alice')
  assert.equal((await call(access)).status, 200)
  for (const at of [3, 45, 60, access.length - 30]) {
    const letter = access[at] === 'A' ? 'B' : 'A'
    assertNotSealed(await call(access.slice(0, at) + letter + access.slice(at + 1)))
  }
  for (const other of [`${access}=`, `${access}.`, access.replace('..', '.AA.'), refresh]) {
    assertNotSealed(await call(other))
  }
  const elsewhere = { ...gateway.config, sealing_keys: [Buffer.alloc(32, 8).toString('base64url')] }
  assertNotSealed(await call(await handedOut({ config: elsewhere }, await entra.mint())))
  assert.equal(upstream.received.length, 1)
  const reply = await postToken(gateway, refreshForm(access))
  assert.deepEqual([reply.status, reply.body['error']], [400, 'invalid_grant'])
})

test('sealing keys are replaced without ending a token; without the old key its tokens end', async (t) => {
  const { gateway, call } = await start(t)
  const newer = Buffer.alloc(32, 9).toString('base64url')
  const { access, refresh } = await signedIn(gateway, 'alice')
  assert.equal((await call(access)).status, 200)
  await reload(gateway, { sealing_keys: [newer, sealingKey] })
  assert.equal((await call(access)).status, 200)
  const { body } = await postToken(gateway, refreshForm(refresh))
  const next = String(body['access_token'])
  await reload(gateway, { sealing_keys: [newer] })
  assertNotSealed(await call(access))
  assert.equal((await call(next)).status, 200)
})

test('keys made at start outlive a reload, and so do the tokens that they sealed', async (t) => {
  const { gateway, call } = await start(t, { config: { sealing_keys: [] } })
  const { access } = await signedIn(gateway, 'alice')
  await reload(gateway, { log_level: 'debug' })
  assert.equal((await call(access)).status, 200)
})

test('what was opened is remembered over a reload, as long as the sealing keys are the same', async (t) => {
  const { gateway } = await start(t)
  const log = createLogger('silent', new PassThrough())
  const around: ServiceContext = {
    log,
    lines: plainProcessLog(log),
    audit: new AuditOutput(undefined),
    metrics: createMetrics('0.0.0-test'),
    recent: new RecentEvents(),
    operation: { startedAt: 0, warnings: [], proofs: new Map() },
    tracing: undefined,
    ended: new EndedSessions(systemClock),
    upstreams: new SharedUpstreams(),
    bodies: new BufferedBytes(),
    exchanges: new OpenExchanges(systemClock),
    fleetState: new FleetState(systemClock),
    documents: { find: () => assert.fail('nothing is fetched') },
    clock: systemClock,
    version: '0.0.0-test',
    probesUpstreams: false,
  }
  const deploy = async (change: Partial<Config>, before?: Generation) => {
    const deployment = await createGeneration({ ...gateway.config, ...change }, around, before)
    t.after(() => deployment.provider.stop())
    return deployment
  }
  const first = await deploy({})
  const second = await deploy({ log_level: 'debug', resources: [] }, first)
  assert.equal(second.opened, first.opened)
  const third = await deploy({ sealing_keys: [Buffer.alloc(32, 9).toString('base64url')] }, second)
  assert.notEqual(third.opened, second.opened)
})

test('a person in 200 groups signs in and calls, with sealed tokens and without', async (t) => {
  const everybody = await readPeople()
  const groups = Array.from({ length: 200 }, () => randomUUID())
  const people = {
    ...everybody,
    people: everybody.people.map((person) => ({ ...person, groups })),
  }
  for (const tokens of ['sealed', 'passthrough'] as const) {
    const entra = await startEntra(t, { people })
    const { gateway, call, wentUp } = await start(t, {
      entra,
      signIn: { tokens },
      resource: { required_groups: groups.slice(199) },
    })
    const { access } = await signedIn(gateway, 'alice')
    const answer = await call(access)
    assert.equal(answer.status, 200, answer.text)
    assert.ok(!answer.text.includes('isError'))
    const [authorization = ''] = wentUp()
    assert.ok(authorization.length > 11_000)
    if (tokens === 'sealed') assert.ok(access.length < 8192, String(access.length))
    else assert.equal(authorization, `Bearer ${access}`)
  }
})

test('whoami takes sealed tokens alone, and tells the reason of the resource that opened one', async (t) => {
  const { gateway, entra } = await startTwo(t)
  const ask = (token: string) =>
    send(`${gateway.origin}/oauth/whoami`, { headers: [['Authorization', `Bearer ${token}`]] })
  const inside = await entra.mint()
  assertNotSealed(await ask(inside))
  const answer = await ask(await handedOut(gateway, inside, ['b']))
  assert.equal(answer.json()['user'], 'alice@contoso.test', answer.text)
  assert.deepEqual(answer.json()['resources'], [{ name: 'b', permitted: true }])
  const old = await handedOut(gateway, await entra.mint({ lifetime: -5 }), ['b'])
  assert.match(String((await ask(old)).json()['error_description']), /^The token expired/)
})

test('no log line has a sealed token or the one inside in it, whatever comes of it', async (t) => {
  const { gateway, entra, call, wentUp } = await start(t, { config: { log_level: 'trace' } })
  const { access, refresh } = await signedIn(gateway, 'alice')
  await call(access)
  const inside = wentUp()[0]?.replace('Bearer ', '') ?? ''
  const { body } = await postToken(gateway, refreshForm(refresh))
  const expired = await entra.mint({ lifetime: -5 })
  const wrong = await entra.mint({ audience: 'api://another' })
  const sealed = await Promise.all([expired, wrong].map((token) => handedOut(gateway, token)))
  const altered = `${access.slice(0, -9)}AAAAAAAAA`
  const all = [access, refresh, inside, String(body['access_token']), expired, wrong, ...sealed]
  for (const token of [...all, altered]) await call(token)
  await call(await handedOut(gateway, await entra.mint()), 'no-session')
  await gateway.logged(({ status }) => status === 404)
  const lines = JSON.stringify(gateway.log)
  for (const token of [...all, altered]) {
    for (const part of token.split('.').filter((one) => one.length > 30)) {
      assert.ok(!lines.includes(part.slice(-24)), 'a part of a token was logged')
    }
  }
})

test('whoami tells the client and the session that a sealed token was handed out in', async (t) => {
  const { gateway } = await start(t)
  const { access } = await signedIn(gateway, 'alice')
  const answer = await send(`${gateway.origin}/oauth/whoami`, {
    headers: [['Authorization', `Bearer ${access}`]],
  })
  const { client, session } = answer.json() as {
    client?: Record<string, string>
    session?: Record<string, string>
  }
  assert.equal(client?.['id'], gateway.config.identity_provider.client_id)
  const [began = 0, ends = 0] = ['began_at', 'ends_at'].map((name) =>
    Date.parse(session?.[name] ?? ''),
  )
  assert.equal(ends - began, 86_400_000)
  assert.ok(Math.abs(began - Date.now()) < 60_000)
})
