import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { EntraConfig } from '../../../src/config/config.ts'
import type { DocumentFailure } from '../../../src/net/document-error.ts'
import { ENTRA_DEFAULTS } from '../../support/defaults.ts'
import { type Answer, type IssuerServer, signToken } from '../../support/issuer-server.ts'
import { simulate, simulateWarm } from '../../support/simulated-provider.ts'

const tid = '11111111-2222-3333-4444-555555555555'
const html: Answer = (_request, response) =>
  response.writeHead(200, { 'content-type': 'text/html' }).end('<p>BODY</p>')
const huge: Answer = (_request, response) =>
  response
    .writeHead(200, { 'content-type': 'application/json' })
    .end(JSON.stringify({ filling: 'BODY'.repeat(300_000) }))
const redirect: Answer = (_request, response) =>
  response.writeHead(302, { location: '/elsewhere' }).end()
const empty: Answer = (_request, response) => response.writeHead(200).end()
const emptyJson: Answer = { body: '' }

type Fault = [string, (server: IssuerServer) => Answer, DocumentFailure]

const discoveryFaults: Fault[] = [
  ['huge', () => huge, 'too_large'],
  ['a redirect', () => redirect, 'redirect'],
  ['an HTML page with status 200', () => html, 'not_json'],
  ['empty with status 200', () => empty, 'not_json'],
  ['empty JSON with status 200', () => emptyJson, 'not_json'],
  ['cut off', () => ({ body: '{"issuer":"BODY' }), 'not_json'],
  ['a list', () => ({ body: ['BODY'] }), 'incomplete'],
  ['status 404', () => ({ status: 404, body: 'BODY' }), 'status'],
  ['status 500', () => ({ status: 500, body: 'BODY' }), 'status'],
  ['without issuer', (server) => ({ body: { jwks_uri: `${server.origin}/keys` } }), 'incomplete'],
  ['without jwks_uri', (server) => ({ body: { issuer: server.issuer } }), 'incomplete'],
  [
    'with a jwks_uri that is no address',
    (server) => ({ body: { issuer: server.issuer, jwks_uri: 'BODY' } }),
    'incomplete',
  ],
  [
    'with a jwks_uri over plain http off loopback',
    (server) => ({ body: { issuer: server.issuer, jwks_uri: 'http://idp.example/keys' } }),
    'plain_http',
  ],
  [
    'naming another issuer',
    (server) => ({ body: { issuer: 'https://BODY', jwks_uri: `${server.origin}/keys` } }),
    'wrong_issuer',
  ],
  [
    'naming the issuer with one slash more',
    (server) => ({ body: { issuer: `${server.issuer}/`, jwks_uri: `${server.origin}/keys` } }),
    'wrong_issuer',
  ],
]

for (const [name, fault, reason] of discoveryFaults) {
  test(`a discovery document that is ${name} is not used, and the next good one is`, async (t) => {
    const { clock, server, provider, events, settled } = await simulate(t)
    const good = server.discovery
    server.discovery = fault(server)
    provider.start()
    await settled()
    assert.equal(provider.status().ready, false)
    assert.equal(server.requests.keys, 0)
    const [event] = events
    assert.ok(event?.kind === 'fetch_failed')
    assert.deepEqual([event.document, event.reason], ['discovery', reason])
    assert.ok(!JSON.stringify([event, provider.status()]).includes('BODY'))
    server.discovery = good
    await clock.advance(15_000)
    assert.equal(provider.status().ready, true)
  })
}

const keyFaults: Fault[] = [
  ['huge', () => huge, 'too_large'],
  ['a redirect', () => redirect, 'redirect'],
  ['an HTML page with status 200', () => html, 'not_json'],
  ['empty with status 200', () => empty, 'not_json'],
  ['status 500', () => ({ status: 500, body: 'BODY' }), 'status'],
  ['not a key set', () => ({ body: 'null' }), 'incomplete'],
  ['without a usable key', () => ({ body: { keys: [{ kty: 'BODY' }] } }), 'no_usable_key'],
]

for (const [name, fault, reason] of keyFaults) {
  test(`a key set that is ${name} is not used, the one before it stays`, async (t) => {
    const { clock, server, provider, key, events, now } = await simulateWarm(t)
    server.keys = fault(server)
    await clock.advance(3_600_000)
    const event = events.findLast((it) => it.kind === 'fetch_failed')
    assert.ok(event?.kind === 'fetch_failed')
    assert.deepEqual([event.document, event.reason], ['keys', reason])
    assert.ok(!JSON.stringify([event, provider.status()]).includes('BODY'))
    const verification = await provider.verifier.verify(await signToken(key, { iat: now() }))
    assert.equal(verification.kind, 'signed')
  })
}

test('with discovery_url the document is fetched there, and must name the issuer all the same', async (t) => {
  const issuer = 'https://sso.example.com/realms/main'
  const { provider, server, settled, clock, key, now } = await simulate(t, {
    configure: ({ origin }) => ({
      issuer,
      discovery_url: `${origin}/realms/main/.well-known/openid-configuration`,
    }),
  })
  provider.start()
  await settled()
  assert.match(provider.status().reason ?? '', /names another issuer/)
  const body = { issuer, jwks_uri: `${server.origin}/keys` }
  server.discovery = { body: { ...body, authorization_endpoint: `${issuer}/auth` } }
  await clock.advance(10_000)
  assert.equal(provider.metadataIssuer(), issuer)
  assert.deepEqual(provider.tokenIssuers(), [issuer])
  assert.equal(provider.authorizationEndpoint(), `${issuer}/auth`)
  const token = await signToken(key, { iat: now() - 1 })
  assert.equal((await provider.verifier.verify(token)).kind, 'signed')
})

const inside = 'http://keycloak.keycloak.svc:8080/realms/main'
for (const [name, discoveryUrl, jwks, reason] of [
  ['is taken with discovery_url', 'own', `${inside}/certs`, undefined],
  ['is not taken off the cluster', 'own', 'http://sso.example.com/certs', 'plain_http'],
  ['is not taken without discovery_url', undefined, `${inside}/certs`, 'plain_http'],
] as const) {
  test(`plain http to a cluster-internal key set ${name}`, async (t) => {
    const { provider, server, settled, events } = await simulate(t, {
      configure: ({ origin, issuer }) =>
        discoveryUrl === undefined
          ? { issuer }
          : { issuer, discovery_url: `${origin}/.well-known/openid-configuration` },
    })
    server.discovery = { body: { issuer: server.issuer, jwks_uri: jwks } }
    provider.start()
    await settled()
    const failed = events.find((it) => it.kind === 'fetch_failed' && it.document === 'discovery')
    assert.equal(failed?.kind === 'fetch_failed' ? failed.reason : undefined, reason)
    assert.equal(provider.keySetUrl(), reason === undefined ? jwks : undefined)
    provider.stop()
  })
}

test('a document that is slow ends after 5 s', async (t) => {
  const { clock, server, provider, events, settled } = await simulate(t)
  const asked = new Promise<void>((resolve) => {
    server.discovery = () => resolve()
  })
  provider.start()
  await asked
  clock.settleWith(() => new Promise((resolve) => setImmediate(resolve)))
  await clock.advance(4_999)
  assert.equal(events.length, 0)
  await clock.advance(1)
  await settled()
  assert.ok(events[0]?.kind === 'fetch_failed')
  assert.deepEqual([events[0].reason, events[0].duration], ['timeout', 5_000])
})

test('the mock’s key set is refused off loopback', async (t) => {
  for (const isOnLoopback of [true, false]) {
    const { server, provider, key, settled } = await simulate(t, { isOnLoopback })
    server.keys = { body: { keys: [key.jwk], rolecall_mock_idp: true } }
    provider.start()
    await settled()
    assert.equal(provider.status().ready, isOnLoopback)
    if (!isOnLoopback) assert.match(provider.status().reason ?? '', /mock identity provider/)
  }
})

function entraAt(authority: string): EntraConfig {
  return { ...ENTRA_DEFAULTS, tenant_id: tid, authority }
}

test('Entra’s v2 discovery at a loopback authority: issuers, keys and the verifier', async (t) => {
  const configure = (server: IssuerServer) => entraAt(server.origin)
  const { server, provider, key, settled, now } = await simulate(t, { configure })
  const issuer = `https://login.microsoftonline.com/${tid}/v2.0`
  const cloud = { cloud_instance_name: 'microsoftonline.com' }
  server.discovery = { body: { issuer, jwks_uri: `${server.origin}/keys`, ...cloud } }
  const template = 'https://login.microsoftonline.com/{tenantid}/v2.0'
  const foreign = { ...key.jwk, kid: 'gov', cloud_instance_name: 'microsoftonline.us' }
  server.keys = { body: { keys: [foreign, { ...key.jwk, ...cloud, issuer: template }] } }
  const v1 = `https://sts.windows.net/${tid}/`
  assert.deepEqual(provider.tokenIssuers(), [v1])
  assert.equal(provider.metadataIssuer(), `${server.origin}/${tid}/v2.0`)
  provider.start()
  await settled()
  assert.deepEqual(provider.tokenIssuers(), [issuer, v1])
  assert.equal(provider.metadataIssuer(), issuer)
  const claims = { iat: now() - 1 }
  assert.equal((await provider.verifier.verify(await signToken(key, claims))).kind, 'signed')
  const gov = await signToken(key, claims, { kid: 'gov' })
  assert.equal((await provider.verifier.verify(gov)).kind, 'unknown_key')
})

test('an issuer with a path and a trailing slash is discovered and kept as it is spelled', async (t) => {
  const { provider, server } = await simulateWarm(t, { issuerPath: '/realms/a/' })
  assert.equal(provider.metadataIssuer(), `${server.origin}/realms/a/`)
  assert.deepEqual(provider.tokenIssuers(), [`${server.origin}/realms/a/`])
})
