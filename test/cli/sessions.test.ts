import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { stringify } from 'smol-toml'
import { command } from '../../src/cli/sessions.ts'
import { holmes } from '../environment/mock-entra/directory.ts'
import { freePort } from '../environment/ports.ts'
import { startBroker } from '../support/broker-gateway.ts'
import {
  authorizeUrl,
  codeFor,
  codeForm,
  endpoint,
  postForm,
  refreshForm,
  tokensFor,
} from '../support/broker-sign-in.ts'
import { hurried } from '../support/clock.ts'
import { fileWith } from '../support/configuration.ts'
import { until } from '../support/fault-load.ts'
import { sealingKey } from '../support/handed-out.ts'
import { post, send } from '../support/raw-http.ts'
import { startUpstream } from '../support/recording-upstream.ts'
import { onRedis, type RedisServer, startRedis } from '../support/redis-server.ts'
import { recordingTerminal } from '../support/terminal.ts'

const other = Buffer.alloc(32, 8).toString('base64url')

/** A configuration in mode broker as a file. */
const file = (changes: Readonly<Record<string, unknown>> = {}) =>
  fileWith({
    public_url: 'http://localhost:8080',
    'identity_provider.client_id': holmes.client_id,
    sealing_keys: [sealingKey],
    'sign_in.mode': 'broker',
    ...changes,
  })

async function run(argv: readonly string[], changes: Readonly<Record<string, unknown>> = {}) {
  const terminal = recordingTerminal({ '/etc/rolecall.toml': stringify(file(changes)) })
  const code = await command.run([...argv, '--config', '/etc/rolecall.toml'], terminal)
  return { code, out: terminal.out(), err: terminal.err() }
}

for (const argv of [
  [],
  ['end'],
  ['--all'],
  ['list', '--all'],
  ['end', 'alice'],
  ['end', '--user', 'alice', '--all'],
  ['end', '--user', 'alice', '--client', 'holmes'],
  ['end', '--user='],
  ['end', '--user'],
  ['end', '--all', '--all'],
  ['end', '--everybody'],
]) {
  test(`"sessions ${argv.join(' ')}" is bad usage, and ends nothing`, async () => {
    const { code, out, err } = await run(argv, { 'store.redis_url': 'redis://127.0.0.1:9' })
    assert.deepEqual([code, out], [2, ''], err)
    assert.match(err, /^[A-Z-].+\.\n$/)
  })
}

for (const [what, changes, words] of [
  ['no store', {}, /^There is no \[store\].*sessions_valid_after.*reload/],
  [
    'no sealing keys',
    { 'store.redis_url': 'redis://127.0.0.1:9', sealing_keys: undefined },
    /^There are no sealing_keys.*set sealing_keys_file/,
  ],
  ['nobody signs in', { 'sign_in.mode': 'off' }, /^Nobody signs in through this rolecall/],
] as const) {
  test(`with a configuration in which there is ${what}, it says so and ends with 1`, async () => {
    const { code, out, err } = await run(['end', '--user', 'alice@contoso.test'], changes)
    assert.deepEqual([code, out], [1, ''])
    assert.match(err, words)
  })
}

test('a store that is away is told with its remedy, and the code is 1', async () => {
  const store = { 'store.redis_url': `redis://127.0.0.1:${await freePort()}` }
  const { code, out, err } = await run(['end', '--all'], store)
  assert.deepEqual([code, out], [1, ''])
  assert.match(
    err,
    /^The store cannot be used \(ECONNREFUSED\), and nothing is certain to be ended: /,
  )
})

/** A replica over a Redis, and what ends sessions there. */
async function start(t: TestContext, redis: RedisServer) {
  const upstream = await startUpstream(t)
  const { gateway } = await startBroker(t, {
    upstream: upstream.url,
    clock: hurried,
    config: { sealing_keys: [sealingKey], store: { redis_url: redis.url } },
    signIn: {
      clients: [
        { client_id: 'holmes', redirect_uris: ['loopback'], skip_consent: false },
        { client_id: 'other', redirect_uris: ['loopback'], skip_consent: false },
      ],
    },
  })
  return {
    gateway,
    end: (...argv: string[]) => run(['end', ...argv], { 'store.redis_url': redis.url }),
    call: async (token: string) => (await send(gateway.url, post(token))).status,
    refresh: (token: string, client_id = 'holmes') =>
      postForm(endpoint(gateway, 'token'), refreshForm(token, { client_id })),
    async signInWith(client_id: string) {
      const code = await codeFor(gateway, 'alice', authorizeUrl(gateway, { client_id }))
      const { body } = await postForm(endpoint(gateway, 'token'), codeForm(code, { client_id }))
      return { access: String(body['access_token']), refresh: String(body['refresh_token']) }
    },
  }
}

type Replica = Awaited<ReturnType<typeof start>>
type Tokens = Awaited<ReturnType<typeof tokensFor>>

async function assertOver({ refresh, call }: Replica, session: Tokens, client?: string) {
  const { status, body } = await refresh(session.refresh, client)
  assert.deepEqual([status, body['error']], [400, 'invalid_grant'], 'refused at once')
  assert.match(String(body['error_description']), /was ended.*by the operator.*sign in again/)
  await until('access tokens end', async () => (await call(session.access)) === 401)
}

async function assertGoesOn({ refresh, call }: Replica, session: Tokens, client?: string) {
  assert.equal(await call(session.access), 200)
  assert.equal((await refresh(session.refresh, client)).status, 200)
}

onRedis('sessions end, over a real Redis', () => {
  test("a user's sessions end in every replica, and nobody else's; later ones are good", async (t) => {
    const redis = await startRedis(t)
    const [one, two] = [await start(t, redis), await start(t, redis)]
    const [hers, alsoHers] = [await tokensFor(one.gateway), await tokensFor(two.gateway)]
    const his = await tokensFor(one.gateway, 'bob')
    for (const [replica, { access }] of [
      [one, hers],
      [two, alsoHers],
    ] as const) {
      assert.equal(await replica.call(access), 200)
    }
    const { code, out, err } = await one.end('--user', 'Alice@contoso.test')
    assert.deepEqual([code, err], [0, ''])
    assert.match(
      out,
      /^Every session of user Alice@contoso\.test that began until now was ended; 2 were known\.\n/,
    )
    await assertOver(one, hers)
    await assertOver(two, alsoHers)
    await assertGoesOn(one, his)
    await assertGoesOn(one, await tokensFor(one.gateway))
    assert.match((await one.end('--user', 'nobody@contoso.test')).out, / 0 were known/)
    assert.match((await one.end('--user', 'alice@contoso.test')).out, / 1 was known/)
  })

  test("a client's sessions end, and then all of them; what ended before is not counted", async (t) => {
    const redis = await startRedis(t)
    const replica = await start(t, redis)
    const { gateway, end } = replica
    const [holmesSession, otherSession] = [
      await replica.signInWith('holmes'),
      await replica.signInWith('other'),
    ]
    const revoked = await tokensFor(gateway)
    const form = { token: revoked.refresh, client_id: 'holmes' }
    assert.equal((await postForm(endpoint(gateway, 'revoke'), form)).status, 200)
    assert.match((await end('--client', 'holmes')).out, /of client holmes .* 1 was known/)
    await assertOver(replica, holmesSession)
    await assertGoesOn(replica, otherSession, 'other')
    const later = await tokensFor(gateway, 'bob')
    assert.match((await end('--all')).out, /^Every session that began until now was ended; 2 were/)
    for (const [session, client] of [
      [otherSession, 'other'],
      [later, 'holmes'],
    ] as const) {
      await assertOver(replica, session, client)
    }
  })

  test('an index that Redis lost changes the number alone, and the sessions of others stay', async (t) => {
    const redis = await startRedis(t)
    const replica = await start(t, redis)
    const session = await tokensFor(replica.gateway)
    await redis.command('FLUSHALL')
    const stranger = await run(['end', '--all'], {
      'store.redis_url': redis.url,
      sealing_keys: [other],
    })
    assert.match(stranger.out, / 0 were known/)
    assert.equal(await replica.call(session.access), 200)
    assert.match((await replica.end('--user', 'alice@contoso.test')).out, / 0 were known/)
    await assertOver(replica, session)
  })

  test('nothing in Redis names a user or a client, and everything in it ends', async (t) => {
    const redis = await startRedis(t)
    const replica = await start(t, redis)
    await tokensFor(replica.gateway)
    await replica.end('--client', 'nobody-at-all')
    const text = JSON.stringify([...(await redis.contents())])
    assert.match(text, /rolecall:sessions:/)
    assert.match(text, /rolecall:owner:/)
    for (const name of ['alice', 'contoso', 'holmes', 'nobody']) {
      assert.ok(!text.includes(name), name)
    }
    for (const key of (await redis.contents()).keys()) {
      assert.ok(Number(await redis.command('PTTL', key)) > 0, key)
    }
  })
})
