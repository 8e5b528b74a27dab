import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeJwt, type JWTPayload } from 'jose'
import { signInAt } from '../../environment/browser.ts'
import {
  beginSignIn,
  type HeldTokens,
  heldTokens,
  redeem,
  refresh,
  signIn,
} from '../../support/broker-client.ts'
import { post, send } from '../../support/raw-http.ts'
import {
  headerValues,
  type RecordingUpstream,
  startUpstream,
} from '../../support/recording-upstream.ts'
import { AUDIENCE, addressOf, CLIENT, everybody, OTHER_CLIENT } from './configuration.ts'
import { browserFor, SCOPES, startRolecall, type TheDex, visitor } from './world.ts'

/** Who gets in, with what, and what people are told who asked dex for too little or too much. */
export function signInSuite(theDex: TheDex): void {
  test('people sign in, and each call carries their own ID token, also after all of them refreshed at once', async (t) => {
    const dex = theDex()
    const upstream = await startUpstream(t)
    const gateway = await startRolecall(t, dex, { upstream: upstream.url })
    const sessions = await Promise.all(
      everybody.map(async (person) => ({
        person,
        held: await signIn(gateway, browserFor(dex), visitor(person)),
      })),
    )
    const subjects = new Set<unknown>()
    for (const { person, held } of sessions) {
      const claims = await claimsSentUp(gateway.url, upstream, held)
      const { iss, aud, azp, email, name, sub } = claims
      assert.deepEqual(
        [iss, aud, azp, email, name],
        [dex.issuer, [AUDIENCE, CLIENT], CLIENT, addressOf(person), person],
      )
      // That of a code: dex's access tokens have each other claim, too.
      assert.ok('c_hash' in claims)
      assert.equal('preferred_username' in claims || 'groups' in claims, false)
      subjects.add(sub)
    }
    assert.equal(subjects.size, everybody.length)

    const renewed = await Promise.all(
      sessions.map(async ({ person, held }) => ({
        person,
        held: heldTokens(await refresh(gateway, held), held.clientId),
      })),
    )
    for (const { person, held } of renewed) {
      const { aud, email } = await claimsSentUp(gateway.url, upstream, held)
      assert.deepEqual([aud, email], [[AUDIENCE, CLIENT], addressOf(person)])
    }
    const users = gateway.log.filter(({ kind }) => kind === 'audit').map(({ user }) => user)
    assert.deepEqual(users, [...everybody, ...everybody].map(addressOf))
  })

  test('a cluster that takes tokens for rolecall itself needs no further scope', async (t) => {
    const dex = theDex()
    const upstream = await startUpstream(t)
    const gateway = await startRolecall(t, dex, {
      upstream: upstream.url,
      resource: { audiences: [CLIENT], request_scopes: ['openid', 'email'] },
    })
    const held = await signIn(gateway, browserFor(dex), visitor('alice'))
    const { aud, azp, email } = await claimsSentUp(gateway.url, upstream, held)
    assert.deepEqual([aud, azp, email], [CLIENT, undefined, addressOf('alice')])
  })

  test('without the scope for the audience the sign-in ends in words', async (t) => {
    const dex = theDex()
    const gateway = await startRolecall(t, dex, {
      resource: { request_scopes: ['openid', 'email'] },
    })
    const begun = await beginSignIn(gateway)
    const back = await signInAt(browserFor(dex), begun.url, visitor('alice'))
    const { status, body } = await redeem(gateway, begun, back)
    assert.deepEqual([status, body['error']], [400, 'invalid_grant'])
    const words = /is for rolecall, and this resource takes tokens for kubernetes.*audiences/
    assert.match(String(body['error_description']), words)
  })

  for (const { scope, what } of [
    { scope: `audience:server:client_id:${OTHER_CLIENT}`, what: 'for a client that trusts nobody' },
    { scope: 'kubernetes/.default', what: 'that dex does not know' },
  ]) {
    test(`a scope ${what} is told to the client, with the setting`, async (t) => {
      const dex = theDex()
      const gateway = await startRolecall(t, dex, {
        resource: { request_scopes: [...SCOPES, scope] },
      })
      const begun = await beginSignIn(gateway)
      const { searchParams } = await signInAt(browserFor(dex), begun.url, visitor('alice'))
      assert.equal(searchParams.get('error'), 'server_error')
      assert.match(searchParams.get('error_description') ?? '', /request_scopes/)
      assert.equal(searchParams.get('state'), begun.state)
      assert.equal(searchParams.get('iss'), gateway.origin)
    })
  }
}

/** Calls once: what stands in the one token that the upstream then got. */
async function claimsSentUp(
  url: string,
  upstream: RecordingUpstream,
  { access }: HeldTokens,
): Promise<JWTPayload> {
  const before = upstream.received.length
  assert.equal((await send(url, post(access))).status, 200)
  assert.equal(upstream.received.length, before + 1)
  const bearers = headerValues(upstream.received[before]?.rawHeaders ?? [], 'authorization')
  assert.equal(bearers.length, 1)
  return decodeJwt(bearers.join().replace(/^Bearer /, ''))
}
