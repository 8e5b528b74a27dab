import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { clusterContents } from '../environment/cluster/contents.ts'
import { startRealCluster } from '../environment/cluster/real/real.ts'
import { onRealCluster } from '../real/availability.ts'
import { startTestIssuer } from '../support/test-issuer.ts'
import { DEFINITIONS, definitionPath } from './helm/distribution.ts'
import { type ApiServer, connectApiServer, pathOf } from './support/api-server.ts'
import { withHelm } from './support/availability.ts'
import { CHART, helm, objectsIn, renderChart, withValues } from './support/helm.ts'
import { type KubernetesObject, objectOf } from './support/objects.ts'
import { filledPreset, PRESETS } from './support/presets.ts'

/** All that can be turned on, beside what presets have on. */
const EVERYTHING = JSON.stringify({
  autoscaling: { enabled: true, targetOpenStreams: 100 },
  httpRoute: { enabled: true, parentRefs: [{ name: 'gateway' }] },
  serviceMonitor: { enabled: true },
  prometheusRule: { enabled: true },
  networkPolicy: { metricsFrom: [{ podSelector: {} }], extraEgress: [{ ports: [{ port: 4318 }] }] },
  priorityClassName: 'system-cluster-critical',
  tolerations: [{ operator: 'Exists' }],
  extraEnv: [{ name: 'HTTPS_PROXY', value: 'http://proxy:3128' }],
})

const RENDERINGS: Readonly<Record<string, readonly string[]>> = {
  ...Object.fromEntries(PRESETS.map((name) => [name, [filledPreset(name)]])),
  everything: [filledPreset('aks-robusta-broker-secret'), EVERYTHING],
}

onRealCluster('the chart on a real API server', () => {
  withHelm('the chart on a real API server', () => {
    const toClose: (() => unknown)[] = []
    let api: ApiServer

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
      api = connectApiServer({ server, certificateAuthority, adminToken })
      toClose.push(() => api.close())
      await api.send('POST', 'api/v1/namespaces', {
        metadata: {
          name: 'holmes',
          labels: {
            'pod-security.kubernetes.io/enforce': 'restricted',
            'pod-security.kubernetes.io/warn': 'restricted',
          },
        },
      })
      // The controller manager makes it elsewhere.
      await api.send('POST', 'api/v1/namespaces/holmes/serviceaccounts', {
        metadata: { name: 'default' },
      })
      for (const { file } of DEFINITIONS)
        await api.define(readFileSync(definitionPath(file), 'utf8'))
    })
    after(async () => {
      for (const close of toClose.reverse()) await close()
    })

    /** As pods, since for what makes them the Pod Security Standard only warns. */
    function podsOf(objects: readonly KubernetesObject[]): KubernetesObject[] {
      return objects.flatMap(({ metadata, spec }) =>
        spec?.template === undefined
          ? []
          : [
              {
                apiVersion: 'v1',
                kind: 'Pod',
                metadata: { name: metadata.name, labels: spec.template.metadata.labels },
                spec: spec.template.spec as object as KubernetesObject['spec'] & object,
              },
            ],
      )
    }

    for (const [name, values] of Object.entries(RENDERINGS)) {
      test(`${name}: each object is taken, strictly, with restricted pods and without a warning`, async () => {
        const { objects } = await renderChart({ values })
        for (const object of objects.filter(({ kind }) => kind === 'ServiceAccount')) {
          await api.apply(object)
        }
        for (const object of [...objects, ...podsOf(objects)]) {
          await api.apply(object, { dryRun: true })
        }
      })

      test(`${name}: helm install creates what it says, and uninstall takes it away`, async () => {
        const { objects } = await renderChart({ values, hooks: false })
        await withValues([...values, JSON.stringify(api.kubeconfig)], async (flags) => {
          const KUBECONFIG = flags.at(-1) ?? ''
          const place = ['--namespace', 'holmes', '--kubeconfig', KUBECONFIG]
          const chart = ['install', 'rolecall', CHART, '--take-ownership', ...flags.slice(0, -2)]
          await helm([...chart, ...place], { KUBECONFIG })
          try {
            const held = objectsIn(await helm(['get', 'manifest', 'rolecall', ...place]))
            const named = (all: readonly KubernetesObject[]): string[] =>
              all.map(({ kind, metadata }) => `${kind} ${metadata.name}`).sort()
            assert.deepEqual(named(held), named(objects))
            for (const { kind, metadata } of objects) {
              await api.send('GET', `${pathOf(kind)}/${metadata.name}`)
            }
          } finally {
            await helm(['uninstall', 'rolecall', '--wait=hookOnly', ...place], { KUBECONFIG })
          }
        })
      })
    }

    test('a field that does not exist and a root user would be refused', async () => {
      const { objects } = await renderChart({ values: RENDERINGS['everything'] ?? [] })
      const pod = podsOf(objects).find(({ metadata }) => metadata.name === 'rolecall')
      assert.ok(pod?.spec)
      await api.apply(objectOf(objects, 'ServiceAccount', 'rolecall'))
      const unknown = { ...pod, spec: { ...pod.spec, containrs: [] } }
      await assert.rejects(api.apply(unknown, { dryRun: true }), /containrs/)
      const root = { ...pod, spec: { ...pod.spec, securityContext: { runAsUser: 0 } } }
      await assert.rejects(api.apply(root, { dryRun: true }), /violates PodSecurity/)
    })
  })
})
