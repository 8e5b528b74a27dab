import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { decodeJwt, decodeProtectedHeader } from 'jose'
import { type HeldTokens, heldTokens, refresh, signIn } from '../support/broker-client.ts'
import { createBrowser } from '../support/browser.ts'
import { type OidcGateway, startOidcGateway } from '../support/oidc-gateway.ts'
import {
  type Algorithm,
  AUDIENCE,
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
