import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { Problem } from '../../src/config/report/problem.ts'
import { createAuthority } from '../environment/certificates.ts'
import { freePort } from '../environment/ports.ts'
import { SimulatedClock } from '../support/clock.ts'
import { callFleet } from '../support/fleet-calls.ts'
import { startFleetGateway } from '../support/fleet-gateway.ts'
import { type Gateway, registeredConfig, startEntra, startGateway } from '../support/gateway.ts'
import { post, send, toolCall } from '../support/raw-http.ts'
import { startUpstream } from '../support/recording-upstream.ts'
import { codeFor, codeForm, postToken, startRelay } from '../support/relay-gateway.ts'
import { followScript, success } from '../support/scripted-mcp.ts'

const NOWHERE = 'http://127.0.0.1:9/mcp'
const HOUR_MS = 3_600_000

async function statusOf({ service }: Pick<Gateway, 'service'>): Promise<string> {
  const { status, text, headers } = await send(`http://127.0.0.1:${service.adminAddress.port}/`)
  assert.equal(status, 200)
  assert.match(String(headers['content-type']), /^text\/html/)
  assert.match(
    String(headers['content-security-policy']),
    /^default-src 'none'; style-src 'sha256-/,
  )
  assert.doesNotMatch(text, /<script|eyJ|alice/i)
  return text
}

test('the page names the clusters of the fleet', async (t) => {
  const clusters = ['prod', 'dev'].map((name) => ({ name, upstream: NOWHERE }))
  const page = await statusOf(await startFleetGateway(t, clusters))
  assert.match(page, /<strong>fleet<\/strong> <code>\/fleet\/mcp<\/code>.*Clusters: prod, dev</)
})

test('the page says which cluster of the fleet is left alone, and what to do', async (t) => {
  const prod = await startUpstream(t)
  followScript(prod, { call: () => success })
  const gateway = await startFleetGateway(t, [
    { name: 'prod', upstream: prod.url },
    { name: 'dev', upstream: NOWHERE },
  ])
  const asked = { url: gateway.fleetUrl, token: await gateway.entra.mint() }
  for (const cluster of ['prod', 'dev', 'dev', 'dev']) {
    await callFleet(asked, 'namespaces_list', { cluster })
  }
  const page = await statusOf(gateway)
  assert.match(page, /Clusters: prod, dev \(left alone\)</)
  assert.match(
    troublesIn(page),
    /^now: .*leaves the cluster dev alone.*Look at the pods .* one call tries it again/,
  )
  // What was known counts on after a reload that leaves its address as it was.
  await gateway.service.reload(gateway.config)
  assert.match(await statusOf(gateway), /Clusters: prod, dev \(left alone\)</)
  const { port } = gateway.service.adminAddress
  const { text } = await send(`http://127.0.0.1:${port}/metrics`)
  for (const line of [
    'rolecall_fleet_cluster_left_alone{cluster="prod"} 0',
    'rolecall_fleet_cluster_left_alone{cluster="dev"} 1',
    'rolecall_fleet_calls_total{cluster="prod",outcome="ok"} 1',
    'rolecall_fleet_calls_total{cluster="dev",outcome="unreachable"} 3',
    'rolecall_fleet_list_duration_seconds_count{cluster="prod"} 1',
  ]) {
    assert.ok(text.includes(`${line}\n`), line)
  }
})

/** What the page says has to be done, as text. */
function troublesIn(page: string): string {
  const found = [...page.matchAll(/<div class="warning (\w+)">([\s\S]*?)<\/div>/g)]
  return found
    .map(([, urgency, text = '']) => `${urgency}: ${text.replace(/<[^>]+>/g, ' ')}`)
    .join('\n')
}

async function relayWithBadSecret(t: TestContext): Promise<Gateway> {
  const entra = await startEntra(t)
  const credential = { kind: 'secret', secret: 'ended' } as const
  const gateway = await startRelay(t, {
    entra,
    config: { identity_provider: registeredConfig(entra, { credential }) },
  })
  const { status } = await postToken(gateway, codeForm('a-code'))
  assert.equal(status, 503)
  return gateway
}

const refused: Problem = {
  key: 'resource[0].upstream',
  message: 'must be a URL',
  remedy: 'Write http://host:port/mcp.',
}

/** A trouble, and what the page must say of it: the cause, and the remedy. */
const troubles: readonly (readonly [
  string,
  (t: TestContext) => Promise<Pick<Gateway, 'service'>>,
  RegExp,
])[] = [
  [
    'the provider was never there',
    async (t) => {
      const entra = await startEntra(t)
      entra.outage('reset')
      const gateway = await startGateway(t, { upstream: NOWHERE, entra, cold: true })
      await gateway.logged(({ msg }) => msg === 'a fetch failed')
      return gateway
    },
    /^now: .*keys were never fetched \(.*Make it reachable: DNS/m,
  ],
  [
    'the provider is away',
    async (t) => {
      const clock = new SimulatedClock(Date.now())
      const gateway = await startGateway(t, { upstream: NOWHERE, clock })
      gateway.entra.outage('reset')
      await clock.advance(HOUR_MS)
      await gateway.logged(({ msg }) => msg === 'a fetch failed')
      return gateway
    },
    /^soon: .*identity provider is away \(.*Calls go on for 23 hours with the keys/m,
  ],
  [
    'its keys are too old',
    async (t) => {
      const clock = new SimulatedClock(Date.now())
      const gateway = await startGateway(t, { upstream: NOWHERE, clock })
      gateway.entra.outage('reset')
      await clock.advance(25 * HOUR_MS)
      return gateway
    },
    /^now: .*answered 503: the identity provider&#39;s keys are 25 hours old, more than stale_for/m,
  ],
  [
    'the MCP server is down',
    async (t) => {
      const gateway = await startGateway(t, { upstream: NOWHERE })
      await send(gateway.url, post(await gateway.entra.mint()))
      return gateway
    },
    /^now: .*MCP server of prod does not answer calls \(upstream_unavailable:ECONNREFUSED\).*Look at the pods/m,
  ],
  [
    'the MCP server acts as itself',
    async (t) => {
      const upstream = await startUpstream(t)
      followScript(upstream, { call: () => success })
      const gateway = await startGateway(t, { upstream: upstream.url, probesUpstreams: true })
      await gateway.logged(({ kind }) => kind === 'upstream_proof')
      return gateway
    },
    /^now: .*MCP server of prod acts as itself for everybody/m,
  ],
  [
    'the client secret is wrong',
    relayWithBadSecret,
    /^now: .*the identity provider refuses rolecall&#39;s own credential/m,
  ],
  [
    'Redis is away',
    async (t) => {
      const redis_url = `redis://127.0.0.1:${await freePort()}`
      const gateway = await startGateway(t, { upstream: NOWHERE, config: { store: { redis_url } } })
      await gateway.logged(({ kind, level }) => kind === 'store' && level === 'error')
      return gateway
    },
    /^now: .*Redis cannot be used \(ECONNREFUSED\).*Check that redis_url/m,
  ],
  [
    'tokens are for another audience',
    async (t) => {
      const gateway = await startGateway(t, { upstream: NOWHERE })
      const token = await gateway.entra.mint({ claims: { aud: 'api://other' } })
      for (const _ of [1, 2]) await send(gateway.url, post(token))
      return gateway
    },
    /^soon: .*2 times in the last hour prod refused a request: wrong_audience\..*Correct audiences/m,
  ],
  [
    'a client is not let in',
    async (t) => {
      const resource = { allowed_clients: ['11111111-2222-3333-4444-555555555555'] }
      const gateway = await startGateway(t, { upstream: NOWHERE, resource })
      await send(gateway.url, post(await gateway.entra.mint()))
      return gateway
    },
    /^soon: .*prod refused a request: wrong_client\..*Add the client to allowed_clients/m,
  ],
  [
    'a limit is reached',
    async (t) => {
      const gateway = await startGateway(t, { upstream: NOWHERE })
      const batch = JSON.stringify(Array.from({ length: 51 }, () => JSON.parse(toolCall('x'))))
      await send(gateway.url, post(await gateway.entra.mint(), batch))
      return gateway
    },
    /^soon: .*beyond limits\.batch_messages\..*raise limits\.batch_messages/m,
  ],
  [
    'a certificate ends soon',
    async (t) => {
      const authority = await createAuthority('an authority')
      const upstream_client_certificate = await authority.issue({ clientName: 'rolecall' })
      return startGateway(t, { upstream: NOWHERE, resource: { upstream_client_certificate } })
    },
    /^soon: .*certificate of resource prod: upstream_client_certificate_file ends in [67] days/m,
  ],
  [
    'a changed configuration was refused',
    async (t) => {
      const gateway = await startGateway(t, { upstream: NOWHERE })
      gateway.service.refuseReload([refused])
      return gateway
    },
    /^soon: .*not taken over; .*resource\[0\]\.upstream must be a URL\..*Write http:/m,
  ],
  [
    'a tenant without consent',
    async (t) => {
      const gateway = await startRelay(t)
      const code = await codeFor(gateway.entra, 'alice')
      gateway.entra.fail({ code: 65001, at: 'token' })
      await postToken(gateway, codeForm(code))
      return gateway
    },
    /^now: .*Sign-ins fail: .*\(AADSTS65001\).*admin consent/m,
  ],
]

for (const [trouble, provoke, said] of troubles) {
  test(`the status page names the cause: ${trouble}`, async (t) => {
    const page = await statusOf(await provoke(t))
    assert.match(troublesIn(page), said)
    assert.doesNotMatch(page, /All is well/)
  })
}

test('a status page without trouble says so, with traffic, proof and ages', async (t) => {
  const upstream = await startUpstream(t)
  const gateway = await startGateway(t, { upstream: upstream.url })
  const token = await gateway.entra.mint()
  for (const _ of [1, 2, 3]) await send(gateway.url, post(token))
  await send(gateway.url, post(undefined))
  const page = await statusOf(gateway)
  assert.match(page, /<h1>All is well<\/h1>/)
  assert.equal(troublesIn(page), '')
  assert.match(page, /In the last hour 3 served, 1 refused, 0 failed; at most 4 in a minute\./)
  assert.match(page, /<rect class="served" x="591"/)
  assert.match(page, /<span class="yes">up<\/span>, last answered \d+ s ago/)
  assert.match(page, /prod: no_token/)
})

test('a reload that is taken over ends what was said of the one before', async (t) => {
  const gateway = await startGateway(t, { upstream: NOWHERE })
  gateway.service.refuseReload([refused])
  const warning = { key: 'allowed_clients', message: 'is not set', remedy: 'Set it.' }
  await gateway.service.reload(gateway.config, [warning])
  const page = await statusOf(gateway)
  assert.match(page, /All is well/)
  assert.match(page, /<code>allowed_clients<\/code> is not set\. Set it\./)
})
