import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { parseAllDocuments } from 'yaml'
import { clusterContents } from '../environment/cluster/contents.ts'
import { type ClusterAdmin, connectAdmin } from '../environment/cluster/real/admin.ts'
import { startRealCluster } from '../environment/cluster/real/real.ts'
import { loadToml } from '../support/configuration.ts'
import { startTestIssuer } from '../support/test-issuer.ts'
import { onRealCluster } from './availability.ts'

interface Manifest {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: { readonly name: string }
  readonly data?: Readonly<Record<string, string>>
}

const file = new URL('../../deploy/kubernetes/rolecall.yaml', import.meta.url)
const manifests = parseAllDocuments(readFileSync(file, 'utf8')).map((it) => it.toJS() as Manifest)

/** Where each kind is created, in the namespace of alice's team. */
const PLURALS: Readonly<Record<string, string>> = {
  ConfigMap: 'api/v1/namespaces/team-a/configmaps',
  Service: 'api/v1/namespaces/team-a/services',
  Deployment: 'apis/apps/v1/namespaces/team-a/deployments',
  PodDisruptionBudget: 'apis/policy/v1/namespaces/team-a/poddisruptionbudgets',
  NetworkPolicy: 'apis/networking.k8s.io/v1/namespaces/team-a/networkpolicies',
}

onRealCluster('the manifests in deploy/kubernetes', () => {
  const toClose: (() => unknown)[] = []
  let admin: ClusterAdmin

  before(async () => {
    const adminToken = 'for-this-test-only'
    const { identityProvider } = await startTestIssuer((close) => toClose.push(close))
    const { server, certificateAuthority, close } = await startRealCluster({
      adminToken,
      identityProvider,
      contents: clusterContents({ 'team-a': 'a', 'team-b': 'b' }),
      trust: 'webhook',
    })
    toClose.push(close)
    admin = connectAdmin({ server, certificateAuthority, adminToken })
    toClose.push(() => admin.close())
  })
  after(async () => {
    for (const close of toClose.reverse()) await close()
  })

  const create = (path: string | undefined, manifest: object) =>
    admin.send('POST', `/${path}?dryRun=All&fieldValidation=Strict`, manifest)

  for (const manifest of manifests) {
    test(`${manifest.kind} ${manifest.metadata.name} is what a real API server takes, strictly`, async () => {
      const created = JSON.parse(await create(PLURALS[manifest.kind], manifest)) as Manifest
      assert.equal(created.kind, manifest.kind)
    })
  }

  test('a field that does not exist would be refused', async () => {
    const [first] = manifests
    await assert.rejects(
      create(PLURALS['ConfigMap'], { ...first, dta: {} }),
      /unknown field .{1,2}dta/,
    )
  })
})

test('the configuration in the ConfigMap loads once its values are set', () => {
  const text = manifests.find(({ kind }) => kind === 'ConfigMap')?.data?.['rolecall.toml'] ?? ''
  const loaded = loadToml(text.replace(/<(client id[^>]*|[^>]+)>/g, (_all, value) => value))
  assert.equal(loaded.kind, 'config', JSON.stringify(loaded))
  assert.deepEqual(loaded.kind === 'config' && loaded.warnings, [])
})
