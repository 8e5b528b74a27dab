import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeJwt } from 'jose'
import { signInAt } from '../../environment/browser.ts'
import {
  beginSignIn,
  heldTokens,
  redeem,
  refresh,
  signIn,
  type TokenAnswer,
} from '../../support/broker-client.ts'
import type { OidcGatewayOptions } from '../../support/oidc-gateway.ts'
import { post, send, toolCall } from '../../support/raw-http.ts'
import { headerValues, startUpstream } from '../../support/recording-upstream.ts'
import type { Keycloak } from './keycloak.ts'
import { AUDIENCE, SECRET } from './realm.ts'
import { browserFor, issuerOf, startRolecall, type TheKeycloak, visitor } from './world.ts'

/** Who gets in, with what, and what people are told whose client at Keycloak lacks something. */
export function signInSuite(theKeycloak: TheKeycloak): void {
  test('people sign in, and each call carries their own token; who is in no group has none', async (t) => {
    const keycloak = theKeycloak()
    const upstream = await startUpstream(t)
    const gateway = await startRolecall(t, keycloak, {
      upstream: upstream.url,
      resource: { required_groups: ['team-a', 'team-b'] },
    })
    for (const person of ['alice', 'bob', 'carol'] as const) {
      const held = await signIn(gateway, browserFor(keycloak), visitor(person))
      const before = upstream.received.length
      const { status, text } = await send(gateway.url, post(held.access, toolCall('pods_list')))
      assert.equal(status, 200)
      const bearers = headerValues(upstream.received[before]?.rawHeaders ?? [], 'authorization')
      if (person === 'carol') {
        assert.deepEqual(bearers, [])
        assert.match(text, /carol is in none of the groups/)
        continue
      }
      const claims = decodeJwt((bearers[0] ?? '').replace('Bearer ', ''))
      const { iss, aud, azp, typ, preferred_username } = claims
      const expected = [issuerOf(keycloak), [AUDIENCE, 'account'], 'rolecall', 'Bearer', person]
      assert.deepEqual([iss, aud, azp, typ, preferred_username], expected)
      const again = heldTokens(await refresh(gateway, held), held.clientId)
      assert.equal((await send(gateway.url, post(again.access))).status, 200)
    }
  })

  test('its ID tokens and refresh tokens are no access tokens', async (t) => {
    const keycloak = theKeycloak()
    const gateway = await startRolecall(t, keycloak, {
      upstream: (await startUpstream(t)).url,
      identityProvider: { signing_algorithms: ['RS256'] },
      signIn: { tokens: 'passthrough' },
      // So that nothing but the kind speaks against the ID token.
      resource: { audiences: [AUDIENCE, 'rolecall'] },
    })
    const tokens = await allTokens(keycloak)
    const statusAndWords = async (token = ''): Promise<string> => {
      const { status, text } = await send(gateway.url, post(token))
      return `${status} ${text}`
    }
    assert.match(await statusAndWords(tokens['access_token']), /^200/)
    assert.match(await statusAndWords(tokens['id_token']), /^401.*This is an ID token/)
    assert.match(await statusAndWords(tokens['refresh_token']), /^401.*signing_algorithms/)
  })

  for (const { client, mark } of [
    { client: 'service', mark: /preferred_username is that of a service account/ },
    { client: 'nameless-service', mark: /clientHost and clientAddress are of service accounts/ },
  ]) {
    test(`a token of the service account of client ${client} is an application's`, async (t) => {
      const keycloak = theKeycloak()
      const upstream = await startUpstream(t)
      const gateway = await startRolecall(t, keycloak, {
        upstream: upstream.url,
        signIn: { tokens: 'passthrough' },
        resource: { allowed_clients: [client] },
      })
      const { access_token: token = '' } = await tokensOf(keycloak, {
        grant_type: 'client_credentials',
        client_id: client,
      })
      const { status, text } = await send(gateway.url, post(token))
      assert.equal(status, 401, text)
      assert.match(text, mark, JSON.stringify(decodeJwt(token)))
      assert.equal(upstream.received.length, 0)
    })
  }

  for (const { client, lacks, words } of [
    {
      client: 'without-mapper',
      lacks: 'the audience mapper',
      words: /is for account, and this resource takes tokens for kubernetes.*audiences/,
    },
    {
      client: 'without-audience',
      lacks: 'any audience',
      words: /no audience \(aud\); this resource takes tokens for kubernetes/,
    },
    {
      client: 'without-basic',
      lacks: 'the scope basic',
      words: /has no subject \(sub\).*Keycloak: the client scope basic/,
    },
    {
      client: 'lightweight',
      lacks: 'tokens with claims in them',
      words: /has no (audience \(aud\)|subject \(sub\))/,
    },
  ]) {
    test(`a client that lacks ${lacks} ends the sign-in in words`, async (t) => {
      const answer = await tokenAnswer(t, theKeycloak(), {
        identityProvider: { client_id: client },
      })
      assert.deepEqual([answer.status, answer.body['error']], [400, 'invalid_grant'])
      assert.match(String(answer.body['error_description']), words)
    })
  }

  test('a secret that Keycloak refuses is our own fault, whatever Keycloak calls it', async (t) => {
    const { status, body } = await tokenAnswer(t, theKeycloak(), {
      identityProvider: { client_secret: 'wrong' },
    })
    assert.deepEqual([status, body['error']], [503, 'temporarily_unavailable'])
    assert.match(
      String(body['error_description']),
      /operator of rolecall: check.*client_secret_file/,
    )
  })

  test('a scope that Keycloak does not know is told to the client, with the setting', async (t) => {
    const keycloak = theKeycloak()
    const gateway = await startRolecall(t, keycloak, {
      resource: { request_scopes: ['kubernetes/.default', 'openid'] },
    })
    const begun = await beginSignIn(gateway)
    const { searchParams } = await signInAt(browserFor(keycloak), begun.url, visitor('alice'))
    assert.equal(searchParams.get('error'), 'server_error')
    assert.match(searchParams.get('error_description') ?? '', /request_scopes/)
    assert.equal(searchParams.get('iss'), gateway.origin)
  })
}

async function tokenAnswer(
  t: Parameters<typeof startRolecall>[0],
  keycloak: Keycloak,
  over: Partial<OidcGatewayOptions>,
): Promise<TokenAnswer> {
  const gateway = await startRolecall(t, keycloak, over)
  const begun = await beginSignIn(gateway)
  return redeem(gateway, begun, await signInAt(browserFor(keycloak), begun.url, visitor('alice')))
}

/** Every token of one sign-in, straight from Keycloak. */
function allTokens(keycloak: Keycloak): Promise<Record<string, string>> {
  return tokensOf(keycloak, {
    grant_type: 'password',
    client_id: 'rolecall',
    username: 'alice',
    password: 'alice-pw',
    scope: 'openid',
  })
}

async function tokensOf(
  keycloak: Keycloak,
  form: Readonly<Record<string, string>>,
): Promise<Record<string, string>> {
  const response = await keycloak.fetch(`${issuerOf(keycloak)}/protocol/openid-connect/token`, {
    method: 'POST',
    body: new URLSearchParams({ client_secret: SECRET, ...form }),
  })
  return (await response.json()) as Record<string, string>
}
