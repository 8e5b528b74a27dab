import assert from 'node:assert/strict'
import { after, before, describe, type TestContext, test } from 'node:test'
import { type AuditEvent, type Cluster, TOKEN_ID_EXTRA } from '../environment/cluster/cluster.ts'
import { clusterContents } from '../environment/cluster/contents.ts'
import { startKubernetesMcpServer } from '../environment/kubernetes-mcp-server.ts'
import { openMcpSession, type ToolAnswer } from '../environment/mcp-session.ts'
import type { MockEntra } from '../environment/mock-entra/mock-entra.ts'
import type { StartCluster } from '../support/cluster-suite.ts'
import { entraConfig, type Gateway, startGateway } from '../support/gateway.ts'
import { jqMissing } from '../support/jq.ts'
import { askBothLogs } from './both-logs.ts'
import { groupsOf, providerOf, startTlsEntra } from './mock-provider.ts'

const TOOL = 'pods_list_in_namespace'
const EXPECTED = { alice: 'shop-web', bob: 'is forbidden', carol: 'is forbidden' } as const
type Name = keyof typeof EXPECTED
type Line = Record<string, unknown>

interface Path {
  readonly entra: MockEntra
  readonly cluster: Cluster
  readonly gateway: Gateway
}

/** Which of rolecall's own lines an event of the API server belongs to, by the User-Agent's end. */
function requestIdOf({ userAgent = '' }: AuditEvent): string | undefined {
  const rolecall = / rolecall\/0\.0\.0-test \(req=([A-Za-z0-9._-]{8,64})\)$/
  return rolecall.exec(userAgent)?.[1]
}

const tokenIdOf = ({ user }: AuditEvent): string | undefined => user.extra?.[TOKEN_ID_EXTRA]?.[0]

/**
 * For every tool call through rolecall, its audit line and the cluster's audit events are found from
 * each other in two ways: by the request id and by the token's id. The whole path is real but for
 * the identity provider, which is the mock on https.
 */
export function joinSuite(name: string, startCluster: StartCluster): void {
  describe(name, () => {
    let entra: MockEntra
    let certificateAuthority: string
    let cluster: Cluster
    const toClose: (() => Promise<void>)[] = []

    before(async () => {
      ;({ entra, certificateAuthority } = await startTlsEntra())
      toClose.push(() => entra.close())
      const identityProvider = { ...providerOf(entra), certificateAuthority }
      cluster = await startCluster(identityProvider, clusterContents(groupsOf(entra)))
      toClose.push(() => cluster.close())
    })
    after(async () => {
      for (const close of toClose.reverse()) await close()
    })

    async function start(t: TestContext): Promise<Path> {
      const mcpServer = await startKubernetesMcpServer({ cluster })
      t.after(() => mcpServer.close())
      const gateway = await startGateway(t, {
        upstream: mcpServer.url,
        entra,
        config: {
          identity_provider: entraConfig(entra, { certificate_authority: certificateAuthority }),
        },
      })
      return { entra, cluster, gateway }
    }

    async function callAs({ gateway }: Path, token: string): Promise<ToolAnswer> {
      const session = await openMcpSession(gateway.url, token)
      const answer = await session.call(TOOL, { namespace: 'team-a' })
      await session.close()
      return answer
    }

    test("one tool call is one audit line, joined to the cluster's events both ways", async (t) => {
      const path = await start(t)
      for (const person of ['alice', 'bob', 'carol'] as const) {
        const earlier = (await path.cluster.auditEvents()).length
        const token = await path.entra.mint({ person })
        assert.ok((await callAs(path, token)).text.includes(EXPECTED[person]))
        const user = `${person}@contoso.test`
        const line = await path.gateway.logged(
          (one) => one['kind'] === 'audit' && one['user'] === user,
        )
        assert.deepEqual(
          [line['tool'], line['acts_as'], line['token_id']],
          [TOOL, 'caller', uti(token)],
        )

        const events = (await path.cluster.auditEvents()).slice(earlier)
        const byRequest = events.filter((event) => requestIdOf(event) === line['request_id'])
        assert.deepEqual(listed(byRequest), [{ namespace: 'team-a', code: codeFor(person) }])
        const byToken = events.filter((event) => tokenIdOf(event) === line['token_id'])
        assert.deepEqual(listed(byToken), listed(byRequest))
        // Whatever the cluster was asked meanwhile, it was asked by this person, with this token.
        assert.deepEqual(byToken, events)
        assert.deepEqual([...new Set(events.map((event) => event.user.username))], [user])
      }
    })

    test('calls of several people and tokens at once are told apart', async (t) => {
      const path = await start(t)
      const people = (['alice', 'alice', 'bob', 'carol'] as const).flatMap((person) =>
        Array.from({ length: 5 }, () => person),
      )
      const tokens = await Promise.all(people.map((person) => path.entra.mint({ person })))
      const earlier = (await path.cluster.auditEvents()).length
      const answers = await Promise.all(tokens.map((token) => callAs(path, token)))
      for (const [i, person] of people.entries()) {
        assert.ok(answers[i]?.text.includes(EXPECTED[person]), answers[i]?.text)
      }
      const events = (await path.cluster.auditEvents()).slice(earlier)
      for (const [i, person] of people.entries()) {
        const tokenId = uti(tokens[i] ?? '')
        const lines = path.gateway.log.filter(
          (line) => isAudit(line) && line['token_id'] === tokenId,
        )
        assert.equal(lines.length, 1)
        const joined = events.filter((event) => requestIdOf(event) === lines[0]?.['request_id'])
        assert.deepEqual(listed(joined), [{ namespace: 'team-a', code: codeFor(person) }])
        assert.deepEqual(new Set(joined.map(tokenIdOf)), new Set([tokenId]))
        assert.equal(lines[0]?.['user'], `${person}@contoso.test`)
      }
      const byId = new Map(requestLines(path.gateway).map((line) => [line['request_id'], line]))
      for (const event of events) {
        const line = byId.get(requestIdOf(event))
        assert.deepEqual(
          [event.user.username, tokenIdOf(event)],
          [line?.['user'], line?.['token_id']],
        )
      }
    })

    test('a refused request has a line and reaches the cluster by nobody', async (t) => {
      const path = await start(t)
      const earlier = (await path.cluster.auditEvents()).length
      const token = await path.entra.mint({ lifetime: -1 })
      await assert.rejects(callAs(path, token))
      const lines = requestLines(path.gateway)
      assert.ok(lines.length > 0)
      assert.deepEqual([...new Set(lines.map((line) => line['decision']))], ['refuse'])
      assert.equal((await path.cluster.auditEvents()).length, earlier)
    })

    test('the query of deploy/logs.md follows each call to what the cluster was asked', {
      skip: jqMissing,
    }, async (t) => {
      const path = await start(t)
      const earlier = (await path.cluster.auditEvents()).length
      for (const person of ['alice', 'bob'] as const) {
        await callAs(path, await path.entra.mint({ person }))
      }
      const events = (await path.cluster.auditEvents()).slice(earlier)
      const rows = await askBothLogs(t, path.gateway.log, events)
      const pods = rows.filter(([, , , , verb, resource]) => verb === 'list' && resource === 'pods')
      const [alice, bob] = ['alice@contoso.test', 'bob@contoso.test']
      assert.deepEqual(
        pods.map(([, ...row]) => row),
        [
          [alice, TOOL, alice, 'list', 'pods', 'team-a', 200],
          [bob, TOOL, bob, 'list', 'pods', 'team-a', 403],
        ],
      )
    })

    test('neither log has a token in it', async (t) => {
      const path = await start(t)
      const token = await path.entra.mint({ person: 'alice' })
      await callAs(path, token)
      const logs = JSON.stringify([path.gateway.log, await path.cluster.auditEvents()])
      for (const part of token.split('.')) assert.ok(!logs.includes(part))
    })
  })
}

/** What was asked about pods, and how it was answered. */
function listed(events: readonly AuditEvent[]): { namespace: string | undefined; code: number }[] {
  return events
    .filter(({ objectRef, verb }) => objectRef?.resource === 'pods' && verb === 'list')
    .map(({ objectRef, responseStatus }) => ({
      namespace: objectRef?.namespace,
      code: responseStatus.code,
    }))
}

const codeFor = (person: Name): number => (person === 'alice' ? 200 : 403)
const isAudit = (line: Line): boolean => line['kind'] === 'audit'
const requestLines = ({ log }: Gateway): Line[] => log.filter((line) => line['kind'] === 'request')

function uti(token: string): string {
  const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
  return claims.uti
}
