import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { before, type TestContext, test } from 'node:test'
import { createBrowser } from '../environment/browser.ts'
import { holmes } from '../environment/mock-entra/directory.ts'
import { type MockEntra, startMockEntra } from '../environment/mock-entra/mock-entra.ts'
import { type HeldTokens, heldTokens, refresh, signIn } from '../support/broker-client.ts'
import { startUpstream } from '../support/recording-upstream.ts'
import { onRedis, startRedis } from '../support/redis-server.ts'
import { withHelm } from './support/availability.ts'
import { renderChart } from './support/helm.ts'
import { runInstallation } from './support/installed.ts'
import { mountedFiles } from './support/mounted.ts'
import type { KubernetesObject } from './support/objects.ts'
import { filledPreset } from './support/presets.ts'

const [OLD, NEW] = [randomBytes(32), randomBytes(32)].map((key) => key.toString('base64url'))

/** The Secret after each step of "Replace a sealing key" in deploy/operating.md. */
const STEPS = [[OLD], [OLD, NEW], [NEW, OLD], [NEW]].map((keys) => keys.join('\n'))

withHelm('replacing a sealing key', () => {
  onRedis('replacing a sealing key', () => {
    let entra: MockEntra
    let objects: readonly KubernetesObject[]

    before(async () => {
      entra = await startMockEntra()
      const written = { TENANT_ID: entra.tenantId, CLIENT_ID: holmes.client_id }
      const preset = filledPreset('aks-robusta-broker-secret', written)
      objects = (await renderChart({ values: [preset] })).objects
    })

    /** A replica that has read the Secret as it is after each step, behind one address. */
    async function startReplicas(t: TestContext): Promise<readonly string[]> {
      const upstream = await startUpstream(t)
      const redis = await startRedis(t)
      const origins: string[] = []
      for (const keys of STEPS) {
        const [publicUrl] = origins
        const { origin } = await runInstallation(t, {
          files: mountedFiles(objects, {
            'rolecall-keys': { 'sealing-keys': keys },
            'rolecall-client': { 'client-secret': holmes.client_secret ?? '' },
            'rolecall-store': { 'redis-url': redis.url },
          }),
          mcpServers: {},
          changes: {
            'http://rolecall-mcp-kubernetes.holmes.svc.cluster.local:8080/mcp': upstream.url,
          },
          environment: { ROLECALL__IDENTITY_PROVIDER__AUTHORITY: entra.origin },
          cluster: { server: '', certificateAuthority: '' },
          ...(publicUrl !== undefined && { publicUrl }),
        })
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
      t.after(() => entra.close())
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
