import assert from 'node:assert/strict'
import { test } from 'node:test'
import { resourceConfig } from '../../support/gateway.ts'
import { discoverAsHolmes } from '../../support/holmes-discovery.ts'
import { send } from '../../support/raw-http.ts'
import { scope } from '../../support/relay-gateway.ts'
import { broker, MODES, startInMode } from '../../support/sign-in-modes.ts'

const NOWHERE = 'http://127.0.0.1:9/mcp'
const SCOPES = scope.split(' ')
const INTERNAL = 'rolecall.holmes.svc.cluster.local:8080'
const two = {
  config: { internal_hosts: [INTERNAL] },
  resources: [
    resourceConfig(NOWHERE, { request_scopes: SCOPES }),
    resourceConfig(NOWHERE, { name: 'dev', path: '/team/dev', request_scopes: SCOPES }),
  ],
}

test('the probes of HolmesGPT are a 401 with the metadata’s address and a 404 without a challenge', async (t) => {
  for (const mode of MODES) {
    const { origin, url } = await startInMode(t, mode)
    const post = await send(url, {
      method: 'POST',
      headers: [
        ['Accept', '*/*'],
        ['Content-Length', '0'],
      ],
    })
    assert.equal(post.status, 401, mode)
    assert.ok(
      post.headers['www-authenticate']?.includes(
        `resource_metadata="${origin}/.well-known/oauth-protected-resource/mcp"`,
      ),
    )
    const get = await send(`${url}/.well-known/oauth-protected-resource`)
    assert.equal(get.status, 404, mode)
    assert.equal(get.headers['www-authenticate'], undefined)
  }
})

test('relay: HolmesGPT finds everything in two requests, with and without a slash, inside and outside', async (t) => {
  const gateway = await startInMode(t, 'relay', two)
  const { origin, entra } = gateway
  const found = {
    scopes: SCOPES,
    authorizationUrl: `${entra.origin}/${entra.tenantId}/oauth2/v2.0/authorize`,
    tokenUrl: `${origin}/oauth/token`,
    registrationEndpoint: undefined,
  }
  for (const url of [`${origin}/mcp`, `${origin}/mcp/`, `http://${INTERNAL}/mcp`]) {
    assert.deepEqual(
      await discoverAsHolmes(url, origin),
      {
        requests: [
          'GET /mcp/.well-known/oauth-protected-resource 404',
          'POST /mcp 401',
          'GET /.well-known/oauth-protected-resource/mcp 200',
          'GET /.well-known/oauth-authorization-server 200',
        ],
        ...found,
      },
      url,
    )
  }
  assert.deepEqual(await discoverAsHolmes(`http://${INTERNAL}/team/dev`, origin), {
    requests: [
      'GET /team/dev/.well-known/oauth-protected-resource 404',
      'POST /team/dev 401',
      'GET /.well-known/oauth-protected-resource/team/dev 200',
      'GET /.well-known/oauth-authorization-server/oauth/dev 200',
    ],
    ...found,
  })
})

test('broker: two clusters have two authorization endpoints, so that HolmesGPT keeps their tokens apart', async (t) => {
  const { origin } = await startInMode(t, 'broker', two)
  const [prod, dev] = [
    await discoverAsHolmes(`${origin}/mcp`, origin),
    await discoverAsHolmes(`${origin}/team/dev`, origin),
  ]
  assert.equal(prod.authorizationUrl, `${origin}/oauth/authorize`)
  assert.equal(dev.authorizationUrl, `${origin}/oauth/dev/authorize`)
  assert.equal(prod.registrationEndpoint, `${origin}/oauth/register`)
  assert.equal(dev.tokenUrl, `${origin}/oauth/dev/token`)
  assert.deepEqual(prod.scopes, ['mcp'])
  const closed = await startInMode(t, { ...broker, registration: false })
  const without = await discoverAsHolmes(closed.url, closed.origin)
  assert.equal(without.registrationEndpoint, undefined)
})

test('off: HolmesGPT is led to the provider, whose document is at the last place that it looks', async (t) => {
  const { origin, url, entra } = await startInMode(t, 'off', two)
  const found = await discoverAsHolmes(url, origin)
  const tenant = `/${entra.tenantId}/v2.0`
  assert.deepEqual(found.requests.slice(2), [
    'GET /.well-known/oauth-protected-resource/mcp 200',
    `GET ${entra.origin}/.well-known/oauth-authorization-server${tenant} 404`,
    `GET ${entra.origin}/.well-known/openid-configuration${tenant} 404`,
    `GET ${entra.origin}${tenant}/.well-known/openid-configuration 200`,
  ])
  assert.equal(found.tokenUrl, `${entra.origin}/${entra.tenantId}/oauth2/v2.0/token`)
})

test('what the resource is called does not depend on the name by which it was asked', async (t) => {
  const { origin } = await startInMode(t, 'relay', two)
  for (const path of ['', '/mcp', '/team/dev']) {
    const url = `${origin}/.well-known/oauth-protected-resource${path}`
    const outside = await send(url)
    const inside = await send(url, { headers: [['Host', INTERNAL]] })
    assert.equal(inside.text, outside.text)
    assert.equal(outside.json()['resource'], `${origin}${path || '/mcp'}`)
  }
  const refused = await send(`${origin}/mcp`, { method: 'POST', headers: [['Host', INTERNAL]] })
  assert.ok(refused.headers['www-authenticate']?.includes(`resource_metadata="${origin}/`))
})
