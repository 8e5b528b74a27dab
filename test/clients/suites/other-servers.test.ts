import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { PODS } from '../../environment/cluster/contents.ts'
import { type Gateway, startEntra, startGateway } from '../../support/gateway.ts'
import { send } from '../../support/raw-http.ts'
import { startCluster } from '../support/cluster.ts'
import { type FakeArgoCd, startFakeArgoCd } from '../support/fake-argo-cd.ts'
import { requireKubectl } from '../support/kubectl.ts'
import { needed } from '../support/needed.ts'
import { startArgocdMcp, startMcpServerKubernetes } from '../support/other-servers.ts'
import { bearer, callOnSession, initialize } from '../support/raw-session.ts'
import { visitWithV1 } from '../support/sdk-clients.ts'

const APPLICATIONS = 'list_applications'
const TOKEN_HEADER = 'x-argocd-api-token'

const kubectl = await needed(requireKubectl)

test('mcp-server-kubernetes acts as itself, whoever calls: start and the metric say so', {
  skip: kubectl.skip,
}, async (t) => {
  const entra = await startEntra(t)
  const cluster = await startCluster(entra)
  t.after(() => cluster.close())
  const upstream = await startMcpServerKubernetes(cluster, await entra.mint({ person: 'bob' }))
  t.after(() => upstream.close())
  const gateway = await startGateway(t, { entra, upstream: upstream.url, probesUpstreams: true })

  const line = await gateway.logged(({ kind }) => kind === 'upstream_proof')
  assert.equal(line['verdict'], 'own')
  assert.equal(line['level'], 'error')
  assert.match(String(line['remedy']), /upstream_identity/)
  const { host, port } = gateway.service.adminAddress
  const metrics = await send(`http://${host}:${port}/metrics`)
  assert.match(metrics.text, /\{resource="prod",verdict="own"\} 1\n/)

  const call = { tool: 'kubectl_get', arguments: { resourceType: 'pods', namespace: 'team-b' } }
  const carol = await entra.mint({ person: 'carol' })
  const { answers } = await visitWithV1(gateway.url, carol, [call])
  for (const pod of PODS['team-b']) assert.ok(answers[0]?.text.includes(pod), pod)
  const callers = (await cluster.auditEvents()).map(({ user }) => user.username)
  assert.deepEqual([...new Set(callers)], ['bob@contoso.test'])
})

interface ArgoCdStack {
  readonly argoCd: FakeArgoCd
  readonly upstream: string
  readonly gateway: Gateway
  /** A token that Argo CD takes for this person's. */
  tokenOf(person: string): Promise<string>
}

/**
 * argocd-mcp over a fake Argo CD, behind rolecall.
 *
 * @param probe the tool that the proof uses; absent: nothing is proved
 */
async function startArgoCdStack(t: TestContext, probe?: string): Promise<ArgoCdStack> {
  const argoCd = await startFakeArgoCd()
  t.after(() => argoCd.close())
  const { url: upstream, close } = await startArgocdMcp(argoCd.url)
  t.after(close)
  const gateway = await startGateway(t, {
    upstream,
    resource: { upstream_token_header: TOKEN_HEADER, ...(probe && { probe_tool: probe }) },
    probesUpstreams: probe !== undefined,
  })
  const tokenOf = async (person: string): Promise<string> => {
    const token = await gateway.entra.mint({ person, claims: { uti: crypto.randomUUID() } })
    argoCd.admit(token, person)
    return token
  }
  return { argoCd, upstream, gateway, tokenOf }
}

test('argocd-mcp acts as the caller, by the token in its own header', async (t) => {
  const { argoCd, gateway, tokenOf } = await startArgoCdStack(t)
  for (const person of ['alice', 'bob']) {
    const token = await tokenOf(person)
    const call = { tool: APPLICATIONS, arguments: {} }
    const { answers } = await visitWithV1(gateway.url, token, [call])
    assert.match(answers[0]?.text ?? '', new RegExp(`"app-of-${person}"`))
    assert.equal(argoCd.authorizations.at(-1), `Bearer ${token}`)
  }
  assert.equal(argoCd.authorizations.length, 2)
})

// Not list_applications: of Argo CD's refusal it makes an empty list, as if there were none.
test('argocd-mcp is shown to act as the caller, with list_clusters as probe_tool', async (t) => {
  const { gateway } = await startArgoCdStack(t, 'list_clusters')
  const line = await gateway.logged(({ kind }) => kind === 'upstream_proof')
  assert.equal(line['verdict'], 'caller', String(line['msg']))
})

test('without rolecall argocd-mcp runs carol on a session of alice as alice', async (t) => {
  const { argoCd, upstream, tokenOf } = await startArgoCdStack(t)
  const alice = await tokenOf('alice')
  const id = await initialize(upstream, [TOKEN_HEADER, alice])
  const credential = [TOKEN_HEADER, await tokenOf('carol')] as const
  const answer = await callOnSession(upstream, APPLICATIONS, { id, credential })
  assert.match(answer.text, /app-of-alice/)
  assert.deepEqual(argoCd.authorizations, [`Bearer ${alice}`])
})

test("carol's token on a session of alice is 404 and never runs as alice", async (t) => {
  const { argoCd, gateway, tokenOf } = await startArgoCdStack(t)
  const id = await initialize(gateway.url, bearer(await tokenOf('alice')))
  const carol = await tokenOf('carol')
  const answer = await callOnSession(gateway.url, APPLICATIONS, { id, credential: bearer(carol) })
  assert.equal(answer.status, 404)
  assert.deepEqual(argoCd.authorizations, [])

  const own = { id: await initialize(gateway.url, bearer(carol)), credential: bearer(carol) }
  assert.match((await callOnSession(gateway.url, APPLICATIONS, own)).text, /app-of-carol/)
  assert.deepEqual(argoCd.authorizations, [`Bearer ${carol}`])
})

test("alice's fresh token drops her session: 404, and a new session uses the fresh one", async (t) => {
  const { argoCd, gateway, tokenOf } = await startArgoCdStack(t)
  const first = await tokenOf('alice')
  const id = await initialize(gateway.url, bearer(first))
  const before = { id, credential: bearer(first) }
  assert.equal((await callOnSession(gateway.url, APPLICATIONS, before)).status, 200)

  const fresh = await tokenOf('alice')
  const after = { id, credential: bearer(fresh) }
  assert.equal((await callOnSession(gateway.url, APPLICATIONS, after)).status, 404)
  const again = { ...after, id: await initialize(gateway.url, bearer(fresh)) }
  assert.equal((await callOnSession(gateway.url, APPLICATIONS, again)).status, 200)
  assert.deepEqual(argoCd.authorizations, [`Bearer ${first}`, `Bearer ${fresh}`])
})
