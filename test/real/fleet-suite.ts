import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { CallToolResult } from '@modelcontextprotocol/client'
import type { AuditEvent, Cluster } from '../environment/cluster/cluster.ts'
import { clusterContents } from '../environment/cluster/contents.ts'
import {
  type KubernetesMcpServer,
  startKubernetesMcpServer,
} from '../environment/kubernetes-mcp-server.ts'
import type { MockEntra } from '../environment/mock-entra/mock-entra.ts'
import type { StartCluster } from '../support/cluster-suite.ts'
import { callFleet, outcomesOf, textsOf } from '../support/fleet-calls.ts'
import { connectClient, startFleetGateway } from '../support/fleet-gateway.ts'
import { entraConfig } from '../support/gateway.ts'
import { groupsOf, providerOf, startTlsEntra } from './mock-provider.ts'

const TOOL = 'pods_list_in_namespace'
const PROMPT = 'cluster-health-check'
const NAMES = ['prod', 'staging', 'dev'] as const

/**
 * Three clusters with a real kubernetes-mcp-server each, behind one fleet. Alice may read team-a on two
 * of them and Bob on the third: who is missing in an answer is told, and why.
 *
 * @param waits whether one cluster is waited for as long as the fleet does, ten seconds
 */
export function fleetSuite(
  name: string,
  startCluster: StartCluster,
  { waits = false }: { readonly waits?: boolean } = {},
): void {
  describe(`${name}: the fleet`, () => {
    let entra: MockEntra
    let certificateAuthority: string
    const clusters = new Map<string, Cluster>()
    const servers = new Map<string, KubernetesMcpServer>()
    const toClose: (() => Promise<void>)[] = []

    before(async () => {
      ;({ entra, certificateAuthority } = await startTlsEntra())
      toClose.push(() => entra.close())
      const groups = groupsOf(entra)
      const swapped = { 'team-a': groups['team-b'], 'team-b': groups['team-a'] }
      const identityProvider = { ...providerOf(entra), certificateAuthority }
      for (const one of NAMES) {
        const contents = clusterContents(one === 'dev' ? swapped : groups)
        const cluster = await startCluster(identityProvider, contents)
        toClose.push(() => cluster.close())
        clusters.set(one, cluster)
        const server = await startKubernetesMcpServer({ cluster, readOnly: false })
        toClose.push(() => server.close())
        servers.set(one, server)
      }
    })
    after(async () => {
      for (const close of toClose.reverse()) await close()
    })

    const start = (t: Parameters<typeof startFleetGateway>[0]) =>
      startFleetGateway(
        t,
        [...servers].map(([one, { url }]) => ({ name: one, upstream: url })),
        {
          entra,
          config: {
            identity_provider: entraConfig(entra, { certificate_authority: certificateAuthority }),
          },
        },
      )
    const events = async () =>
      new Map(
        await Promise.all(
          [...clusters].map(async ([one, cluster]) => [one, await cluster.auditEvents()] as const),
        ),
      )

    const seen = {
      alice: { prod: 'ok', staging: 'ok', dev: 'forbidden' },
      bob: { prod: 'forbidden', staging: 'forbidden', dev: 'ok' },
    } as const
    for (const person of ['alice', 'bob'] as const) {
      test(`"*" is exactly what ${person} may see, labelled, and each cluster's log joins`, async (t) => {
        const gateway = await start(t)
        const token = await entra.mint({ person })
        const earlier = await events()
        const asked = { url: gateway.fleetUrl, token }
        const answer = await callFleet(asked, TOOL, { cluster: '*', namespace: 'team-a' })
        assert.deepEqual(outcomesOf(answer), seen[person])
        assertLabelled(answer, seen[person])
        const missing = NAMES.filter((one) => seen[person][one] !== 'ok')
        assert.equal(
          textsOf(answer).at(-1),
          `${3 - missing.length} of 3 clusters answered. Not in this answer: ${missing.map((one) => `${one} (not allowed for you)`).join(', ')}.`,
        )
        const lines = gateway.log.filter(({ kind }) => kind === 'audit')
        assert.deepEqual(lines.map(({ cluster }) => cluster).toSorted(), [...NAMES].toSorted())
        const [id] = new Set(lines.map((line) => String(line['request_id'])))
        const now = await events()
        for (const one of NAMES) {
          const own = (now.get(one) ?? []).slice(earlier.get(one)?.length)
          const code = seen[person][one] === 'ok' ? 200 : 403
          assert.deepEqual(podLists(own, id), [[`${person}@contoso.test`, true, code]])
        }
      })
    }

    test("the real server's prompt is one of each cluster, got as the user", async (t) => {
      const gateway = await start(t)
      const token = await entra.mint({ person: 'alice' })
      const client = await connectClient(t, gateway.fleetUrl, token)
      const { prompts } = await client.listPrompts()
      const shown = prompts.find(({ name }) => name === PROMPT) ?? assert.fail()
      const [first] = shown.arguments ?? []
      assert.deepEqual([first?.name, first?.required], ['cluster', true])
      assert.match(first?.description ?? '', /prod; staging; dev/)
      const earlier = await events()
      const given = { cluster: 'prod', namespace: 'team-a' }
      const { messages } = await client.getPrompt({ name: PROMPT, arguments: given })
      assert.deepEqual(messages[0]?.content, { type: 'text', text: 'Cluster: prod' })
      assert.match(JSON.stringify(messages.slice(1)), /team-a/)
      const now = await events()
      for (const one of NAMES) {
        const own = (now.get(one) ?? []).slice(earlier.get(one)?.length)
        const users = new Set(own.map(({ user }) => user.username))
        assert.deepEqual([...users], one === 'prod' ? ['alice@contoso.test'] : [])
      }
      assert.deepEqual((await client.listResources()).resources, [])
    })

    test('a write to every cluster is refused, and no API server hears of it', async (t) => {
      const gateway = await start(t)
      const asked = { url: gateway.fleetUrl, token: await entra.mint({ person: 'alice' }) }
      const given = { cluster: '*', namespace: 'team-a', name: 'shop-web' }
      const answer = await callFleet(asked, 'pods_delete', given)
      assert.equal(answer.isError, true)
      assert.match(textsOf(answer)[0] ?? '', /one cluster at a time/)
      for (const own of (await events()).values()) {
        assert.ok(own.every(({ verb }) => verb !== 'delete'))
      }
    })

    const lost =
      'with one cluster down and one that stands still, the third answers, and both are told'
    test(lost, { skip: !waits }, async (t) => {
      const gateway = await start(t)
      const asked = { url: gateway.fleetUrl, token: await entra.mint({ person: 'alice' }) }
      const list = () => callFleet(asked, TOOL, { cluster: '*', namespace: 'team-a' })
      await list()
      const { pid } = servers.get('dev') ?? assert.fail()
      process.kill(pid, 'SIGSTOP')
      t.after(() => process.kill(pid, 'SIGCONT'))
      await servers.get('staging')?.close()
      const answer = await list()
      assert.deepEqual(outcomesOf(answer), { prod: 'ok', staging: 'unreachable', dev: 'timeout' })
      assert.match(textsOf(answer)[0] ?? '', /^## prod\n[\s\S]*shop-web/)
      assert.equal(textsOf(answer)[2], '## dev: no answer within 10 s\n')
      assert.equal(
        textsOf(answer).at(-1),
        '1 of 3 clusters answered. Not in this answer: staging (unreachable), dev (no answer).',
      )
    })
  })
}

/** Who listed pods, whether for the request of this id, and the answer's status. */
function podLists(events: readonly AuditEvent[], id: string | undefined) {
  return events
    .filter(({ objectRef, verb }) => objectRef?.resource === 'pods' && verb === 'list')
    .map(({ user, userAgent = '', responseStatus }) => [
      user.username,
      userAgent.endsWith(` rolecall/0.0.0-test (req=${id})`),
      responseStatus.code,
    ])
}

function assertLabelled(answer: CallToolResult, seen: Readonly<Record<string, string>>): void {
  for (const [index, one] of NAMES.entries()) {
    const text = textsOf(answer)[index] ?? ''
    const sees = seen[one] === 'ok'
    assert.ok(text.startsWith(sees ? `## ${one}\n` : `## ${one}: refused`), text)
    assert.equal(text.includes('shop-web'), sees)
  }
}
