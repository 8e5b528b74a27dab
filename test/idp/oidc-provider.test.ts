import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { type TestContext, test } from 'node:test'
import { decodeJwt, decodeProtectedHeader } from 'jose'
import { createBrowser, signInAt } from '../environment/browser.ts'
import {
  clientRedirect,
  type HeldTokens,
  heldTokens,
  redeem,
  refresh,
  revoke,
  signIn,
} from '../support/broker-client.ts'
import { type OidcGateway, startOidcGateway } from '../support/oidc-gateway.ts'
import {
  type Algorithm,
  AUDIENCE,
  clientId,
  type OidcProvider,
  type OidcProviderOptions,
  startOidcProvider,
} from '../support/oidc-provider.ts'
import { post, send } from '../support/raw-http.ts'
import {
  headerValues,
  type RecordingUpstream,
  startUpstream,
} from '../support/recording-upstream.ts'

interface World {
  readonly idp: OidcProvider
  readonly upstream: RecordingUpstream
  readonly gateway: OidcGateway
}

/** A provider, a rolecall that asks it for refresh tokens as it wants to be asked, and an upstream. */
async function start(t: TestContext, options: OidcProviderOptions, signIn = {}): Promise<World> {
  const idp = await startOidcProvider(t, options)
  const upstream = await startUpstream(t)
  const gateway = await startOidcGateway(t, {
    issuer: idp.issuer,
    upstream: upstream.url,
    identityProvider: {
      signing_algorithms: [options.algorithm ?? 'RS256'],
      authorize_parameters: { prompt: 'consent' },
      groups_claim: 'groups',
    },
    signIn,
    resource: {
      request_scopes: ['openid', 'profile', 'offline_access'],
      required_groups: ['team-a'],
    },
  })
  return { idp, upstream, gateway }
}

/** Calls with a token: the status, and the bearer that went upstream, if one did. */
async function call({ gateway, upstream }: World, { access }: HeldTokens) {
  const before = upstream.received.length
  const { status } = await send(gateway.url, post(access))
  const headers = upstream.received[before]?.rawHeaders ?? []
  return { status, bearers: headerValues(headers, 'authorization') }
}

const algorithms: readonly Algorithm[] = ['RS256', 'ES256', 'EdDSA']
const refreshTokens = [
  { rotates: true, words: 'rotating refresh tokens' },
  { rotates: false, words: 'refresh tokens that last' },
]
const paths = [
  { path: '', words: 'an issuer without a path' },
  { path: '/realms/main', words: 'an issuer with a path' },
]

for (const algorithm of algorithms) {
  for (const { rotates, words: renewal } of refreshTokens) {
    for (const { path, words: issuer } of paths) {
      test(`${algorithm}, ${renewal}, ${issuer}: people sign in, call and refresh twice`, async (t) => {
        const world = await start(t, { algorithm, rotates, path })
        const { idp, gateway } = world
        let held = await signIn(gateway, createBrowser(), { username: 'alice' })
        const seen: string[] = []
        for (const round of [1, 2, 3]) {
          const { status, bearers } = await call(world, held)
          assert.equal(status, 200)
          assert.equal(bearers.length, 1)
          const [token = ''] = bearers.map((bearer) => bearer.replace(/^Bearer /, ''))
          assert.equal(decodeProtectedHeader(token).alg, algorithm)
          const { iss, sub, aud } = decodeJwt(token)
          assert.deepEqual([iss, sub, aud], [idp.issuer, 'alice', AUDIENCE])
          assert.ok(!seen.includes(token), 'a refresh brings another token')
          seen.push(token)
          assert.equal(idp.tokenCalls.length, round)
          held = heldTokens(await refresh(gateway, held), held.clientId)
        }
        const sent = idp.tokenCalls.map(({ form }) => form['refresh_token']).slice(1)
        assert.equal(new Set(sent).size, rotates ? sent.length : 1)
      })
    }
  }
}

test('a session that its client revokes is not refreshed, and the provider is not asked', async (t) => {
  const { idp, gateway } = await start(t, { rotates: true })
  const held = await signIn(gateway, createBrowser(), { username: 'alice' })
  assert.equal(await revoke(gateway, held), 200)
  const { status, body } = await refresh(gateway, held)
  assert.deepEqual([status, body['error']], [400, 'invalid_grant'])
  assert.equal(idp.tokenCalls.length, 1)
})

test('whom the provider knows in no required group signs in, and no call of theirs goes up', async (t) => {
  const world = await start(t, {})
  const held = await signIn(world.gateway, createBrowser(), { username: 'bob' })
  assert.deepEqual(await call(world, held), { status: 200, bearers: [] })
})

test('the tokens themselves can be handed out, and are then the ones that are called with', async (t) => {
  const world = await start(t, { algorithm: 'ES256' }, { tokens: 'passthrough' })
  const held = await signIn(world.gateway, createBrowser(), { username: 'alice' })
  assert.equal(decodeJwt(held.access).aud, AUDIENCE)
  assert.deepEqual(await call(world, held), { status: 200, bearers: [`Bearer ${held.access}`] })
})

for (const rotates of [true, false]) {
  const renewal = rotates ? 'rotate' : 'last'
  test(`relay: the browser goes to the provider itself, and refresh tokens ${renewal}`, async (t) => {
    const client = { redirect_uris: [clientRedirect] }
    const world = await start(t, { rotates, path: '/op', client }, { mode: 'relay' })
    const { gateway, idp } = world
    const metadata = await fetch(`${gateway.origin}/.well-known/oauth-authorization-server`)
    const { authorization_endpoint: authorize } = (await metadata.json()) as Record<string, string>
    assert.equal(authorize, `${idp.issuer}/auth`)
    const verifier = 'a-code-verifier-that-is-long-enough-for-rfc-7636'
    const query = new URLSearchParams({
      client_id: clientId,
      redirect_uri: clientRedirect,
      response_type: 'code',
      scope: 'openid profile offline_access',
      prompt: 'consent',
      code_challenge: createHash('sha256').update(verifier).digest('base64url'),
      code_challenge_method: 'S256',
    })
    const back = await signInAt(createBrowser(), `${authorize}?${query}`, { username: 'alice' })
    const answer = await redeem(gateway, { clientId, verifier }, back)
    let held = heldTokens(answer, clientId)
    for (const round of [1, 2]) {
      const { status, bearers } = await call(world, held)
      assert.deepEqual([status, bearers], [200, [`Bearer ${held.access}`]])
      assert.equal(idp.tokenCalls.length, round)
      held = heldTokens(await refresh(gateway, held), clientId)
    }
  })
}
