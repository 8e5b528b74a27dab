import assert from 'node:assert/strict'
import { test } from 'node:test'
import { holmes } from '../../environment/mock-entra/directory.ts'
import { SimulatedClock } from '../../support/clock.ts'
import {
  AKS,
  type GatewayOptions,
  registeredConfig,
  resourceConfig,
  startEntra,
} from '../../support/gateway.ts'
import { handedOut } from '../../support/handed-out.ts'
import { send, sendBytes } from '../../support/raw-http.ts'
import { startInMode } from '../../support/sign-in-modes.ts'

const NOWHERE = 'http://127.0.0.1:9/mcp'
const TEAM_A = 'aaaaaaaa-1111-4a11-8a11-aaaaaaaaaaaa'

/** `prod` is for AKS, `admins` too but for nobody there is, `own` for another audience. */
const three: Partial<GatewayOptions> = {
  resources: [
    resourceConfig(NOWHERE, { name: 'prod', path: '/mcp' }),
    resourceConfig(NOWHERE, {
      name: 'admins',
      path: '/admins',
      required_groups: ['00000000-0000-4000-8000-000000000000'],
    }),
    resourceConfig(NOWHERE, { name: 'own', path: '/own', audiences: ['api://rolecall'] }),
  ],
}

function ask(origin: string, token?: string, more: readonly (readonly [string, string])[] = []) {
  const bearer = token === undefined ? [] : ([['Authorization', `Bearer ${token}`]] as const)
  return send(`${origin}/oauth/whoami`, { headers: [...bearer, ...more] })
}

for (const mode of ['relay', 'broker'] as const) {
  test(`${mode}: the bearer is told who that is, until when, and which resources take the token`, async (t) => {
    const gateway = await startInMode(t, mode, three)
    const exp = Math.floor(Date.now() / 1000) + 600
    const token = await gateway.entra.mint({ claims: { exp, sub: 'the-sub' } })
    const answer = await ask(gateway.origin, await handedOut(gateway, token))
    assert.equal(answer.status, 200, answer.text)
    const { client, session, ...told } = answer.json()
    // Only what rolecall sealed says in which session it was handed out.
    const isSealed = mode === 'broker'
    assert.deepEqual([client !== undefined, session !== undefined], [isSealed, isSealed])
    assert.deepEqual(told, {
      user: 'alice@contoso.test',
      iss: `https://sts.windows.net/${gateway.entra.tenantId}/`,
      sub: 'the-sub',
      oid: 'a11ce000-0000-4000-8000-000000000001',
      tid: gateway.entra.tenantId,
      azp: holmes.client_id,
      groups: [TEAM_A],
      expires_at: new Date(exp * 1000).toISOString(),
      resources: [
        { name: 'prod', permitted: true },
        { name: 'admins', permitted: false },
      ],
    })
    assert.equal(answer.headers['cache-control'], 'no-store')
    assert.match(answer.headers['content-type'] ?? '', /^application\/json/)
    const id = answer.headers['x-request-id']
    const line = await gateway.logged((one) => one['request_id'] === id)
    assert.equal(line['user'], 'alice@contoso.test')
    assert.equal(line['decision'], 'allow')
    assert.ok(!`${answer.text}${JSON.stringify(gateway.log)}`.includes(token.slice(-40)))
  })
}

test('a token that only a later resource takes is good', async (t) => {
  const gateway = await startInMode(t, 'relay', three)
  const token = await gateway.entra.mint({ kind: 'v2', audience: 'api://rolecall' })
  const answer = await ask(gateway.origin, token)
  assert.equal(answer.status, 200, answer.text)
  assert.deepEqual(answer.json()['resources'], [{ name: 'own', permitted: true }])
})

test('groups are told only where they are known', async (t) => {
  const gateway = await startInMode(t, 'relay', three)
  const few = (await ask(gateway.origin, await gateway.entra.mint({ groups: 3 }))).json()
  assert.equal((few['groups'] as unknown[]).length, 3)
  const none = (await ask(gateway.origin, await gateway.entra.mint({ person: 'carol' }))).json()
  assert.deepEqual(none['groups'], [])
  const many = (await ask(gateway.origin, await gateway.entra.mint({ groups: 201 }))).json()
  assert.equal('groups' in many, false)
  assert.equal(many['groups_missing'], 'left_out')
  assert.equal('groups_missing' in none, false)
})

test('groups that are not read are told as that', async (t) => {
  const entra = await startEntra(t)
  const { groups_claim: _, ...unread } = registeredConfig(entra, { groups_claim: 'groups' })
  const gateway = await startInMode(t, 'relay', { entra, config: { identity_provider: unread } })
  const told = (await ask(gateway.origin, await gateway.entra.mint({ groups: 3 }))).json()
  assert.equal('groups' in told, false)
  assert.equal(told['groups_missing'], 'not_read')
})

test('the end is a moment that RFC 3339 can write: a later one is refused', async (t) => {
  const gateway = await startInMode(t, 'relay', three)
  const last = Date.UTC(9999, 11, 31, 23, 59, 59) / 1000
  const good = await ask(gateway.origin, await gateway.entra.mint({ claims: { exp: last } }))
  assert.equal(good.json()['expires_at'], '9999-12-31T23:59:59.000Z')
  const beyond = await ask(gateway.origin, await gateway.entra.mint({ claims: { exp: last + 1 } }))
  assert.equal(beyond.status, 401)
})

test('a token that no resource takes is refused as at the first, with its challenge', async (t) => {
  const gateway = await startInMode(t, 'relay', three)
  const metadata = `resource_metadata="${gateway.origin}/.well-known/oauth-protected-resource/mcp"`
  const scope = `scope="${AKS}/.default openid profile"`
  const none = await ask(gateway.origin)
  assert.equal(none.status, 401)
  assert.equal(none.headers['www-authenticate'], `Bearer ${metadata}, ${scope}`)
  const foreign = await ask(
    gateway.origin,
    await gateway.entra.mint({ claims: { aud: 'api://elsewhere' } }),
  )
  assert.equal(foreign.status, 401)
  assert.match(foreign.text, /audiences/)
  assert.ok(
    foreign.headers['www-authenticate']?.startsWith(
      `Bearer ${metadata}, ${scope}, error="invalid_token"`,
    ),
  )
  const expired = await ask(gateway.origin, await gateway.entra.mint({ lifetime: -1 }))
  assert.equal(expired.status, 401)
  assert.match(expired.text, /expired/)
  assert.equal((await ask(gateway.origin, 'opaque')).status, 401)
})

test('missing scopes are 403 without a challenge', async (t) => {
  const gateway = await startInMode(t, 'relay', { resource: { required_scopes: ['write'] } })
  const answer = await ask(gateway.origin, await gateway.entra.mint())
  assert.equal(answer.status, 403)
  assert.equal(answer.json()['error'], 'insufficient_scope')
  assert.equal(answer.headers['www-authenticate'], undefined)
})

test('a token that cannot be judged yet is 503, also when the first resource has refused it', async (t) => {
  const entra = await startEntra(t)
  entra.outage('503')
  const gateway = await startInMode(t, 'relay', {
    entra,
    cold: true,
    clock: new SimulatedClock(Date.now()),
    resources: [
      resourceConfig(NOWHERE, { token_issuers: ['https://other.example'] }),
      resourceConfig(NOWHERE, { name: 'dev', path: '/dev' }),
    ],
  })
  const answer = await ask(gateway.origin, await entra.mint())
  assert.equal(answer.status, 503)
  assert.match(answer.headers['retry-after'] ?? '', /^\d+$/)
  assert.equal(answer.headers['www-authenticate'], undefined)
  assert.equal((await ask(gateway.origin)).status, 401)
})

test('exactly one token, in the header, is taken', async (t) => {
  const gateway = await startInMode(t, 'relay', three)
  const token = await gateway.entra.mint()
  const twice = await ask(gateway.origin, token, [['Authorization', `Bearer ${token}`]])
  assert.equal(twice.status, 400)
  assert.equal((await ask(gateway.origin, `${token} x`)).status, 400)
  const inQuery = await send(`${gateway.origin}/oauth/whoami?access_token=${token}`, {
    headers: [['Authorization', `Bearer ${token}`]],
  })
  assert.equal(inQuery.status, 400)
  const id = inQuery.headers['x-request-id']
  const line = await gateway.logged((one) => one['request_id'] === id)
  assert.ok(!JSON.stringify(line).includes(token.slice(-40)))
})

test('Host and Origin are judged as at a resource', async (t) => {
  const gateway = await startInMode(t, 'relay', {
    ...three,
    config: {
      internal_hosts: ['rolecall.holmes.svc:8080'],
      allowed_origins: ['https://ui.example'],
    },
  })
  const token = await gateway.entra.mint()
  assert.equal((await ask(gateway.origin, token, [['Host', 'evil.example']])).status, 421)
  assert.equal(
    (await ask(gateway.origin, token, [['Host', 'rolecall.holmes.svc:8080']])).status,
    200,
  )
  const evil = await ask(gateway.origin, token, [['Origin', 'https://evil.example']])
  assert.equal(evil.status, 403)
  assert.ok(!evil.text.includes('alice'))
  const allowed = await ask(gateway.origin, token, [['Origin', 'https://ui.example']])
  assert.equal(allowed.status, 200)
  assert.equal(allowed.headers['access-control-allow-origin'], 'https://ui.example')
  assert.equal(allowed.headers['access-control-allow-credentials'], undefined)
  const preflight = await send(`${gateway.origin}/oauth/whoami`, {
    method: 'OPTIONS',
    headers: [
      ['Origin', 'https://ui.example'],
      ['Access-Control-Request-Headers', 'authorization'],
    ],
  })
  assert.equal(preflight.status, 204)
  assert.equal(preflight.headers['access-control-allow-headers'], 'authorization')
})

test('another method is 405 with Allow, another spelling of the path is 404', async (t) => {
  const gateway = await startInMode(t, 'relay', three)
  const token = await gateway.entra.mint()
  const headers = [['Authorization', `Bearer ${token}`]] as const
  for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'HEAD']) {
    const answer = await send(`${gateway.origin}/oauth/whoami`, { method, headers })
    assert.equal(answer.status, 405, method)
    assert.equal(answer.headers.allow, 'GET, OPTIONS')
  }
  const { host } = new URL(gateway.origin)
  for (const path of ['/oauth/%77hoami', '/oauth/whoami/', '/oauth//whoami', '/OAUTH/whoami']) {
    const text = await sendBytes(
      gateway.origin,
      `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer ${token}\r\nConnection: close\r\n\r\n`,
    )
    assert.match(text, /^HTTP\/1\.1 404 /, path)
  }
})

const missing = {
  off: ['/oauth/token', '/oauth/whoami'],
  relay: [],
}
const below = [
  '/oauth',
  '/oauth/',
  '/oauth/authorize',
  '/oauth/register',
  '/oauth/revoke',
  '/oauth/callback',
  '/oauth/popup',
  '/oauth/popup.js',
  '/oauth/introspect',
  '/oauth/own/token',
  '/oauth/own/authorize',
  '/oauth/prod/.well-known/openid-configuration',
  '/oauth/token/more',
]
for (const mode of ['off', 'relay'] as const) {
  test(`${mode}: what the mode does not have below /oauth is 404 in JSON, never a 401`, async (t) => {
    const gateway = await startInMode(t, mode, three)
    const token = await gateway.entra.mint()
    for (const path of [...below, ...missing[mode]]) {
      for (const method of ['GET', 'POST']) {
        for (const headers of [[], [['Authorization', `Bearer ${token}`]]] as const) {
          const answer = await send(`${gateway.origin}${path}`, { method, headers })
          assert.equal(answer.status, 404, `${method} ${path}`)
          assert.equal(answer.json()['error'], 'not_found')
          assert.equal(answer.headers['www-authenticate'], undefined)
        }
      }
    }
  })
}
