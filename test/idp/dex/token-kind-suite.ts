import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { decodeJwt } from 'jose'
import { signInAt } from '../../environment/browser.ts'
import { beginSignIn, redeem } from '../../support/broker-client.ts'
import { post, send } from '../../support/raw-http.ts'
import { startUpstream } from '../../support/recording-upstream.ts'
import { AUDIENCE, addressOf, CLIENT, OTHER_CLIENT, SECRET } from './configuration.ts'
import type { Dex } from './dex.ts'
import { browserFor, SCOPES, startRolecall, type TheDex, visitor } from './world.ts'

/** What becomes of dex's tokens, whose access tokens are marked as ID tokens, too. */
export function tokenKindSuite(theDex: TheDex): void {
  test('where token_kind is left as it is, the sign-in ends in words that name it', async (t) => {
    const dex = theDex()
    for (const audience of [AUDIENCE, CLIENT]) {
      const resource = { token_kind: 'access_token', audiences: [audience] }
      const gateway = await startRolecall(t, dex, { resource })
      const begun = await beginSignIn(gateway)
      const back = await signInAt(browserFor(dex), begun.url, visitor('alice'))
      const { status, body } = await redeem(gateway, begun, back)
      assert.deepEqual([status, body['error']], [400, 'invalid_grant'])
      assert.match(
        String(body['error_description']),
        /looks like an ID token.*token_kind = "id_token"/,
      )
    }
  })

  test('its access tokens have the claims of its ID tokens, and both are taken where ID tokens are, and nowhere else', async (t) => {
    const dex = theDex()
    const tokens = Object.values(await tokensFor(dex, CLIENT))
    const [access = {}, id = {}] = tokens.map((token) => decodeJwt(token))
    assert.deepEqual(Object.keys(access), Object.keys(id))
    assert.ok('at_hash' in access)
    assert.deepEqual([access.aud, access['azp']], [id.aud, id['azp']])
    const takesIds = await startPassthrough(t, dex, 'id_token')
    const takesAccess = await startPassthrough(t, dex, 'access_token')
    for (const token of tokens) {
      assert.equal((await takesIds(token)).status, 200)
      const { status, text } = await takesAccess(token)
      assert.equal(status, 401)
      assert.match(text, /is an ID token.*token_kind/)
    }
  })

  test('tokens for the cluster that dex issued to another client are refused, and that client is named', async (t) => {
    const dex = theDex()
    const call = await startPassthrough(t, dex, 'id_token')
    const tokens = await tokensFor(dex, OTHER_CLIENT)
    assert.deepEqual(decodeJwt(tokens.id).aud, [AUDIENCE, OTHER_CLIENT])
    for (const token of Object.values(tokens)) {
      const { status, text } = await call(token)
      assert.equal(status, 401)
      assert.match(text, /issued to client other-app, which is not in allowed_clients/)
    }
  })
}

/** A rolecall that is called with dex's own tokens. */
async function startPassthrough(t: TestContext, dex: Dex, kind: 'access_token' | 'id_token') {
  const upstream = await startUpstream(t)
  const gateway = await startRolecall(t, dex, {
    upstream: upstream.url,
    signIn: { tokens: 'passthrough' },
    resource: { token_kind: kind },
  })
  return (token: string) => send(gateway.url, post(token))
}

/** Both tokens of one sign-in of alice with a client of dex. */
async function tokensFor({ fetch, issuer }: Dex, clientId: string) {
  const response = await fetch(`${issuer}/token`, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'password',
      client_id: clientId,
      client_secret: SECRET,
      username: addressOf('alice'),
      password: 'alice-pw',
      scope: SCOPES.join(' '),
    }),
  })
  const answer = (await response.json()) as Record<string, string>
  return { access: answer['access_token'] ?? '', id: answer['id_token'] ?? '' }
}
