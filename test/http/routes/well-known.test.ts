import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  discoverAuthorizationServerMetadata,
  discoverOAuthProtectedResourceMetadata,
  discoverOAuthServerInfo,
  extractWWWAuthenticateParams,
} from '@modelcontextprotocol/sdk/client/auth.js'
import {
  OAuthMetadataSchema,
  OAuthProtectedResourceMetadataSchema,
  OpenIdProviderDiscoveryMetadataSchema,
} from '@modelcontextprotocol/sdk/shared/auth.js'
import { SimulatedClock } from '../../support/clock.ts'
import { type Gateway, resourceConfig, startEntra } from '../../support/gateway.ts'
import { send } from '../../support/raw-http.ts'
import { scope } from '../../support/relay-gateway.ts'
import { broker, MODES, startInMode } from '../../support/sign-in-modes.ts'

const NOWHERE = 'http://127.0.0.1:9/mcp'
const SCOPES = scope.split(' ')

/** Two resources, whose metadata has every form of a path there is. */
const two = {
  resources: [
    resourceConfig(NOWHERE, { name: 'prod', path: '/mcp', request_scopes: SCOPES }),
    resourceConfig(NOWHERE, { name: 'dev', path: '/team/dev', request_scopes: ['api://dev/x'] }),
  ],
}

/** Where the metadata of their authorization servers is. */
const PATHS = {
  prod: [
    '/.well-known/oauth-authorization-server',
    '/.well-known/openid-configuration',
    '/.well-known/oauth-authorization-server/mcp',
    '/.well-known/openid-configuration/mcp',
    '/mcp/.well-known/openid-configuration',
  ],
  dev: [
    '/.well-known/oauth-authorization-server/oauth/dev',
    '/.well-known/openid-configuration/oauth/dev',
    '/oauth/dev/.well-known/openid-configuration',
    '/.well-known/oauth-authorization-server/team/dev',
    '/.well-known/openid-configuration/team/dev',
    '/team/dev/.well-known/openid-configuration',
  ],
} as const
const ALL_PATHS = [...PATHS.prod, ...PATHS.dev]

/** What the documents of every mode have in common. */
function common({ entra }: Gateway) {
  return {
    jwks_uri: `${entra.origin}/${entra.tenantId}/discovery/v2.0/keys`,
    response_types_supported: ['code'],
    response_modes_supported: ['query'],
    grant_types_supported: ['authorization_code', 'refresh_token'],
    code_challenge_methods_supported: ['S256'],
    token_endpoint_auth_methods_supported: ['none', 'client_secret_basic', 'client_secret_post'],
    subject_types_supported: ['pairwise'],
    id_token_signing_alg_values_supported: ['RS256'],
  }
}

async function sameEverywhere(gateway: Gateway, paths: readonly string[]): Promise<unknown> {
  const texts = new Set<string>()
  for (const path of paths) {
    for (const host of [new URL(gateway.origin).host, 'rolecall.holmes.svc:8080', 'evil.example']) {
      const headers = [
        ['Host', host],
        ['Origin', 'https://anything.example'],
        ['X-Forwarded-Host', 'evil.example'],
        ['X-Forwarded-Proto', 'https'],
      ] as const
      const answer = await send(`${gateway.origin}${path}`, { headers })
      assert.equal(answer.status, 200, `${path}: ${answer.text}`)
      assert.match(answer.headers['content-type'] ?? '', /^application\/json/)
      assert.equal(answer.headers['access-control-allow-origin'], '*')
      assert.equal(answer.headers['access-control-allow-credentials'], undefined)
      assert.equal(answer.headers['cache-control'], 'public, max-age=60')
      texts.add(answer.text)
    }
  }
  assert.equal(texts.size, 1)
  return JSON.parse([...texts][0] ?? '')
}

test('relay: the document is ours, with the provider’s authorization endpoint and our token endpoint', async (t) => {
  const gateway = await startInMode(t, 'relay', two)
  const { origin, entra } = gateway
  const authorize = `${entra.origin}/${entra.tenantId}/oauth2/v2.0/authorize`
  const shared = {
    ...common(gateway),
    authorization_endpoint: authorize,
    token_endpoint: `${origin}/oauth/token`,
  }
  assert.deepEqual(await sameEverywhere(gateway, PATHS.prod), {
    ...shared,
    issuer: origin,
    scopes_supported: SCOPES,
  })
  assert.deepEqual(await sameEverywhere(gateway, PATHS.dev), {
    ...shared,
    issuer: `${origin}/oauth/dev`,
    scopes_supported: ['api://dev/x'],
  })
})

test('broker: the document and every endpoint in it are ours, apart for each resource', async (t) => {
  const gateway = await startInMode(t, 'broker', two)
  for (const [paths, issuer, base] of [
    [PATHS.prod, gateway.origin, `${gateway.origin}/oauth`],
    [PATHS.dev, `${gateway.origin}/oauth/dev`, `${gateway.origin}/oauth/dev`],
  ] as const) {
    assert.deepEqual(await sameEverywhere(gateway, paths), {
      ...common(gateway),
      issuer,
      authorization_endpoint: `${base}/authorize`,
      token_endpoint: `${base}/token`,
      registration_endpoint: `${base}/register`,
      revocation_endpoint: `${base}/revoke`,
      revocation_endpoint_auth_methods_supported:
        common(gateway).token_endpoint_auth_methods_supported,
      scopes_supported: ['mcp'],
      authorization_response_iss_parameter_supported: true,
    })
  }
})

test('broker: what its settings switch off is not advertised, what they switch on is', async (t) => {
  const settings = {
    registration: false,
    issuer_parameter: false,
    client_metadata_hosts: ['claude.ai'],
  }
  const gateway = await startInMode(t, { ...broker, ...settings })
  const document = (await send(`${gateway.origin}/.well-known/oauth-authorization-server`)).json()
  assert.equal('registration_endpoint' in document, false)
  assert.equal(document['authorization_response_iss_parameter_supported'], false)
  assert.equal(document['client_id_metadata_document_supported'], true)
})

test('off: no authorization server is ours, and each of its paths is 404 without a challenge', async (t) => {
  const gateway = await startInMode(t, 'off', two)
  for (const path of ALL_PATHS) {
    const answer = await send(`${gateway.origin}${path}`)
    assert.equal(answer.status, 404, path)
    assert.equal(answer.json()['error'], 'not_found')
    assert.equal(answer.headers['www-authenticate'], undefined)
  }
})

test('the resource names the authorization server and the scopes of its mode', async (t) => {
  for (const [mode, issuers, scopes] of [
    ['off', undefined, SCOPES],
    ['relay', ['', '/oauth/dev'], SCOPES],
    ['broker', ['', '/oauth/dev'], ['mcp']],
  ] as const) {
    const gateway = await startInMode(t, mode, two)
    const { origin, entra } = gateway
    const named = async (path: string) =>
      (await send(`${origin}/.well-known/oauth-protected-resource${path}`)).json()
    const [first, root, second] = [await named('/mcp'), await named(''), await named('/team/dev')]
    const theirs = `${entra.origin}/${entra.tenantId}/v2.0`
    assert.deepEqual(root, first)
    assert.deepEqual(first['authorization_servers'], [issuers ? origin : theirs], mode)
    assert.deepEqual(second['authorization_servers'], [issuers ? `${origin}/oauth/dev` : theirs])
    assert.deepEqual(first['scopes_supported'], scopes)
    assert.equal(first['resource'], `${origin}/mcp`)
    assert.equal(second['resource'], `${origin}/team/dev`)
    for (const document of [first, second]) OAuthProtectedResourceMetadataSchema.parse(document)
  }
})

test('a challenge asks for the scopes of the mode', async (t) => {
  for (const mode of MODES) {
    const gateway = await startInMode(t, mode)
    const answer = await send(gateway.url, { method: 'POST' })
    assert.equal(answer.status, 401)
    assert.equal(
      answer.headers['www-authenticate'],
      `Bearer resource_metadata="${gateway.origin}/.well-known/oauth-protected-resource/mcp", scope="${mode === 'broker' ? 'mcp' : scope}"`,
    )
  }
})

for (const mode of ['relay', 'broker'] as const) {
  test(`${mode}: until discovery the document is 503 with Retry-After, never a wrong one`, async (t) => {
    const entra = await startEntra(t)
    entra.outage('503')
    const clock = new SimulatedClock(Date.now())
    const gateway = await startInMode(t, mode, { ...two, entra, clock, cold: true })
    for (const path of ALL_PATHS) {
      const answer = await send(`${gateway.origin}${path}`)
      assert.equal(answer.status, 503, path)
      assert.equal(answer.json()['error'], 'temporarily_unavailable')
      assert.match(String(answer.json()['error_description']), /discovery document/)
      assert.match(answer.headers['retry-after'] ?? '', /^[1-9]\d*$/)
      assert.equal(answer.headers['cache-control'], 'no-store')
      assert.equal(answer.headers['access-control-allow-origin'], '*')
      assert.equal(answer.headers['www-authenticate'], undefined)
    }
    const resource = await send(`${gateway.origin}/.well-known/oauth-protected-resource/mcp`)
    assert.deepEqual(resource.json()['authorization_servers'], [gateway.origin])

    entra.outage('none')
    const status = async () => (await send(`${gateway.origin}${PATHS.prod[0]}`)).status
    for (let i = 0; i < 100 && (await status()) === 503; i += 1) await clock.advance(1000)
    assert.equal(await status(), 200)
  })
}

test('relay: without a place to sign in at the provider the document stays 503, and calls go on', async (t) => {
  const entra = await startEntra(t)
  const path = `/${entra.tenantId}/v2.0/.well-known/openid-configuration`
  const { authorization_endpoint: _left, ...rest } = (await send(`${entra.origin}${path}`)).json()
  entra.answer(path, {
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(rest),
  })
  const gateway = await startInMode(t, 'relay', { entra })
  assert.equal((await send(`${gateway.origin}${PATHS.prod[0]}`)).status, 503)
  assert.equal((await send(gateway.url, { method: 'POST' })).status, 401)
})

test('any page may ask for a document; no other method does, and nothing redirects', async (t) => {
  const gateway = await startInMode(t, 'relay', two)
  const { origin } = gateway
  for (const path of [...ALL_PATHS, '/.well-known/oauth-protected-resource/mcp']) {
    const preflight = await send(`${origin}${path}`, {
      method: 'OPTIONS',
      headers: [
        ['Origin', 'https://anything.example'],
        ['Access-Control-Request-Method', 'GET'],
        ['Access-Control-Request-Headers', 'mcp-protocol-version'],
      ],
    })
    assert.equal(preflight.status, 204)
    assert.equal(preflight.headers['access-control-allow-origin'], '*')
    assert.equal(preflight.headers['access-control-allow-headers'], 'mcp-protocol-version')
    for (const method of ['POST', 'PUT', 'DELETE']) {
      const answer = await send(`${origin}${path}`, { method, body: '{"a":' })
      assert.equal(answer.status, 405, `${method} ${path}`)
      assert.equal(answer.headers.allow, 'GET, HEAD, OPTIONS')
    }
    const document = await send(`${origin}${path}`)
    const head = await send(`${origin}${path}`, { method: 'HEAD' })
    assert.deepEqual([head.status, head.text], [200, ''], path)
    assert.equal(head.headers['content-length'], document.headers['content-length'])
    const slashed = await send(`${origin}${path}/`)
    assert.deepEqual([slashed.status, slashed.text], [200, document.text], path)
    assert.equal((await send(`${origin}${path}//`)).status, 404, path)
  }
})

test('strict parsers take every document', async (t) => {
  for (const mode of ['relay', 'broker'] as const) {
    const gateway = await startInMode(t, mode, two)
    for (const path of ALL_PATHS) {
      const document = (await send(`${gateway.origin}${path}`)).json()
      assert.deepEqual(OAuthMetadataSchema.parse(document), document)
      OpenIdProviderDiscoveryMetadataSchema.parse(document)
    }
  }
})

test('the MCP SDK finds the authorization server of each resource by its own discovery', async (t) => {
  for (const mode of ['relay', 'broker'] as const) {
    const gateway = await startInMode(t, mode, two)
    for (const { path, issuer } of [
      { path: '/mcp', issuer: gateway.origin },
      { path: '/mcp/', issuer: gateway.origin },
      { path: '/team/dev', issuer: `${gateway.origin}/oauth/dev` },
    ]) {
      const url = `${gateway.origin}${path}`
      const refused = await fetch(url, { method: 'POST' })
      const challenge = extractWWWAuthenticateParams(refused)
      const resource = await discoverOAuthProtectedResourceMetadata(url, {
        ...(challenge.resourceMetadataUrl && {
          resourceMetadataUrl: challenge.resourceMetadataUrl,
        }),
      })
      assert.deepEqual(await discoverOAuthProtectedResourceMetadata(url), resource)
      assert.deepEqual(resource.authorization_servers, [issuer])
      assert.equal(challenge.scope, resource.scopes_supported?.join(' '))
      const server = await discoverAuthorizationServerMetadata(issuer)
      assert.equal(server?.issuer, issuer)
      const found = await discoverOAuthServerInfo(url)
      assert.equal(found.authorizationServerUrl, issuer)
      assert.deepEqual(found.authorizationServerMetadata, server)
    }
  }
})

test('a client that finds no resource metadata still finds the server at the resource’s own path', async (t) => {
  const gateway = await startInMode(t, 'relay', two)
  for (const [path, issuer] of [
    ['', gateway.origin],
    ['/mcp', gateway.origin],
    ['/team/dev', `${gateway.origin}/oauth/dev`],
  ]) {
    const server = await discoverAuthorizationServerMetadata(`${gateway.origin}${path}`)
    assert.equal(server?.issuer, issuer)
  }
})
