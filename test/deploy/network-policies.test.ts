import assert from 'node:assert/strict'
import { test } from 'node:test'
import { withHelm } from './support/availability.ts'
import { renderChart } from './support/helm.ts'
import {
  type KubernetesObject,
  type Labels,
  objectOf,
  type Peer,
  type PolicyRule,
  selects,
} from './support/objects.ts'
import { filledPreset, PRESETS } from './support/presets.ts'

interface Pod {
  readonly namespace: string
  readonly labels: Labels
}

/** The labels of the pods that other charts make, for a release called `mcp` or `holmes`. */
const OTHER_CHARTS: Readonly<Record<string, { labels: Labels; port: number; own: Labels }>> = {
  // containers/kubernetes-mcp-server 0.0.67, charts/kubernetes-mcp-server/templates/_helpers.tpl
  'kubernetes-mcp-server': {
    own: { 'app.kubernetes.io/name': 'kubernetes-mcp-server' },
    port: 8080,
    labels: {
      'helm.sh/chart': 'kubernetes-mcp-server-0.1.0',
      'app.kubernetes.io/name': 'kubernetes-mcp-server',
      'app.kubernetes.io/instance': 'mcp',
      'app.kubernetes.io/version': 'latest',
      'app.kubernetes.io/managed-by': 'Helm',
    },
  },
  // HolmesGPT, helm/holmes/templates/mcp-servers/kubernetes/deployment.yaml
  holmes: {
    own: { 'app.kubernetes.io/name': 'k8s-mcp-server' },
    port: 8000,
    labels: {
      app: 'holmes-k8s-mcp',
      'app.kubernetes.io/name': 'k8s-mcp-server',
      'app.kubernetes.io/instance': 'holmes',
      'app.kubernetes.io/component': 'mcp-server',
      'app.kubernetes.io/part-of': 'holmes',
    },
  },
}

const HOLMES: Labels = { app: 'holmes', 'app.kubernetes.io/name': 'holmes' }

/** Whether any policy that selects the pod lets the other one in; with none, everybody comes in. */
function letsIn(policies: readonly KubernetesObject[], to: Pod, from: Pod, port: number): boolean {
  const about = policies.filter(({ metadata, spec }) => {
    const here = (metadata.namespace ?? '') === to.namespace
    return here && selects(spec?.podSelector, to.labels) && spec?.policyTypes?.includes('Ingress')
  })
  if (about.length === 0) return true
  return about.some(({ metadata, spec }) =>
    (spec?.ingress ?? []).some((rule) => admits(rule, from, metadata.namespace ?? '', port)),
  )
}

function admits(rule: PolicyRule, from: Pod, namespace: string, port: number): boolean {
  const ports = rule.ports ?? []
  if (ports.length > 0 && !ports.some((it) => it.port === port)) return false
  return rule.from === undefined || rule.from.some((peer) => isPeer(peer, from, namespace))
}

function isPeer(peer: Peer, pod: Pod, namespace: string): boolean {
  if (peer.ipBlock !== undefined) return false
  const labels = { 'kubernetes.io/metadata.name': pod.namespace }
  const here = peer.namespaceSelector
    ? selects(peer.namespaceSelector, labels)
    : pod.namespace === namespace
  return here && selects(peer.podSelector, pod.labels)
}

function podOf(object: KubernetesObject): Pod {
  const labels = object.spec?.template?.metadata.labels ?? object.metadata.labels ?? {}
  return { namespace: object.metadata.namespace ?? '', labels }
}

function upstreamPort(object: KubernetesObject): number {
  const [container] = object.spec?.template?.spec.containers ?? []
  const [port] = (container?.['ports'] ?? []) as { containerPort: number }[]
  return port?.containerPort ?? 0
}

withHelm('who reaches whom', () => {
  for (const preset of PRESETS) {
    test(`${preset}: rolecall and its doctor reach the MCP server, and nobody else`, async () => {
      const tests = JSON.stringify({ tests: { enabled: true } })
      const { objects } = await renderChart({ values: [filledPreset(preset), tests] })
      const policies = objects.filter(({ kind }) => kind === 'NetworkPolicy')
      const servers = objects.filter(
        ({ kind, metadata }) =>
          kind === 'Deployment' &&
          metadata.labels?.['app.kubernetes.io/name'] === 'kubernetes-mcp-server',
      )
      assert.equal(servers.length > 0, preset !== 'single-cluster')
      const rolecall = podOf(objectOf(objects, 'Deployment', 'rolecall'))
      const doctor = podOf(objectOf(objects, 'Pod', 'rolecall-doctor'))
      const stranger = podOf(objectOf(objects, 'Pod', 'rolecall-stranger'))
      for (const server of servers) {
        const port = upstreamPort(server)
        const reaches = (from: Pod): boolean => letsIn(policies, podOf(server), from, port)
        assert.ok(reaches(rolecall) && reaches(doctor))
        assert.ok(!reaches(stranger))
        assert.ok(!reaches({ namespace: 'holmes', labels: HOLMES }))
        assert.ok(!reaches({ ...rolecall, namespace: 'elsewhere' }))
        assert.ok(!letsIn(policies, podOf(server), rolecall, 9999))
      }
    })
  }

  for (const [chart, { own, labels, port }] of Object.entries(OTHER_CHARTS)) {
    for (const namespace of ['holmes', 'mcp']) {
      test(`the pods of the chart ${chart} in the namespace ${namespace} are guarded`, async () => {
        const networkPolicy = { mcpServers: [{ podLabels: own, port, namespace }] }
        const values = [filledPreset('single-cluster'), JSON.stringify({ networkPolicy })]
        const { objects } = await renderChart({ values })
        const policies = objects.filter(({ kind }) => kind === 'NetworkPolicy')
        const server = { namespace, labels }
        const rolecall = podOf(objectOf(objects, 'Deployment', 'rolecall'))
        assert.ok(letsIn(policies, server, rolecall, port))
        assert.ok(!letsIn(policies, server, { namespace: 'holmes', labels: HOLMES }, port))
        assert.ok(!letsIn(policies, server, { namespace, labels: HOLMES }, port))
        // And rolecall may go there.
        const egress = objectOf(objects, 'NetworkPolicy', 'rolecall').spec?.egress ?? []
        const towards = egress.filter(({ to }) =>
          to?.some((peer) => isPeer(peer, server, 'holmes')),
        )
        assert.ok(towards.some(({ ports }) => ports?.some((it) => it.port === port)))
      })
    }
  }

  test('MCP servers outside the cluster are reached at their ports', async () => {
    const audiences = ['x']
    const resource = ['https://a.example.com/mcp', 'https://b.example.com:8443/mcp'].map(
      (upstream, index) => ({ name: `r${index}`, path: `/r${index}`, upstream, audiences }),
    )
    const networkPolicy = { mcpServers: [], mcpServersElsewhere: true }
    const values = [
      filledPreset('single-cluster'),
      JSON.stringify({ networkPolicy, config: { resource } }),
    ]
    const { objects } = await renderChart({ values })
    const last = objectOf(objects, 'NetworkPolicy').spec?.egress?.at(-1)
    assert.deepEqual(last, {
      ports: [443, 8443].map((port) => ({ port, protocol: 'TCP' })),
    })
    assert.deepEqual(
      objects.filter(({ metadata }) => metadata.name === 'rolecall-stranger'),
      [],
    )
  })

  test("a Service of rolecall's sends nobody to the pods that test it", async () => {
    const { objects } = await renderChart({ values: [filledPreset('aks-robusta-relay-secret')] })
    for (const service of objects.filter(({ kind }) => kind === 'Service')) {
      const selector = { matchLabels: service.spec?.selector as Labels }
      for (const pod of objects.filter(({ kind }) => kind === 'Pod')) {
        assert.ok(!selects(selector, pod.metadata.labels ?? {}), service.metadata.name)
      }
    }
  })

  test('metrics are for those who are named', async () => {
    const monitoring = { matchLabels: { 'kubernetes.io/metadata.name': 'monitoring' } }
    const changes = { networkPolicy: { metricsFrom: [{ namespaceSelector: monitoring }] } }
    const values = [filledPreset('aks-robusta-relay-secret'), JSON.stringify(changes)]
    const { objects } = await renderChart({ values })
    const policies = objects.filter(({ kind }) => kind === 'NetworkPolicy')
    const rolecall = podOf(objectOf(objects, 'Deployment', 'rolecall'))
    const prometheus = { namespace: 'monitoring', labels: {} }
    assert.ok(letsIn(policies, rolecall, prometheus, 9090))
    const holmes = { namespace: 'holmes', labels: HOLMES }
    assert.ok(!letsIn(policies, rolecall, holmes, 9090))
    assert.ok(letsIn(policies, rolecall, holmes, 8080))
  })

  test('the instance metadata of clouds is out of reach', async () => {
    const { objects } = await renderChart({ values: [filledPreset('aks-robusta-relay-secret')] })
    const blocks = (objectOf(objects, 'NetworkPolicy', 'rolecall').spec?.egress ?? [])
      .filter(({ ports }) => ports?.some(({ port }) => port === 443))
      .flatMap(({ to }) => to ?? [])
    assert.deepEqual(
      blocks.map(({ ipBlock }) => ipBlock),
      [
        { cidr: '0.0.0.0/0', except: ['169.254.0.0/16'] },
        { cidr: '::/0', except: ['fe80::/10'] },
      ],
    )
  })
})
