import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { startBroker } from '../../support/broker-gateway.ts'
import { tokensFor } from '../../support/broker-sign-in.ts'
import type { Gateway } from '../../support/gateway.ts'
import { sealingKey } from '../../support/handed-out.ts'
import { post, send } from '../../support/raw-http.ts'
import { startUpstream } from '../../support/recording-upstream.ts'
import { signedIn, startRelay } from '../../support/relay-gateway.ts'

/** Rolecalls whose clients hold sealed tokens, and how a user signs in there. */
const modes = {
  broker: async (t: TestContext, upstream: string) => {
    const { gateway } = await startBroker(t, { upstream, config: { sealing_keys: [sealingKey] } })
    return { gateway, signIn: async () => (await tokensFor(gateway)).access }
  },
  relay: async (t: TestContext, upstream: string) => {
    const config = { sealing_keys: [sealingKey] }
    const gateway = await startRelay(t, { upstream, config, signIn: { tokens: 'sealed' } })
    return { gateway, signIn: async () => (await signedIn(gateway, 'alice')).access }
  },
}

function endSessionsBefore(gateway: Gateway, moment: number): Promise<void> {
  const { sign_in: signIn } = gateway.config
  if (signIn.mode === 'off') throw new Error('nobody signs in in mode off')
  return gateway.service.reload({
    ...gateway.config,
    sign_in: { ...signIn, sessions_valid_after: moment },
  })
}

for (const [mode, start] of Object.entries(modes)) {
  test(`${mode}: a reload with sessions_valid_after ends access tokens, those seen before too`, async (t) => {
    const upstream = await startUpstream(t)
    const { gateway, signIn } = await start(t, upstream.url)
    const [seen, unseen] = [await signIn(), await signIn()]
    const call = (token: string) => send(gateway.url, post(token))
    assert.equal((await call(seen)).status, 200)
    await new Promise((resolve) => setTimeout(resolve, 2))
    await endSessionsBefore(gateway, Date.now())
    const served = upstream.received.length
    for (const token of [seen, unseen]) {
      const { status, headers, text, json } = await call(token)
      assert.equal(status, 401, text)
      assert.equal(
        json()['error_description'],
        'The operator ended the session of this token (sign_in.sessions_valid_after); sign in again.',
      )
      assert.match(headers['www-authenticate'] ?? '', /error="invalid_token"/)
    }
    assert.equal(upstream.received.length, served)
    const line = await gateway.logged(({ reason }) => reason === 'session_ended')
    assert.equal(line['user'], 'alice@contoso.test')
    assert.equal((await call(await signIn())).status, 200)
  })
}
