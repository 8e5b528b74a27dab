import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { type TestContext, test } from 'node:test'
import { createBrowser, signInAt } from '../environment/browser.ts'
import { holmes } from '../environment/mock-entra/directory.ts'
import { endpoint, postForm } from '../support/broker-sign-in.ts'
import { until } from '../support/fault-load.ts'
import { prepareServe, readiness, type ServeProcess, untilReady } from '../support/fault-process.ts'
import { startEntra } from '../support/gateway.ts'
import { post, send, toolCall } from '../support/raw-http.ts'
import { startUpstream } from '../support/recording-upstream.ts'
import { onRedis, startRedis } from '../support/redis-server.ts'
import { postToken, refreshForm, signedIn, type TokenReply } from '../support/relay-gateway.ts'
import { startRoundRobin } from '../support/round-robin.ts'
import { tapTokenEndpoint } from '../support/token-tap.ts'

const people = ['alice', 'bob', 'carol']
const password = 'hunter2-of-the-store'

const modes = {
  relay: { mode: 'relay', redirect_uris: ['robusta'] },
  broker: {
    mode: 'broker',
    redirect_uris: ['loopback'],
    client: [{ client_id: 'a-client', redirect_uris: ['loopback'] }],
  },
}

/** Two processes of `serve` over one Redis, behind a round-robin. */
async function start(t: TestContext, mode: keyof typeof modes = 'relay') {
  const redis = await startRedis(t, { password })
  const balancer = await startRoundRobin(t)
  const entra = await startEntra(t)
  const tap = await tapTokenEndpoint(t, entra)
  const upstream = await startUpstream(t)
  const one = async (): Promise<ServeProcess> => {
    const serve = await prepareServe(t, {
      upstream: upstream.url,
      tenantId: entra.tenantId,
      authority: entra.origin,
      settings: {
        public_url: balancer.origin,
        sealing_keys: [Buffer.alloc(32, 7).toString('base64url')],
        sign_in: modes[mode],
        store: { redis_url: redis.url },
      },
      identityProvider: { client_id: holmes.client_id, client_secret: holmes.client_secret },
    })
    return serve()
  }
  const processes = await Promise.all([one(), one()])
  for (const serving of processes) await untilReady(serving)
  balancer.spreadOver(processes.map(({ url }) => new URL(url).origin))
  const gateway = { origin: balancer.origin, entra }
  return {
    redis,
    balancer,
    gateway,
    processes,
    signIn: (person: string) => signedIn(gateway, person),
    refresh: (token: string) => postToken(gateway, refreshForm(token)),
    call: async (token: string) => {
      const url = `${balancer.origin}/mcp`
      return (await send(url, post(token, toolCall('pods_list')))).status
    },
    /** The refresh tokens that the provider was asked to redeem. */
    redeemed: () => tap.forms().flatMap((form) => form.get('refresh_token') ?? []),
  }
}

function tokensIn({ status, body }: TokenReply) {
  assert.equal(status, 200, JSON.stringify(body))
  return { access: String(body['access_token']), refresh: String(body['refresh_token']) }
}

function storeLines({ log }: ServeProcess): readonly Record<string, unknown>[] {
  const lines = log().split('\n').filter(Boolean)
  return lines.map((line) => JSON.parse(line)).filter(({ kind }) => kind === 'store')
}

onRedis('two processes over one Redis', () => {
  test('refreshes raced through both are one at the provider, session after session', async (t) => {
    const { balancer, signIn, refresh, call, redeemed } = await start(t)
    for (const person of people) {
      let { refresh: token } = await signIn(person)
      for (let round = 0; round < 3; round += 1) {
        const replies = await Promise.all(Array.from({ length: 16 }, () => refresh(token)))
        for (const { body } of replies) assert.deepEqual(body, replies[0]?.body)
        const next = tokensIn(replies[0] ?? assert.fail())
        assert.equal(await call(next.access), 200)
        token = next.refresh
      }
    }
    const asked = redeemed()
    assert.equal(asked.length, people.length * 3)
    assert.equal(new Set(asked).size, asked.length, 'no refresh token went up twice')
    const counts = Object.values(balancer.counts())
    assert.equal(counts.length, 2)
    assert.ok(Math.abs((counts[0] ?? 0) - (counts[1] ?? 0)) <= 1)
  })

  test('Redis killed half-way: refresh is a clear 503, calls go on, and everything works when it is back', async (t) => {
    const { redis, processes, signIn, refresh, call, redeemed } = await start(t)
    const { access, refresh: token } = await signIn('alice')
    await redis.kill()
    for (let i = 0; i < 3; i += 1) {
      const began = performance.now()
      for (const { status, headers, body } of await atBoth(() => refresh(token))) {
        assert.deepEqual([status, body['error']], [503, 'temporarily_unavailable'])
        assert.match(
          String(body['error_description']),
          /session store is unreachable.*session is intact/,
        )
        assert.equal(headers.get('retry-after'), '5')
      }
      assert.ok(performance.now() - began < 2_000)
      assert.deepEqual(await atBoth(() => call(access)), [200, 200])
    }
    assert.deepEqual(redeemed(), [], 'nothing was spent')
    for (const serving of processes) assert.equal(await readiness(serving), 200)

    await redis.start()
    const lines = () => processes.map((serving) => storeLines(serving).map(({ level }) => level))
    await until('both are back', () => lines().every((levels) => levels.length === 2))
    assert.deepEqual(lines(), [
      ['error', 'info'],
      ['error', 'info'],
    ])
    const replies = await Promise.all(Array.from({ length: 8 }, () => refresh(token)))
    for (const { body } of replies) assert.deepEqual(body, replies[0]?.body)
    assert.equal(await call(tokensIn(replies[0] ?? assert.fail()).access), 200)
    assert.equal(redeemed().length, 1)
    for (const serving of processes) {
      const metrics = await (await fetch(`${serving.admin}/metrics`)).text()
      assert.match(metrics, /^rolecall_store_errors_total [1-9]/m)
      for (const secret of [password, token, access]) assert.ok(!serving.log().includes(secret))
    }
  })

  test('Redis frozen: refresh is a 503 within three seconds, calls are as fast as ever', async (t) => {
    const { redis, signIn, refresh, call, redeemed } = await start(t)
    const { access, refresh: token } = await signIn('bob')
    redis.freeze()
    const began = performance.now()
    const pending = [refresh(token), refresh(token)]
    assert.equal(await call(access), 200)
    assert.ok(performance.now() - began < 900, 'a call waits for nothing')
    for (const { status } of await Promise.all(pending)) assert.equal(status, 503)
    assert.ok(performance.now() - began < 3_000)
    assert.deepEqual(redeemed(), [])
    redis.thaw()
    await until('it works again', async () => (await refresh(token)).status === 200)
    assert.equal(redeemed().length, 1)
  })

  test('every step of a sign-in at another process: broker completes it, and ends it everywhere', async (t) => {
    const { balancer, gateway, call, redis } = await start(t, 'broker')
    const { code, tokens } = await signInAtBroker(gateway, 'alice')
    const marks = [...(await redis.contents()).keys()].filter((key) => /^rolecall:code:/.test(key))
    assert.equal(marks.length, 1)
    // No longer than codes live, since anybody can make one up.
    assert.ok(Number(await redis.command('PTTL', ...marks)) <= 60_000)
    assert.equal(await call(tokens.access), 200)
    const replies = await atBoth(() => postToken(gateway, refreshOf(tokens.refresh)))
    for (const { body } of replies) assert.deepEqual(body, replies[0]?.body)
    const next = tokensIn(replies[0] ?? assert.fail())
    assert.equal(await call(next.access), 200)

    const replayed = await postToken(gateway, code)
    assert.deepEqual([replayed.status, replayed.body['error']], [400, 'invalid_grant'])
    for (const { status, body } of await atBoth(() =>
      postToken(gateway, refreshOf(next.refresh)),
    )) {
      assert.deepEqual([status, body['error']], [400, 'invalid_grant'])
      assert.match(String(body['error_description']), /session was ended/)
    }

    const again = await signInAtBroker(gateway, 'alice')
    assert.equal((await revoke(gateway, again.tokens.refresh)).status, 200)
    for (const { status } of await atBoth(() =>
      postToken(gateway, refreshOf(again.tokens.refresh)),
    )) {
      assert.equal(status, 400)
    }
    assert.equal(Object.keys(balancer.counts()).length, 2)
  })

  test('a code that comes while Redis is away is a 503, and is redeemed when it is back', async (t) => {
    const { redis, gateway, processes } = await start(t, 'broker')
    const code = await codeAtBroker(gateway, 'bob')
    await redis.kill()
    for (const { status, body } of await atBoth(() => postToken(gateway, code))) {
      assert.deepEqual([status, body['error']], [503, 'temporarily_unavailable'])
    }
    assert.equal((await revoke(gateway, 'no token of ours')).status, 200)
    await redis.start()
    await until('both are back', () => processes.every((one) => storeLines(one).length === 2))
    tokensIn(await postToken(gateway, code))
  })

  test('a revocation that comes while Redis is away is a clear 503, and works when it is back', async (t) => {
    const { redis, gateway, processes, call } = await start(t, 'broker')
    const { access, refresh } = (await signInAtBroker(gateway, 'carol')).tokens
    await redis.kill()
    for (const { status, headers, body } of await atBoth(() => revoke(gateway, refresh))) {
      assert.deepEqual([status, body['error']], [503, 'temporarily_unavailable'])
      assert.match(String(body['error_description']), /session store is unreachable/)
      assert.equal(headers.get('retry-after'), '5')
    }
    assert.deepEqual(await atBoth(() => call(access)), [200, 200])

    await redis.start()
    await until('both are back', () => processes.every((one) => storeLines(one).length === 2))
    assert.equal((await revoke(gateway, refresh)).status, 200)
    for (const { status, body } of await atBoth(() => postToken(gateway, refreshOf(refresh)))) {
      assert.deepEqual([status, body['error']], [400, 'invalid_grant'])
      assert.match(String(body['error_description']), /session was ended/)
    }
  })
})

type Place = Parameters<typeof signedIn>[0]

const redirectUri = 'http://127.0.0.1:7777/callback'
const verifier = 'a-code-verifier-that-is-long-enough-for-rfc-7636'

/** The form with which a client redeems the code that its person brought back. */
async function codeAtBroker({ origin }: Place, username: string) {
  const query = new URLSearchParams({
    client_id: 'a-client',
    redirect_uri: redirectUri,
    response_type: 'code',
    state: 'the-state',
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
  })
  const back = await signInAt(createBrowser(), `${origin}/oauth/authorize?${query}`, { username })
  return {
    grant_type: 'authorization_code',
    code: back.searchParams.get('code') ?? assert.fail(back.href),
    redirect_uri: redirectUri,
    client_id: 'a-client',
    code_verifier: verifier,
  }
}

async function signInAtBroker(place: Place, username: string) {
  const code = await codeAtBroker(place, username)
  return { code, tokens: tokensIn(await postToken(place, code)) }
}

function refreshOf(refreshToken: string) {
  return { grant_type: 'refresh_token', refresh_token: refreshToken, client_id: 'a-client' }
}

function revoke(place: Place, token: string): Promise<TokenReply> {
  return postForm(endpoint(place, 'revoke'), { token, client_id: 'a-client' })
}

/** Two requests at once are one at each. */
function atBoth<T>(ask: () => Promise<T>): Promise<readonly T[]> {
  return Promise.all([ask(), ask()])
}
