import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'
import type { Cluster } from '../environment/cluster/cluster.ts'
import { openMcpSession } from '../environment/mcp-session.ts'
import { holmes } from '../environment/mock-entra/directory.ts'
import { type MockEntra, startMockEntra } from '../environment/mock-entra/mock-entra.ts'
import { onRealCluster } from '../real/availability.ts'
import { codeFor, codeForm } from '../support/relay-gateway.ts'
import { type ApiServer, connectApiServer } from './support/api-server.ts'
import { withHelm } from './support/availability.ts'
import { commandsIn, prepareFolder, runScript } from './support/guide.ts'
import { type PodFiles, runInstallation } from './support/installed.ts'
import { startTrustingCluster } from './support/trusting-cluster.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const guide = readFileSync(join(root, 'deploy/guides/aks-with-robusta.md'), 'utf8')

interface Step {
  readonly title: string
  readonly blocks: readonly string[]
}

const steps: readonly Step[] = guide
  .split(/^## /m)
  .slice(1)
  .map((text) => ({
    title: text.slice(0, text.indexOf('\n')),
    blocks: commandsIn(text),
  }))

test('there are at most twelve steps, in order, and each but asking is commands', () => {
  assert.ok(steps.length <= 12)
  for (const [index, { title, blocks }] of steps.entries()) {
    assert.ok(title.startsWith(`${index + 1}. `), title)
    assert.ok(blocks.length > 0 || title.endsWith('Ask'), title)
  }
})

const READERS = 'aaaaaaaa-1111-4a11-8a11-aaaaaaaaaaaa'

onRealCluster('the walk through "AKS with Robusta"', () => {
  withHelm('the walk through "AKS with Robusta"', () => {
    const toClose: (() => unknown)[] = []
    const folder = mkdtempSync(join(tmpdir(), 'rolecall-walk-'))
    let entra: MockEntra
    let cluster: Cluster
    let api: ApiServer

    before(async () => {
      const adminToken = 'for-this-test-only'
      entra = await startMockEntra()
      toClose.push(() => entra.close())
      cluster = await startTrustingCluster(entra, { 'team-a': READERS, 'team-b': 'b' }, adminToken)
      toClose.push(() => cluster.close())
      const { server, certificateAuthority } = cluster
      api = connectApiServer({ server, certificateAuthority, adminToken })
      toClose.push(() => api.close())
      symlinkSync(join(root, 'deploy'), join(folder, 'deploy'))
      prepareFolder(folder, { kubeconfig: api.kubeconfig, tenantId: entra.tenantId })
      writeFileSync(join(folder, 'generated_values.yaml'), '{}')
    })
    after(async () => {
      for (const close of toClose.reverse()) await close()
      rmSync(folder, { recursive: true })
    })

    test('every command of the page runs, one after the other', () => {
      const script = steps
        .flatMap(({ title, blocks }) => [`echo '== ${title}'`, ...blocks])
        .join('\n')
      const { status, stdout, stderr } = runScript(script, folder)
      const said = `${stdout}\n${stderr}`
      assert.equal(status, 0, said)
      assert.match(stdout, /== 2\. .*\ntrue\n== 3\. /, said)
      assert.match(stderr, /nothing was changed; 10 changes are to be made/)
      assert.match(stdout, /name: rolecall-doctor[\s\S]*name: rolecall-stranger/)
    })

    test('HolmesGPT is pointed at rolecall, and its own ways into the cluster are off', () => {
      const { holmes: values } = parse(readFileSync(join(folder, 'holmes-values.yaml'), 'utf8'))
      assert.equal(values.mcp_servers.kubernetes.config.oauth.client_id, holmes.client_id)
      for (const toolset of Object.values(values.toolsets))
        assert.deepEqual(toolset, { enabled: false })
      for (const addon of Object.values(values.mcpAddons))
        assert.deepEqual(addon, { enabled: false })
      assert.match(readFileSync(join(folder, 'log'), 'utf8'), /^helm upgrade --install robusta /m)
    })

    /** What is in the cluster now, by the paths at which pods find it. */
    async function held(kind: string, name: string, path: string): Promise<PodFiles> {
      const at = `api/v1/namespaces/holmes/${kind}/${name}`
      const { data } = JSON.parse(await api.send('GET', at)) as { data: Record<string, string> }
      const text = (value: string): string =>
        kind === 'secrets' ? Buffer.from(value, 'base64').toString() : value
      return Object.fromEntries(
        Object.entries(data).map(([key, value]) => [`${path}/${key}`, text(value)]),
      )
    }

    test('what was installed signs alice in, and lets her see what is hers', async (t) => {
      const secrets = '/etc/rolecall-secrets'
      const mcpServer = 'rolecall-mcp-kubernetes'
      const { origin, doctor } = await runInstallation(t, {
        files: {
          ...(await held('configmaps', 'rolecall', '/etc/rolecall')),
          ...(await held('secrets', 'rolecall-keys', `${secrets}/sealing-keys`)),
          ...(await held('secrets', 'rolecall-client', `${secrets}/client`)),
        },
        mcpServers: {
          [mcpServer]: await held('configmaps', mcpServer, '/etc/kubernetes-mcp-server'),
        },
        environment: { ROLECALL__IDENTITY_PROVIDER__AUTHORITY: entra.origin },
        cluster,
      })
      const { code: healthy, said } = await doctor()
      assert.equal(healthy, 0, said)
      const code = await codeFor(entra, 'alice')
      const answer = await fetch(`${origin}/oauth/token`, {
        method: 'POST',
        body: new URLSearchParams(codeForm(code) as Record<string, string>),
      })
      const tokens = (await answer.json()) as { access_token: string }
      assert.equal(answer.status, 200, JSON.stringify(tokens))
      const known = await doctor(tokens.access_token)
      assert.equal(known.code, 0, known.said)
      assert.match(known.said, /^ok +API server +It knows this token as alice@contoso\.test/m)
      const session = await openMcpSession(`${origin}/mcp`, tokens.access_token)
      const mine = await session.call('pods_list_in_namespace', { namespace: 'team-a' })
      assert.equal(mine.isError, false, mine.text)
      const theirs = await session.call('pods_list_in_namespace', { namespace: 'team-b' })
      assert.equal(theirs.isError, true)
      assert.match(theirs.text, /alice@contoso\.test/)
      await session.close()
    })
  })
})
