import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { clusterContents } from '../../environment/cluster/contents.ts'
import { startStandInCluster } from '../../environment/cluster/stand-in/stand-in.ts'
import { startKubernetesMcpServer } from '../../environment/kubernetes-mcp-server.ts'
import { openMcpSession } from '../../environment/mcp-session.ts'
import { startGateway } from '../../support/gateway.ts'
import { rulesOf } from '../../support/ruled-gateway.ts'
import { startTestIssuer } from '../../support/test-issuer.ts'

/** The tools that the server of this version marks as read-only, and some that it does not. */
const READ = ['namespaces_list', 'pods_list', 'pods_log', 'resources_get']
const WRITE = ['pods_delete', 'pods_exec', 'pods_run', 'resources_create_or_update']

async function start(t: TestContext, stateless: boolean) {
  const { identityProvider } = await startTestIssuer((close) => t.after(close))
  const contents = clusterContents({ 'team-a': 'a', 'team-b': 'b' })
  const cluster = await startStandInCluster({ identityProvider, contents })
  t.after(() => cluster.close())
  const server = await startKubernetesMcpServer({ cluster, stateless, readOnly: false })
  t.after(() => server.close())
  const allow = rulesOf([{ hint: 'read_only' }])
  const gateway = await startGateway(t, { upstream: server.url, resource: { allow } })
  return { cluster, gateway }
}

for (const stateless of [false, true]) {
  const words = stateless ? 'without sessions' : 'with sessions'
  test(`the real kubernetes-mcp-server ${words}: what writes is not listed, and not called`, async (t) => {
    const { cluster, gateway } = await start(t, stateless)
    const session = await openMcpSession(gateway.url, await gateway.entra.mint())
    // Before any list: rolecall asks for it itself.
    for (const name of WRITE) {
      const { isError, text } = await session.call(name, { namespace: 'team-a', name: 'shop-web' })
      assert.ok(isError)
      assert.match(text, new RegExp(`do not allow ${name}; they would if the MCP server marked`))
    }
    const heard = (await cluster.auditEvents()).filter(({ requestURI }) =>
      requestURI.includes('/pods'),
    )
    assert.deepEqual(heard, [], 'the cluster heard of none')
    const listed = await session.listTools()
    assert.deepEqual(listed.filter((name) => READ.includes(name)).toSorted(), READ)
    assert.deepEqual(
      listed.filter((name) => WRITE.includes(name)),
      [],
    )
    // This cluster knows nobody of that provider: the refusal is its own.
    const { text } = await session.call('namespaces_list', {})
    assert.doesNotMatch(text, /do not allow/)
    assert.equal(gateway.log.filter(({ kind }) => kind === 'question').length, 1)
    // For which the user is asked to sign in again, once.
    await session.close().catch(({ message }: Error) => assert.match(message, /Unauthorized/))
  })
}
