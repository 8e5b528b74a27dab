import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { createAuthority, loopbackNames } from '../../environment/certificates.ts'
import { clusterContents } from '../../environment/cluster/contents.ts'
import { startStandInCluster } from '../../environment/cluster/stand-in/stand-in.ts'
import {
  kubernetesMcpServerBinary,
  startKubernetesMcpServer,
} from '../../environment/kubernetes-mcp-server.ts'
import { startMockEntra } from '../../environment/mock-entra/mock-entra.ts'
import { firstKeys } from '../../support/first-keys.ts'
import { AKS, entraConfig, startGateway } from '../../support/gateway.ts'
import { type Answer, post, send } from '../../support/raw-http.ts'

const params = '"params":{"name":"namespaces_list","arguments":{}}'

/** Calls that some parsers see and others do not, or see another call in. */
const bodies: readonly string[] = [
  `{"jsonrpc":"2.0","id":1,"Method":"tools/call",${params}}`,
  `{"jsonrpc":"2.0","id":1,"METHOD":"tools/call",${params}}`,
  `{"jsonrpc":"2.0","id":1,"method":"ping","Method":"tools/call",${params}}`,
  `{"jsonrpc":"2.0","id":1,"Method":"tools/call","method":"ping",${params}}`,
  `{"jsonrpc":"2.0","id":1,"method":"ping","method":"tools/call",${params}}`,
  `{"jsonrpc":"2.0","id":1,"method":"tools/call","method":"ping",${params}}`,
  `{"jsonrpc":"2.0","id":1,"method":"ping","m\\u0065thod":"tools/call",${params}}`,
  `{"jsonrpc":"2.0","id":1,"method":"tools/call","Params":{"name":"namespaces_list"}}`,
  `{"jsonrpc":"2.0","id":1,"method":"tools/call","param\u017f":{"name":"namespaces_list"}}`,
  `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"no"},${params}}`,
  `{"jsonrpc":"2.0","id":1,"method":"tools/call",${params},"params":{"name":"no"}}`,
  '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"Name":"namespaces_list"}}',
  '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"no","NAME":"namespaces_list"}}',
  '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"no","name":"namespaces_list"}}',
  '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"no","\\u006eame":"namespaces_list"}}',
  `{"JSONRPC":"2.0","ID":1,"METHOD":"tools/call",${params.replace('params', 'PARAMS')}}`,
  `{"jsonrpc":"2.0","id":1,"method\\u0000":"tools/call",${params}}`,
  `[{"jsonrpc":"2.0","id":1,"method":"ping"},{"jsonrpc":"2.0","id":2,"Method":"tools/call",${params}}]`,
  `{"jsonrpc":"2.0","id":1,"method":"ping"}{"jsonrpc":"2.0","id":2,"method":"tools/call",${params}}`,
  `\ufeff{"jsonrpc":"2.0","id":1,"method":"tools/call",${params}}`,
]

const initialize =
  '{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-03-26","capabilities":{},"clientInfo":{"name":"a","version":"1"}}}'

/** Opens a session by hand: what is sent in it need be no MCP. */
async function session(url: string, token: string): Promise<(body: string) => Promise<Answer>> {
  const opened = await send(url, post(token, initialize))
  assert.equal(opened.status, 200, opened.text)
  const id = opened.headers['mcp-session-id'] // 0.0.54 has none
  const more = id === undefined ? [] : ([['Mcp-Session-Id', String(id)]] as const)
  const say = (body: string) => {
    const sent = post(token, body)
    return send(url, { ...sent, headers: [...(sent.headers ?? []), ...more] })
  }
  await say('{"jsonrpc":"2.0","method":"notifications/initialized"}')
  return say
}

async function start(t: TestContext, binary: string | undefined) {
  const authority = await createAuthority('Mock Entra')
  const entra = await startMockEntra({
    firstKeys: await firstKeys(),
    tls: await authority.issue({ names: loopbackNames }),
  })
  t.after(() => entra.close())
  const groups = { 'team-a': 'group-a', 'team-b': 'group-b' }
  const { certificate: certificateAuthority } = authority
  const cluster = await startStandInCluster({
    identityProvider: {
      jwksUri: `${entra.origin}/common/discovery/keys`,
      discoveryUrl: `${entra.origin}/${entra.tenantId}/.well-known/openid-configuration`,
      issuer: `https://sts.windows.net/${entra.tenantId}/`,
      audience: AKS,
      tenantId: entra.tenantId,
      certificateAuthority,
    },
    contents: clusterContents(groups),
  })
  t.after(() => cluster.close())
  // 0.0.54 knows no skip_jwt_verification; without credentials of its own it has no fallback.
  const old = binary !== undefined
  const server = await startKubernetesMcpServer({
    cluster,
    requireOauth: !old,
    ...(binary !== undefined && { binary }),
  })
  t.after(() => server.close())
  const gateway = await startGateway(t, {
    upstream: server.url,
    entra,
    config: {
      identity_provider: entraConfig(entra, { certificate_authority: certificateAuthority }),
    },
  })
  const calls = async (from: number) => {
    const events = (await cluster.auditEvents()).slice(from)
    return events.filter(({ objectRef }) => objectRef?.resource === 'namespaces')
  }
  const count = async () => (await cluster.auditEvents()).length
  return { entra, server, gateway, calls, count }
}

const versions: readonly (readonly [string, string | undefined])[] = [
  ['0.0.54', kubernetesMcpServerBinary(process.platform, process.arch, import.meta.url)],
  ['0.0.67', undefined],
]
for (const [version, binary] of versions) {
  test(`kubernetes-mcp-server ${version} runs no tool without its audit line before it`, async (t) => {
    const { entra, server, gateway, calls, count } = await start(t, binary)
    const token = await entra.mint()

    const direct = await session(server.url, token)
    let dangerous = 0
    for (const body of bodies) {
      const before = await count()
      await direct(body)
      if ((await calls(before)).length > 0) dangerous += 1
    }
    t.diagnostic(`${dangerous} of ${bodies.length} bodies call a tool at ${version} itself`)
    assert.ok(dangerous > 0, 'else nothing is shown')

    const through = await session(gateway.url, token)
    const before = await count()
    for (const body of bodies) assert.equal((await through(body)).status, 400, body)
    assert.deepEqual(await calls(before), [])

    const answer = await through(`{"jsonrpc":"2.0","id":1,"method":"tools/call",${params}}`)
    assert.equal(answer.status, 200, answer.text)
    const events = await calls(before)
    assert.ok(events.length > 0)
    const audits = gateway.log.filter(({ kind }) => kind === 'audit')
    assert.deepEqual(
      audits.map(({ tool, decision }) => [tool, decision]),
      [['namespaces_list', 'allow']],
    )
  })
}
