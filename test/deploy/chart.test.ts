import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { test } from 'node:test'
import { parse } from 'yaml'
import { chartReadme, completeSchema } from '../../deploy/helm/chart-files.ts'
import { freePort } from '../environment/ports.ts'
import { withHelm } from './support/availability.ts'
import { CHART, helm, renderChart, withValues } from './support/helm.ts'
import { type KubernetesObject, objectOf, specOf } from './support/objects.ts'
import { filledPreset } from './support/presets.ts'

const inChart = (path: string): string => readFileSync(`${CHART}/${path}`, 'utf8')

test('the README of the chart is what its values say: npm run chart:files', () => {
  assert.equal(inChart('README.md'), chartReadme(inChart('values.yaml')))
})

test('the values schema has our own configuration schema and the words of values.yaml: npm run chart:files', () => {
  const schema = inChart('values.schema.json')
  const own = readFileSync(new URL('../../deploy/config.schema.json', import.meta.url), 'utf8')
  const values = inChart('values.yaml')
  assert.deepEqual(JSON.parse(schema), JSON.parse(completeSchema(schema, own, values)))
})

test('each value of values.yaml is in the schema, and each of the schema in values.yaml', () => {
  const { properties } = JSON.parse(inChart('values.schema.json')) as { properties: object }
  const { global: _helm, ...known } = properties as Record<string, unknown>
  assert.deepEqual(Object.keys(known).sort(), Object.keys(parse(inChart('values.yaml'))).sort())
})

const relay = filledPreset('aks-robusta-relay-secret')
const broker = filledPreset('aks-robusta-broker-secret')

async function render(preset: string, changes: object = {}): Promise<readonly KubernetesObject[]> {
  return (await renderChart({ values: [preset, JSON.stringify(changes)] })).objects
}

interface IngressRule {
  readonly host: string
  readonly http: { readonly paths: readonly { readonly path: string; readonly pathType: string }[] }
}

interface RouteRule {
  readonly timeouts: object
  readonly matches: readonly { readonly path: { readonly value: string } }[]
}

interface Rules {
  readonly groups: readonly { readonly rules: readonly { readonly expr: string }[] }[]
}

const monitored = {
  serviceMonitor: { enabled: true },
  prometheusRule: { enabled: true },
  networkPolicy: { metricsFrom: [{ podSelector: {} }] },
}

withHelm('the chart', () => {
  test('helm lint has nothing to say', async () => {
    await withValues([relay], (flags) => helm(['lint', CHART, '--strict', ...flags]))
  })

  test('a changed configuration changes nothing of the pods, so that no stream ends', async () => {
    const podOf = (objects: readonly KubernetesObject[]) =>
      objectOf(objects, 'Deployment', 'rolecall').spec?.template
    const before = await render(relay)
    const after = await render(relay, { config: { log_level: 'debug' } })
    assert.deepEqual(podOf(after), podOf(before))
    assert.notDeepEqual(
      objectOf(after, 'ConfigMap', 'rolecall').data,
      objectOf(before, 'ConfigMap', 'rolecall').data,
    )
  })

  test('the grace period holds what rolecall waits for', async () => {
    const config = { shutdown_delay: '1.5m', shutdown_grace: '500ms' }
    const pod = objectOf(await render(relay, { config }), 'Deployment', 'rolecall').spec?.template
    assert.equal(pod?.spec['terminationGracePeriodSeconds'], 90 + 1 + 5)
  })

  for (const [controller, annotations, pathType] of [
    [
      'nginx',
      {
        'nginx.ingress.kubernetes.io/proxy-buffering': 'off',
        'nginx.ingress.kubernetes.io/proxy-request-buffering': 'off',
        'nginx.ingress.kubernetes.io/proxy-read-timeout': '86400',
        'nginx.ingress.kubernetes.io/proxy-send-timeout': '86400',
        'nginx.ingress.kubernetes.io/proxy-buffer-size': '16k',
        'nginx.ingress.kubernetes.io/proxy-body-size': '4194304',
        'nginx.ingress.kubernetes.io/force-ssl-redirect': 'true',
      },
      'ImplementationSpecific',
    ],
    [
      'application-gateway',
      {
        'appgw.ingress.kubernetes.io/request-timeout': '86400',
        'appgw.ingress.kubernetes.io/ssl-redirect': 'true',
      },
      'Prefix',
    ],
    ['', undefined, 'Prefix'],
  ] as const) {
    test(`an ingress of ${controller || 'no known controller'} has every path and no time-out`, async () => {
      const ingress = objectOf(await render(broker, { ingress: { controller } }), 'Ingress')
      assert.deepEqual(ingress.metadata.annotations, annotations)
      const [rule] = specOf<{ rules: IngressRule[] }>(ingress).rules ?? []
      assert.equal(rule?.host, 'mcp.example.com')
      assert.deepEqual(
        rule?.http.paths.map((it) => [it.path, it.pathType]),
        [
          ['/', 'Exact'],
          ['/.well-known/oauth-protected-resource', pathType],
          ['/.well-known/oauth-authorization-server', pathType],
          ['/.well-known/openid-configuration', pathType],
          ['/oauth', pathType],
          ['/mcp', pathType],
        ],
      )
    })
  }

  test('a route has every path, no time-out, and the host of public_url', async () => {
    const changes = {
      ingress: { enabled: false },
      httpRoute: { enabled: true, parentRefs: [{ name: 'gateway', namespace: 'gateways' }] },
    }
    const route = objectOf(await render(broker, changes), 'HTTPRoute')
    const { hostnames, rules } = specOf<{ hostnames: string[]; rules: RouteRule[] }>(route)
    assert.deepEqual(hostnames, ['mcp.example.com'])
    const [rule] = rules ?? []
    assert.deepEqual(rule?.timeouts, { request: '0s', backendRequest: '0s' })
    assert.deepEqual(
      rule?.matches.map(({ path }) => path.value),
      [
        '/',
        '/.well-known/oauth-protected-resource',
        '/.well-known/oauth-authorization-server',
        '/.well-known/openid-configuration',
        '/oauth',
        '/mcp',
      ],
    )
  })

  test('pods are scaled by processor time, and by open streams where that is wanted', async () => {
    const metricsOf = async (autoscaling: object): Promise<unknown> =>
      objectOf(await render(broker, { autoscaling }), 'HorizontalPodAutoscaler').spec?.['metrics']
    const cpu = {
      type: 'Resource',
      resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 70 } },
    }
    assert.deepEqual(await metricsOf({ enabled: true }), [cpu])
    assert.deepEqual(await metricsOf({ enabled: true, targetOpenStreams: 200 }), [
      cpu,
      {
        type: 'Pods',
        pods: {
          metric: { name: 'rolecall_open_streams' },
          target: { type: 'AverageValue', averageValue: '200' },
        },
      },
    ])
  })

  test('the alerts are those of the file, each asking for the pods of this release alone', async () => {
    const [source] = (parse(inChart('monitoring/alerts.yaml')) as Rules).groups
    const rule = objectOf(await render(relay, monitored), 'PrometheusRule')
    const [group] = specOf<Rules>(rule).groups ?? []
    const own = 'namespace="holmes", pod=~"rolecall-.*", '
    assert.ok((source?.rules.length ?? 0) >= 15)
    assert.deepEqual(
      group?.rules,
      source?.rules.map((alert) => ({
        ...alert,
        expr: alert.expr.replaceAll(/(rolecall_\w+)\{/g, `$1{${own}`),
      })),
    )
  })

  test('each dashboard is in a ConfigMap, as it is in its file', async () => {
    const objects = await render(relay, { dashboards: { enabled: true } })
    for (const name of ['operator', 'security']) {
      const { data, metadata } = objectOf(objects, 'ConfigMap', `rolecall-dashboard-${name}`)
      const file = inChart(`monitoring/dashboards/${name}.json`)
      assert.deepEqual(Object.values(data ?? {}), [file])
      assert.equal(metadata.labels?.['grafana_dashboard'], '1')
    }
  })

  test('Prometheus scrapes the Service of the admin port alone', async () => {
    const objects = await render(relay, monitored)
    const { matchLabels = {} } = (objectOf(objects, 'ServiceMonitor').spec?.selector ?? {}) as {
      matchLabels: Record<string, string>
    }
    const found = objects.filter(
      ({ kind, metadata }) =>
        kind === 'Service' &&
        Object.entries(matchLabels).every(([key, value]) => metadata.labels?.[key] === value),
    )
    assert.deepEqual(
      found.map(({ metadata }) => metadata.name),
      ['rolecall-admin'],
    )
  })

  for (const [cloud, audience] of [
    ['public', 'api://AzureADTokenExchange'],
    ['usgov', 'api://AzureADTokenExchangeUSGov'],
    ['china', 'api://AzureADTokenExchangeChina'],
  ] as const) {
    test(`a workload's token in the cloud ${cloud} is for ${audience}`, async () => {
      const preset = filledPreset('aks-robusta-relay-workload-identity')
      const objects = await render(preset, { config: { identity_provider: { cloud } } })
      const { template } = objectOf(objects, 'Deployment', 'rolecall').spec ?? {}
      assert.equal(template?.metadata.labels['azure.workload.identity/use'], 'true')
      const volume = template?.spec.volumes?.find(({ name }) => name === 'azure-identity-token')
      assert.deepEqual(volume?.projected?.sources, [
        {
          serviceAccountToken: {
            path: 'azure-identity-token',
            audience,
            expirationSeconds: 3600,
          },
        },
      ])
    })
  }

  test('texts are templates, labels and annotations are everywhere, further objects are taken', async () => {
    const objects = await render(relay, {
      commonLabels: { team: '{{ .Release.Namespace }}' },
      commonAnnotations: { owner: '{{ .Release.Name }}' },
      config: { internal_hosts: ['{{ .Release.Name }}.example.com:8080'] },
      nodeSelector: { pool: '{{ .Release.Name }}' },
      extraObjects: [
        { apiVersion: 'v1', kind: 'Secret', metadata: { name: '{{ .Release.Name }}-more' } },
      ],
    })
    const { data } = objectOf(objects, 'ConfigMap', 'rolecall')
    assert.match(data?.['rolecall.yaml'] ?? '', /- rolecall\.example\.com:8080/)
    const own = objects.filter(({ metadata }) => metadata.name !== 'rolecall-more')
    for (const { kind, metadata } of own) {
      assert.equal(metadata.labels?.['team'], 'holmes', `${kind} ${metadata.name}`)
      if (kind !== 'Pod') assert.equal(metadata.annotations?.['owner'], 'rolecall', kind)
    }
    const pod = objectOf(objects, 'Deployment', 'rolecall').spec?.template?.spec
    assert.deepEqual(pod?.['nodeSelector'], { pool: 'rolecall' })
    objectOf(objects, 'Secret', 'rolecall-more')
  })

  test('an image by its digest has no tag', async () => {
    const digest = `sha256:${'0'.repeat(64)}`
    const objects = await render(relay, { image: { digest, tag: 'ignored' } })
    const [container] =
      objectOf(objects, 'Deployment', 'rolecall').spec?.template?.spec.containers ?? []
    assert.equal(container?.['image'], `myregistry.azurecr.io/rolecall@${digest}`)
  })

  test('nothing of the chart has a token of its service account', async () => {
    const objects = await render(filledPreset('remediation'))
    for (const object of objects) {
      const pod = object.kind === 'Pod' ? object.spec : object.spec?.template?.spec
      if (pod !== undefined) assert.equal(pod['automountServiceAccountToken'], false, object.kind)
    }
    const accounts = objects.filter(({ kind }) => kind === 'ServiceAccount')
    assert.equal(accounts.length, 3)
    assert.deepEqual(
      objects.filter(({ kind }) => /Role/.test(kind)),
      [],
    )
  })
})

withHelm('the stranger of helm test', () => {
  /** Runs what the pod runs, against other addresses. */
  async function ask(...urls: readonly string[]): Promise<{ code: number | null; said: string }> {
    const pod = objectOf(await render(relay), 'Pod', 'rolecall-stranger')
    const [container] = specOf<{ containers: StrangerContainer[] }>(pod).containers ?? []
    const [, ...flags] = container?.command ?? []
    const [script = '', ...own] = container?.args ?? []
    assert.deepEqual(own, ['http://rolecall-mcp-kubernetes.holmes.svc.cluster.local:8080/mcp'])
    const run = spawn(process.execPath, [...flags, script, ...urls])
    let said = ''
    run.stdout.on('data', (chunk) => {
      said += String(chunk)
    })
    const [code] = (await once(run, 'close')) as [number | null]
    return { code, said }
  }

  test('is content where nobody lets it in', async () => {
    const url = `http://127.0.0.1:${await freePort()}/mcp`
    assert.deepEqual(await ask(url), { code: 0, said: `${url}: closed\n` })
  })

  test('fails where it gets in, and says what to look at', async (t) => {
    const server = createServer()
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    t.after(() => server.close())
    const { port } = server.address() as AddressInfo
    const { code, said } = await ask(`http://127.0.0.1:${port}/mcp`)
    assert.equal(code, 1)
    assert.match(said, /: open\nAnybody in the cluster reaches this MCP server, past rolecall\./)
  })

  test('fails where nothing is shown', async () => {
    const { code, said } = await ask('http://nobody.invalid:8080/mcp')
    assert.equal(code, 1)
    assert.match(said, /: (ENOTFOUND|EAI_AGAIN)\nNothing is shown/)
  })
})

interface StrangerContainer {
  readonly command: readonly string[]
  readonly args: readonly string[]
}
