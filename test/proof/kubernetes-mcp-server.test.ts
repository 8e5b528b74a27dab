import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { systemClock } from '../../src/clock.ts'
import { proveUpstream } from '../../src/proof/prove-upstream.ts'
import { clusterContents } from '../environment/cluster/contents.ts'
import { startStandInCluster } from '../environment/cluster/stand-in/stand-in.ts'
import {
  type KubernetesMcpServerOptions,
  startKubernetesMcpServer,
} from '../environment/kubernetes-mcp-server.ts'
import { resourceConfig } from '../support/gateway.ts'
import { startTestIssuer } from '../support/test-issuer.ts'

type Options = Omit<KubernetesMcpServerOptions, 'cluster'>

async function startCluster(t: TestContext) {
  const issuer = await startTestIssuer((close) => t.after(close))
  const { identityProvider } = issuer
  const contents = clusterContents({ 'team-a': 'group-a', 'team-b': 'group-b' })
  const cluster = await startStandInCluster({ identityProvider, contents })
  t.after(() => cluster.close())
  const { issuer: iss, audience: aud, tenantId: tid } = identityProvider
  const exp = Math.floor(Date.now() / 1000) + 600
  const claims = { iss, aud, tid, exp, oid: 'itself', upn: 'the-server-itself' }
  const kubeconfigToken = await issuer.sign({ ...claims, groups: ['group-a'] })
  return { cluster, kubeconfigToken, issuer: iss, tenant: tid }
}

const own = { requireOauth: false, hasToken: true }
const rows: readonly (readonly [string, Options & { hasToken?: boolean }, 'caller' | 'own'])[] = [
  ['require_oauth with skip_jwt_verification', {}, 'caller'],
  ['the same without sessions', { stateless: true }, 'caller'],
  ['require_oauth = false without credentials', { requireOauth: false }, 'caller'],
  ['require_oauth = false with a credential of its own', own, 'own'],
  ['the same without sessions', { ...own, stateless: true }, 'own'],
  ['cluster_auth_mode = kubeconfig', { ...own, clusterAuthMode: 'kubeconfig' }, 'own'],
]

for (const [name, { hasToken = false, ...options }, verdict] of rows) {
  test(`kubernetes-mcp-server, ${name}: ${verdict}`, async (t) => {
    const { cluster, kubeconfigToken, issuer, tenant } = await startCluster(t)
    const server = await startKubernetesMcpServer({
      cluster,
      ...options,
      ...(hasToken && { kubeconfigToken }),
    })
    t.after(() => server.close())
    const before = (await cluster.auditEvents()).length
    const proof = await proveUpstream(
      { resource: resourceConfig(server.url), tokens: { issuer, tenant, algorithm: 'RS256' } },
      { clock: systemClock, version: '1' },
    )
    assert.equal(proof.verdict, verdict, proof.sentence)
    assert.equal(proof.tool, 'namespaces_list')
    const events = (await cluster.auditEvents()).slice(before)
    const reached = new Set(events.map(({ user }) => user.username ?? 'nobody'))
    assert.equal(reached.has('the-server-itself'), verdict === 'own')
  })
}

test('a cluster that is away is not shown to be anybody', async (t) => {
  const { cluster, kubeconfigToken, issuer } = await startCluster(t)
  const server = await startKubernetesMcpServer({ cluster, requireOauth: false, kubeconfigToken })
  t.after(() => server.close())
  await cluster.close()
  const proof = await proveUpstream(
    { resource: resourceConfig(server.url), tokens: { issuer, algorithm: 'RS256' } },
    { clock: systemClock, version: '1' },
  )
  assert.equal(proof.verdict, 'not_shown', proof.sentence)
  assert.equal(proof.passing, true)
})
