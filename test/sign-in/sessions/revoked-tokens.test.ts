import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { type BrokerOptions, startBroker } from '../../support/broker-gateway.ts'
import { endpoint, postForm, refreshForm, tokensFor } from '../../support/broker-sign-in.ts'
import { hurried } from '../../support/clock.ts'
import { until } from '../../support/fault-load.ts'
import { type Gateway, startEntra } from '../../support/gateway.ts'
import { sealingKey } from '../../support/handed-out.ts'
import { post, send } from '../../support/raw-http.ts'
import { startUpstream } from '../../support/recording-upstream.ts'
import { onRedis, startRedis } from '../../support/redis-server.ts'

const call = ({ origin }: Pick<Gateway, 'origin'>, token: string) =>
  send(`${origin}/mcp`, post(token))

const refreshed = (gateway: Gateway, token: string) =>
  postForm(endpoint(gateway, 'token'), refreshForm(token))

async function start(t: TestContext, options: BrokerOptions = {}) {
  const upstream = await startUpstream(t)
  const config = { sealing_keys: [sealingKey], ...options.config }
  const { gateway } = await startBroker(t, { upstream: upstream.url, ...options, config })
  return gateway
}

async function assertEnded(gateway: Gateway, token: string): Promise<void> {
  const answer = await call(gateway, token)
  assert.equal(answer.status, 401, answer.text)
  const { error, error_description: words } = answer.json()
  assert.equal(error, 'invalid_token')
  assert.match(String(words), /^The session of this token was ended.*sign in again\.$/)
}

test('a revoked session takes its access tokens with it, at once and without a store', async (t) => {
  const gateway = await start(t)
  const { access, refresh } = await tokensFor(gateway)
  const { body } = await refreshed(gateway, refresh)
  const unrelated = await tokensFor(gateway)
  assert.equal((await call(gateway, access)).status, 200)
  const form = { token: String(body['refresh_token']), client_id: 'holmes' }
  assert.equal((await postForm(endpoint(gateway, 'revoke'), form)).status, 200)
  for (const token of [access, String(body['access_token'])]) await assertEnded(gateway, token)
  assert.equal((await call(gateway, unrelated.access)).status, 200)
  await gateway.service.reload({ ...gateway.config, log_level: 'debug' })
  await assertEnded(gateway, access)
})

/** A GET stream, and the promise of its end. */
async function openStream({ url }: Pick<Gateway, 'url'>, token: string) {
  const headers = { authorization: `Bearer ${token}`, accept: 'text/event-stream' }
  const stream = await fetch(url, { headers })
  assert.equal(stream.status, 200)
  const reader = stream.body?.getReader() ?? assert.fail('no body')
  let over = false
  const ended = reader.read().then(({ done }) => {
    over = done
  })
  return { isOver: () => over, ended }
}

test('open streams of a revoked session end with it at once, and no others', async (t) => {
  const upstream = await startUpstream(t)
  upstream.answerWith((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.flushHeaders()
  })
  const config = { sealing_keys: [sealingKey] }
  const { gateway } = await startBroker(t, { upstream: upstream.url, config })
  const [first, second] = [await tokensFor(gateway), await tokensFor(gateway)]
  const theirs = await openStream(gateway, first.access)
  const another = await openStream(gateway, second.access)
  const form = { token: first.refresh, client_id: 'holmes' }
  assert.equal((await postForm(endpoint(gateway, 'revoke'), form)).status, 200)
  await theirs.ended
  assert.deepEqual([theirs.isOver(), another.isOver()], [true, false])
  const { sign_in: signIn } = gateway.config
  assert.ok(signIn.mode === 'broker')
  await gateway.service.reload({
    ...gateway.config,
    sign_in: { ...signIn, sessions_valid_after: Date.now() },
  })
  await another.ended
  assert.equal(another.isOver(), true, 'sessions_valid_after ends streams at the reload')
})

/** Two rolecalls with one address, as behind a balancer, over one Redis; `atOther` calls the second. */
async function startTwo(t: TestContext) {
  const redis = await startRedis(t)
  const entra = await startEntra(t)
  const config = { store: { redis_url: redis.url } }
  const one = await start(t, { entra, config })
  const { public_url } = one.config
  const other = await start(t, { entra, clock: hurried, config: { ...config, public_url } })
  const host = new URL(public_url).host
  const atOther = async (token: string) => {
    const { headers = [], ...sent } = post(token)
    const url = `http://127.0.0.1:${other.service.address.port}/mcp`
    return (await send(url, { ...sent, headers: [['Host', host], ...headers] })).status
  }
  return { redis, one, atOther }
}

onRedis('sessions that ended, over a real Redis', () => {
  test('a session that was revoked in one process is over in the other, also after an outage', async (t) => {
    const { redis, one, atOther } = await startTwo(t)
    const [first, second, third] = [
      await tokensFor(one),
      await tokensFor(one),
      await tokensFor(one),
    ]
    const revoke = async (token: string) => {
      const form = { token, client_id: 'holmes' }
      return (await postForm(endpoint(one, 'revoke'), form)).status
    }
    assert.equal(await atOther(first.access), 200)
    assert.equal(await revoke(first.refresh), 200)
    await assertEnded(one, first.access)
    await until('the other knows', async () => (await atOther(first.access)) === 401)
    await redis.kill()
    assert.equal(await atOther(second.access), 200, 'calls go on')
    assert.equal(await atOther(first.access), 401, 'what is known stays known')
    assert.equal(await revoke(second.refresh), 503)
    await redis.start()
    await until('it is revoked', async () => (await revoke(second.refresh)) === 200)
    await until('the other knows', async () => (await atOther(second.access)) === 401)
    assert.equal(await atOther(third.access), 200)
  })

  test('a used token that is shown again ends the access tokens of its session everywhere', async (t) => {
    const { one, atOther, redis } = await startTwo(t)
    const { access, refresh } = await tokensFor(one)
    assert.equal((await refreshed(one, refresh)).status, 200)
    // The grace of a minute is over.
    for (const key of (await redis.contents()).keys()) {
      if (key.includes(':answer:')) await redis.command('DEL', key)
    }
    const { status, body } = await refreshed(one, refresh)
    assert.deepEqual([status, body['error']], [400, 'invalid_grant'])
    await assertEnded(one, access)
    await until('the other knows', async () => (await atOther(access)) === 401)
  })
})
