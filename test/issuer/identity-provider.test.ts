import assert from 'node:assert/strict'
import { test } from 'node:test'
import { signToken } from '../support/issuer-server.ts'
import { type Simulation, simulate, simulateWarm } from '../support/simulated-provider.ts'

const second = 1_000
const hour = 3_600_000

test('once discovery and keys are fetched the provider is ready and verifies a token', async (t) => {
  const { provider, key, events, settled, now } = await simulate(t)
  assert.equal(provider.status().ready, false)
  provider.start()
  await settled()
  assert.equal(provider.status().ready, true)
  assert.equal(provider.status().decides, true)
  assert.equal(provider.status().keyCount, 1)
  const jwt = await signToken(key, { iat: now() })
  assert.equal((await provider.verifier.verify(jwt)).kind, 'signed')
  assert.deepEqual(
    events.map((event) => event.kind),
    ['fetched', 'fetched', 'keys_changed'],
  )
})

test('both documents are refreshed hourly, without any request asking', async (t) => {
  const { clock, server } = await simulateWarm(t)
  await clock.advance(24 * hour)
  assert.deepEqual(server.requests, { discovery: 25, keys: 25 })
})

test('an outage of an hour is not noticed by callers, and no call waits for the provider', async (t) => {
  const { clock, server, provider, key, now } = await simulateWarm(t)
  const old = await signToken(key, { iat: now() })
  for (const _ of [1, 2]) await provider.verifier.verify(old)
  await clock.advance(hour - second)
  await server.close()
  for (let minute = 0; minute < 60; minute += 1) {
    await clock.advance(60 * second)
    assert.ok(provider.verifier.recall(old.compact))
    const fresh = await signToken(key, { iat: now(), minute })
    assert.equal((await provider.verifier.verify(fresh)).kind, 'signed')
  }
  assert.match(provider.status().reason ?? '', /could not be reached \(ECONNREFUSED\)/)
  await server.resume()
  await clock.advance(15 * second)
  assert.equal(provider.status().reason, undefined)
})

test('keys count for stale_for from the beginning of the last good fetch, and no second longer', async (t) => {
  const simulation = await simulateWarm(t)
  const { clock, provider, key, now } = simulation
  const jwt = await signToken(key, { iat: now() })
  for (const _ of [1, 2]) await provider.verifier.verify(jwt)
  simulation.fault = 'refused'
  await clock.advance(24 * hour)
  assert.ok(provider.verifier.recall(jwt.compact))
  await clock.advance(second)
  assert.equal(provider.verifier.recall(jwt.compact), undefined)
  const verification = await provider.verifier.verify(jwt)
  assert.ok(verification.kind === 'unavailable')
  assert.equal(verification.reason, 'keys_too_old')
  assert.ok(Number.isInteger(verification.retryAfter) && verification.retryAfter >= 1)
  assert.equal(provider.status().ready, true)
  assert.equal(provider.status().decides, false)
  simulation.fault = 'none'
  await clock.advance(15 * second)
  assert.ok(provider.verifier.recall(jwt.compact))
})

for (const fault of ['refused', 'hanging', 'error 500'] as const) {
  test(`a cold start with the provider ${fault} recovers by itself within 15 s of its return`, async (t) => {
    const simulation = await simulate(t)
    const { clock, server, provider, key, now } = simulation
    const { discovery } = server
    if (fault === 'refused') await server.close()
    if (fault === 'error 500') server.discovery = { status: 500, body: {} }
    if (fault === 'hanging') simulation.fault = 'hanging'
    provider.start()
    const jwt = await signToken(key, { iat: now() })
    await clock.advance(300 * second)
    const verification = await provider.verifier.verify(jwt)
    assert.ok(verification.kind === 'unavailable')
    assert.equal(verification.reason, 'no_keys_yet')
    assert.ok(verification.retryAfter >= 1 && verification.retryAfter <= 10)
    if (fault === 'refused') await server.resume()
    if (fault === 'hanging') await endHanging(simulation)
    server.discovery = discovery
    await clock.advance(15 * second)
    assert.equal((await provider.verifier.verify(jwt)).kind, 'signed')
  })
}

/** The provider comes back just after a fetch began, which will still hang for its 5 s. */
async function endHanging(simulation: Simulation): Promise<void> {
  const { clock, events } = simulation
  const before = events.length
  while (events.length === before) await clock.advance(1)
  await clock.advance(5 * second)
  simulation.fault = 'none'
}

test('requests never make a provider that is away be asked more often', async (t) => {
  const { clock, server, provider, key, now } = await simulate(t)
  server.discovery = { status: 503, body: {} }
  provider.start()
  await clock.advance(60 * second)
  const before = server.requests.discovery
  const jwt = await signToken(key, { iat: now() })
  await Promise.all(Array.from({ length: 200 }, () => provider.verifier.verify(jwt)))
  assert.equal(server.requests.discovery, before)
  assert.equal(server.requests.keys, 0)
})

test('a key set that becomes unusable counts as a failed fetch: the keys before it stay', async (t) => {
  const { clock, server, provider, key, now } = await simulateWarm(t)
  server.keys = { body: { keys: [] } }
  await clock.advance(hour)
  assert.match(provider.status().reason ?? '', /the key set is empty/)
  const jwt = await signToken(key, { iat: now() })
  assert.equal((await provider.verifier.verify(jwt)).kind, 'signed')
})

test('with a short stale_for documents are refreshed before they run out', async (t) => {
  const configure = () => ({ stale_for: 60 * second })
  const { clock, provider } = await simulateWarm(t, { configure })
  for (let step = 0; step < 60; step += 1) {
    await clock.advance(10 * second)
    assert.equal(provider.status().decides, true)
  }
})

test('after stop nothing is fetched any more', async (t) => {
  const { clock, server, provider } = await simulateWarm(t)
  provider.stop()
  await clock.advance(3 * hour)
  assert.deepEqual(server.requests, { discovery: 1, keys: 1 })
})

test('where people sign in is told as discovery spells it, and the key set too', async (t) => {
  const { provider, server, settled } = await simulate(t)
  const endpoint = 'https://IdP.example/authorize?policy=a%2Fb'
  const keys = `${server.origin}/keys`
  server.discovery = {
    body: { issuer: server.issuer, jwks_uri: keys, authorization_endpoint: endpoint },
  }
  assert.equal(provider.authorizationEndpoint(), undefined)
  assert.equal(provider.keySetUrl(), undefined)
  provider.start()
  await settled()
  assert.equal(provider.authorizationEndpoint(), endpoint)
  assert.equal(provider.keySetUrl(), keys)
})

for (const endpoint of [
  undefined,
  7,
  '/authorize',
  'http://idp.example/authorize',
  'javascript:alert(1)',
  'https://user@idp.example/authorize',
]) {
  test(`nobody is sent to an address like ${endpoint}`, async (t) => {
    const { provider, server, settled } = await simulate(t)
    const keys = `${server.origin}/keys`
    server.discovery = {
      body: { issuer: server.issuer, jwks_uri: keys, authorization_endpoint: endpoint },
    }
    provider.start()
    await settled()
    assert.equal(provider.status().ready, true)
    assert.equal(provider.authorizationEndpoint(), undefined)
  })
}
