import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { signInAt } from '../../environment/browser.ts'
import {
  beginSignIn,
  type HeldTokens,
  heldTokens,
  redeem,
  refresh,
  signIn,
  type TokenAnswer,
} from '../../support/broker-client.ts'
import type { OidcGateway } from '../../support/oidc-gateway.ts'
import { post, send } from '../../support/raw-http.ts'
import { headerValues, startUpstream } from '../../support/recording-upstream.ts'
import type { DexSettings } from './configuration.ts'
import type { Dex } from './dex.ts'
import { browserFor, SCOPES, startRolecall, type TheDex, visitor } from './world.ts'

/** How sessions live on, and how they end at dex. */
export function sessionSuite(theDex: TheDex): void {
  test('with offline_access each refresh brings another ID token, and that one goes upstream', async (t) => {
    const dex = theDex()
    const upstream = await startUpstream(t)
    const gateway = await startRolecall(t, dex, { upstream: upstream.url })
    let held = await signIn(gateway, browserFor(dex), visitor('alice'))
    for (let i = 0; i < 3; i += 1) {
      await assertCalls(gateway, held)
      held = heldTokens(await refresh(gateway, held), held.clientId)
    }
    const bearers = upstream.received.flatMap(({ rawHeaders }) =>
      headerValues(rawHeaders, 'authorization'),
    )
    assert.equal(new Set(bearers).size, 3)
  })

  test('without offline_access people sign in, and get no refresh token that could only fail', async (t) => {
    const dex = theDex()
    const { url: upstream } = await startUpstream(t)
    const gateway = await startRolecall(t, dex, { upstream, resource: { request_scopes: SCOPES } })
    const held = await signIn(gateway, browserFor(dex), visitor('alice'))
    await assertCalls(gateway, held)
    assert.equal(held.refresh, '')
  })

  for (const reuseInterval of ['0s', '3s']) {
    test(`reuseInterval ${reuseInterval}: eight refreshes at once get one answer, and the session survives`, async (t) => {
      const dex = theDex()
      await restartFor(t, dex, { reuseInterval })
      const { url: upstream } = await startUpstream(t)
      const gateway = await startRolecall(t, dex, { upstream })
      let held = await signIn(gateway, browserFor(dex), visitor('alice'))
      for (let round = 0; round < 3; round += 1) {
        const asked = Array.from({ length: 8 }, () => refresh(gateway, held))
        const answers = await Promise.all(asked)
        for (const { status, body } of answers) {
          assert.equal(status, 200, JSON.stringify(body))
          assert.deepEqual(body, answers[0]?.body)
        }
        held = heldTokens(answers[0] ?? assert.fail(), held.clientId)
        await assertCalls(gateway, held)
      }
    })
  }

  test('a second sign-in of one person ends the first session at its next refresh, in words, and lives on', async (t) => {
    const dex = theDex()
    const { url: upstream } = await startUpstream(t)
    const gateway = await startRolecall(t, dex, { upstream })
    const first = await signIn(gateway, browserFor(dex), visitor('alice'))
    const bystander = await signIn(gateway, browserFor(dex), visitor('bob'))
    let second = await signIn(gateway, browserFor(dex), visitor('alice'))
    for (let i = 0; i < 2; i += 1) assertEnded(await refresh(gateway, first), /sign in again/)
    for (let i = 0; i < 2; i += 1) {
      second = heldTokens(await refresh(gateway, second), second.clientId)
      await assertCalls(gateway, second)
    }
    assert.equal((await refresh(gateway, bystander)).status, 200)
  })

  test('a secret that was changed at dex alone is loudly logged, and costs nobody their session or code', async (t) => {
    const dex = theDex()
    const { url: upstream } = await startUpstream(t)
    const gateway = await startRolecall(t, dex, { upstream })
    const held = await signIn(gateway, browserFor(dex), visitor('bob'))
    const begun = await beginSignIn(gateway)
    const back = await signInAt(browserFor(dex), begun.url, visitor('alice'))
    await restartFor(t, dex, { secret: 'another secret' })
    for (let i = 0; i < 2; i += 1) {
      assertOurFault(await refresh(gateway, held))
      assertOurFault(await redeem(gateway, begun, back))
    }
    const loud = gateway.log.filter(
      ({ level, kind }) => level === 'error' && kind === 'identity_provider',
    )
    assert.equal(loud.length, 1)
    await dex.restart()
    const redeemed = heldTokens(await redeem(gateway, begun, back), begun.clientId)
    const refreshed = heldTokens(await refresh(gateway, held), held.clientId)
    for (const session of [redeemed, refreshed]) await assertCalls(gateway, session)
  })

  test('who is replaced at dex gets no further token, though dex calls it a fault of its own', async (t) => {
    const dex = theDex()
    const { url: upstream } = await startUpstream(t)
    const gateway = await startRolecall(t, dex, { upstream })
    const held = await signIn(gateway, browserFor(dex), visitor('bob'))
    const bystander = await signIn(gateway, browserFor(dex), visitor('alice'))
    // With an interval, a new refresh token is answered without a look at the account.
    await restartFor(t, dex, { reuseInterval: '0s', replaced: 'bob' })
    for (let i = 0; i < 2; i += 1) {
      const { status, body } = await refresh(gateway, held)
      assert.deepEqual([status, body['error']], [503, 'temporarily_unavailable'])
    }
    assert.equal((await refresh(gateway, bystander)).status, 200)
    const successor = await signIn(gateway, browserFor(dex), visitor('bob'))
    await assertCalls(gateway, heldTokens(await refresh(gateway, successor), successor.clientId))
  })
}

/** Other settings until the test's end. */
async function restartFor(t: TestContext, dex: Dex, settings: DexSettings): Promise<void> {
  t.after(() => dex.restart())
  await dex.restart(settings)
}

async function assertCalls({ url }: OidcGateway, { access }: HeldTokens): Promise<void> {
  assert.equal((await send(url, post(access))).status, 200)
}

function assertEnded({ status, body }: TokenAnswer, words: RegExp): void {
  assert.deepEqual([status, body['error']], [400, 'invalid_grant'])
  assert.match(String(body['error_description']), words)
}

function assertOurFault({ status, headers, body }: TokenAnswer): void {
  assert.deepEqual([status, body['error']], [503, 'temporarily_unavailable'])
  assert.ok(Number(headers.get('retry-after')) <= 10)
  assert.match(String(body['error_description']), /operator of rolecall: check.*client_secret_file/)
}
