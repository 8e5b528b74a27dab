import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { holmes } from '../../src/demo/mock-entra/directory.ts'
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

/** Two processes of `serve` in mode relay, over one Redis, behind a round-robin. */
async function start(t: TestContext) {
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
        sign_in: { mode: 'relay', redirect_uris: ['robusta'] },
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
    tap,
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
    await Promise.all(
      people.map(async (person, index) => {
        // The mock signs one person in at a time.
        await until('their turn', () => redeemed().length >= index * 3)
        let { refresh: token } = await signIn(person)
        for (let round = 0; round < 3; round += 1) {
          const replies = await Promise.all(Array.from({ length: 16 }, () => refresh(token)))
          for (const { body } of replies) assert.deepEqual(body, replies[0]?.body)
          const next = tokensIn(replies[0] ?? assert.fail())
          assert.equal(await call(next.access), 200)
          token = next.refresh
        }
      }),
    )
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
    for (let i = 0; i < 4; i += 1) {
      const began = performance.now()
      const { status, headers, body } = await refresh(token)
      assert.ok(performance.now() - began < 2_000)
      assert.deepEqual([status, body['error']], [503, 'temporarily_unavailable'])
      assert.match(String(body['error_description']), /cannot be reached.*nothing is lost/)
      assert.equal(headers.get('retry-after'), '5')
      assert.equal(await call(access), 200)
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
})
