import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { SignInConfig } from '../../src/config/config.ts'
import { createBrowser } from '../environment/browser.ts'
import { brokerConfig } from '../support/broker-gateway.ts'
import { authorizeUrl, codeFor, codeForm, endpoint, postForm } from '../support/broker-sign-in.ts'
import { askFleet, callFleet, rpc, scriptOf, textsOf } from '../support/fleet-calls.ts'
import { startFleetGateway } from '../support/fleet-gateway.ts'
import { registeredConfig, startEntra } from '../support/gateway.ts'
import { sealingKey } from '../support/handed-out.ts'
import { send } from '../support/raw-http.ts'
import { startUpstream } from '../support/recording-upstream.ts'
import { scope } from '../support/relay-gateway.ts'
import { followScript } from '../support/scripted-mcp.ts'

const RELAY = {
  mode: 'relay',
  redirect_uris: ['robusta', 'loopback'],
  tokens: 'passthrough',
  popup_origins: [],
  session_lifetime: 86_400_000,
} as const

/** A fleet of two clusters, which are first and second at paths of their own. */
async function startTwo(t: TestContext, signIn: SignInConfig | undefined) {
  const entra = await startEntra(t)
  const upstreams = { prod: await startUpstream(t), dev: await startUpstream(t) }
  for (const upstream of Object.values(upstreams)) followScript(upstream, scriptOf())
  const gateway = await startFleetGateway(
    t,
    Object.entries(upstreams).map(([name, { url }]) => ({
      name,
      upstream: url,
      request_scopes: scope.split(' '),
    })),
    {
      entra,
      config: {
        sealing_keys: [sealingKey],
        identity_provider: registeredConfig(entra, { groups_claim: 'groups' }),
        ...(signIn && { sign_in: signIn }),
      },
    },
  )
  return { gateway, upstreams }
}

/** What a client learns on its way from a refusal to the sign-in. */
async function learnt(url: string) {
  const refused = await send(url, { method: 'POST', body: '{}' })
  const challenge = String(refused.headers['www-authenticate'])
  const metadataUrl = /resource_metadata="([^"]+)"/.exec(challenge)?.[1] ?? ''
  const metadata = (await (await fetch(metadataUrl)).json()) as Record<string, unknown>
  return { status: refused.status, challenge, metadataUrl, metadata }
}

const MODES: readonly (readonly [SignInConfig['mode'], SignInConfig | undefined])[] = [
  ['broker', brokerConfig()],
  ['relay', RELAY],
  ['off', undefined],
]

for (const [mode, signIn] of MODES) {
  test(`${mode}: the fleet has a challenge and metadata of its own`, async (t) => {
    const { gateway } = await startTwo(t, signIn)
    const { origin, fleetUrl, entra } = gateway
    const { status, challenge, metadataUrl, metadata } = await learnt(fleetUrl)
    assert.equal(status, 401)
    assert.equal(metadataUrl, `${origin}/.well-known/oauth-protected-resource/fleet/mcp`)
    assert.match(challenge, mode === 'broker' ? /scope="mcp"/ : /scope="6dae42f8[^"]+"/)
    assert.equal(metadata['resource'], fleetUrl)
    assert.match(JSON.stringify(metadata), /Clusters: prod, dev/)
    const [server] = metadata['authorization_servers'] as string[]
    if (mode === 'off') {
      assert.match(String(server), new RegExp(entra.tenantId))
      return
    }
    assert.equal(server, `${origin}/oauth/fleet`)
    const document = await send(`${origin}/.well-known/oauth-authorization-server/oauth/fleet`)
    const { issuer, token_endpoint: token, authorization_endpoint: authorize } = document.json()
    assert.equal(issuer, server)
    assert.equal(token, `${origin}/oauth/${mode === 'broker' ? 'fleet/' : ''}token`)
    if (mode === 'broker') assert.equal(authorize, `${origin}/oauth/fleet/authorize`)
  })
}

for (const [mode, signIn] of MODES.slice(1)) {
  test(`${mode}: one token of the provider is good at the fleet and at each cluster`, async (t) => {
    const { gateway, upstreams } = await startTwo(t, signIn)
    const token = await gateway.entra.mint({ person: 'alice' })
    const all = await callFleet({ url: gateway.fleetUrl, token }, 'pods_list', { cluster: '*' })
    assert.match(textsOf(all).at(-1) ?? '', /2 of 2/)
    const own = { url: `${gateway.origin}/c/dev/mcp`, token }
    assert.equal((await askFleet(own, rpc('tools/list'))).status, 200)
    for (const { received } of Object.values(upstreams)) {
      for (const { headers } of received) assert.equal(headers.authorization, `Bearer ${token}`)
    }
  })
}

test('broker: a sign-in at the fleet is good there alone, and a cluster’s is not', async (t) => {
  const { gateway, upstreams } = await startTwo(t, brokerConfig())
  const { origin, fleetUrl } = gateway
  const tokenAt = async (name?: string) => {
    const code = await codeFor(gateway, 'alice', authorizeUrl(gateway, {}, name))
    const { status, body } = await postForm(endpoint(gateway, 'token', name), codeForm(code))
    assert.equal(status, 200, JSON.stringify(body))
    return String(body['access_token'])
  }
  const tokens = { fleet: await tokenAt('fleet'), prod: await tokenAt(), dev: await tokenAt('dev') }
  const urls = { fleet: fleetUrl, prod: `${origin}/c/prod/mcp`, dev: `${origin}/c/dev/mcp` }
  for (const [at, url] of Object.entries(urls)) {
    for (const [of, token] of Object.entries(tokens)) {
      const { status } = await askFleet({ url, token }, rpc('tools/list'))
      assert.equal(status, at === of ? 200 : 401, `a token of ${of} at ${at}`)
    }
  }
  const all = await callFleet({ url: fleetUrl, token: tokens.fleet }, 'pods_list', { cluster: '*' })
  assert.match(textsOf(all).at(-1) ?? '', /2 of 2/)
  for (const { received } of Object.values(upstreams)) {
    for (const { headers } of received) {
      assert.match(String(headers.authorization), /^Bearer eyJ/)
      for (const token of Object.values(tokens)) {
        assert.equal(headers.authorization?.includes(token), false)
      }
    }
  }
  const inside = await gateway.entra.mint({ person: 'alice' })
  const bare = await askFleet({ url: fleetUrl, token: inside }, rpc('tools/list'))
  assert.equal(bare.status, 401)
  const whoami = await send(`${origin}/oauth/whoami`, {
    headers: [['Authorization', `Bearer ${tokens.fleet}`]],
  })
  assert.deepEqual(whoami.json()['resources'], [{ name: 'fleet', permitted: true }])
})

test('broker: the page that asks for consent tells the clusters', async (t) => {
  const { gateway } = await startTwo(t, brokerConfig())
  const page = await createBrowser().get(authorizeUrl(gateway, {}, 'fleet'))
  const text = await page.text()
  assert.match(text, /<strong>fleet<\/strong>/)
  assert.match(text, /Clusters: prod, dev/)
})
