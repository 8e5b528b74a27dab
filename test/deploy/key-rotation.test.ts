import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { type TestContext, test } from 'node:test'
import { createBrowser } from '../environment/browser.ts'
import { type HeldTokens, heldTokens, refresh, signIn } from '../support/broker-client.ts'
import { startUpstream } from '../support/recording-upstream.ts'
import { onRedis } from '../support/redis-server.ts'
import { withHelm } from './support/availability.ts'
import { brokerReplicas } from './support/replicas.ts'

const [OLD, NEW] = [randomBytes(32), randomBytes(32)].map((key) => key.toString('base64url'))

/** The Secret after each step of "Replace a sealing key" in deploy/operating.md. */
const STEPS = [[OLD], [OLD, NEW], [NEW, OLD], [NEW]].map((keys) => keys.join('\n'))

withHelm('replacing a sealing key', () => {
  onRedis('replacing a sealing key', () => {
    /** A replica that has read the Secret as it is after each step, behind one address. */
    async function startReplicas(t: TestContext): Promise<readonly string[]> {
      const { start } = await brokerReplicas(t, await startUpstream(t))
      const origins: string[] = []
      for (const sealingKeys of STEPS) {
        const { origin } = await start({ sealingKeys, publicUrl: origins[0] })
        origins.push(origin)
      }
      return origins
    }

    async function statusAt(origin: string, { access }: HeldTokens): Promise<number> {
      const answer = await fetch(`${origin}/mcp`, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${access}`,
          'content-type': 'application/json',
          accept: 'application/json, text/event-stream',
        },
        body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'ping' }),
      })
      await answer.body?.cancel()
      return answer.status
    }

    test('nobody signs in again while replicas are one step apart; two steps are one too many', async (t) => {
      const replicas = await startReplicas(t)
      const [first = ''] = replicas
      const visitor = { username: 'alice' }
      let held = await signIn({ origin: first }, createBrowser(), visitor)
      const handedOut = [held]
      for (const origin of replicas.slice(1, -1)) {
        held = heldTokens(await refresh({ origin }, held), held.clientId)
        handedOut.push(held)
      }
      const good: boolean[][] = []
      for (const origin of replicas) {
        const row: boolean[] = []
        for (const tokens of handedOut) row.push((await statusAt(origin, tokens)) !== 401)
        good.push(row)
      }
      // A row is a replica, a column the step at which a token was handed out.
      assert.deepEqual(good, [
        [true, true, false],
        [true, true, true],
        [true, true, true],
        [false, false, true],
      ])
      // With the old key end the registrations that it sealed: clients register again.
      const last = await refresh({ origin: replicas.at(-1) ?? '' }, held)
      assert.deepEqual([last.status, last.body['error']], [401, 'invalid_client'])
    })
  })
})
