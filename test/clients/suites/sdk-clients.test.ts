import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PODS, type Team } from '../../environment/cluster/contents.ts'
import { startKubernetesMcpServer } from '../../environment/kubernetes-mcp-server.ts'
import { startFleetGateway } from '../../support/fleet-gateway.ts'
import { startEntra, startGateway } from '../../support/gateway.ts'
import { startEverythingServer } from '../everything/server.ts'
import { startCluster } from '../support/cluster.ts'
import { type Call, sdkClients } from '../support/sdk-clients.ts'
import { protocolOf } from '../support/signing-client.ts'

const MAY_SEE: readonly (readonly [person: string, team: Team | undefined])[] = [
  ['alice', 'team-a'],
  ['bob', 'team-b'],
  ['carol', undefined],
]

const podsIn = (namespace: Team): Call => ({
  tool: 'pods_list_in_namespace',
  arguments: { namespace },
})

const clients = await sdkClients()

const spokenBy = (name: string) => protocolOf(name.endsWith('auto') ? 'auto' : 'legacy')

for (const { name, skip, visit } of clients) {
  test(`${name}: each person sees what the cluster lets that person see`, { skip }, async (t) => {
    const entra = await startEntra(t)
    const cluster = await startCluster(entra)
    t.after(() => cluster.close())
    const upstream = await startKubernetesMcpServer({ cluster })
    t.after(() => upstream.close())
    const { url } = await startGateway(t, { entra, upstream: upstream.url })
    for (const [person, team] of MAY_SEE) {
      const token = await entra.mint({ person })
      const { tools, answers } = await visit(url, token, [podsIn('team-a'), podsIn('team-b')])
      assert.ok(tools.includes('pods_list_in_namespace'), person)
      for (const [i, asked] of (['team-a', 'team-b'] as const).entries()) {
        const answer = answers[i]
        assert.ok(answer, person)
        assert.equal(answer.isError, asked !== team, `${person} in ${asked}: ${answer.text}`)
        const shown = PODS[asked].filter((pod) => answer.text.includes(pod))
        assert.deepEqual(shown, asked === team ? PODS[asked] : [], `${person} in ${asked}`)
        if (asked !== team) assert.match(answer.text, new RegExp(`"${person}@contoso.test"`))
      }
    }
    const callers = (await cluster.auditEvents())
      .filter(({ objectRef }) => objectRef?.resource === 'pods')
      .map(({ user }) => user.username)
    const expected = MAY_SEE.flatMap(([person]) => Array(2).fill(`${person}@contoso.test`))
    assert.deepEqual(callers, expected)
  })

  test(`${name}: a revision that the server speaks is agreed on`, { skip }, async (t) => {
    const server = await startEverythingServer()
    t.after(() => server.close())
    const { url, entra } = await startGateway(t, { upstream: server.url })
    const call = { tool: 'test_simple_text', arguments: {} }
    const { protocol, answers } = await visit(url, await entra.mint(), [call])
    assert.equal(protocol, spokenBy(name))
    assert.deepEqual(answers, [
      { isError: false, text: 'This is a simple text response for testing.' },
    ])
  })
}

for (const { name, skip, visit } of clients) {
  test(`${name}: one endpoint over two clusters`, { skip }, async (t) => {
    const entra = await startEntra(t)
    const clusters: { readonly name: string; readonly upstream: string }[] = []
    for (const one of ['prod', 'dev']) {
      const cluster = await startCluster(entra)
      t.after(() => cluster.close())
      const upstream = await startKubernetesMcpServer({ cluster })
      t.after(() => upstream.close())
      clusters.push({ name: one, upstream: upstream.url })
    }
    const { fleetUrl } = await startFleetGateway(t, clusters, { entra })
    const token = await entra.mint({ person: 'alice' })
    const at = (cluster: string): Call => ({
      tool: 'pods_list_in_namespace',
      arguments: { cluster, namespace: 'team-a' },
    })
    const calls = [at('dev'), at('*'), at('nowhere')]
    const { protocol, tools, answers } = await visit(fleetUrl, token, calls)
    assert.equal(protocol, spokenBy(name))
    assert.ok(tools.includes('clusters_list'))
    assert.deepEqual(
      answers.map(({ isError }) => isError),
      [false, false, true],
    )
    const [one, all, none] = answers
    for (const pod of PODS['team-a']) assert.ok(one?.text.includes(pod), one?.text)
    assert.match(all?.text ?? '', /## prod\n[\s\S]*## dev\n[\s\S]*2 of 2 clusters answered\./)
    assert.match(none?.text ?? '', /Your clusters: prod, dev\./)
  })
}
