import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parse } from 'yaml'
import { withHelm } from './support/availability.ts'
import { renderChart } from './support/helm.ts'
import { filledPreset } from './support/presets.ts'

/** As configuration files refer to the environment. */
const reference = (name: string): string => `$\{${name}}`

type Values = Record<string, unknown>

/** A preset with one value changed, by dotted path; `undefined` takes it away. */
function changed(preset: string, changes: Values): string {
  const values = parse(filledPreset(preset)) as Values
  for (const [path, value] of Object.entries(changes)) put(values, path.split('.'), value)
  return JSON.stringify(values)
}

function put(root: Values, path: readonly string[], value: unknown): void {
  let table = root
  for (const key of path.slice(0, -1)) {
    table[key] ??= {}
    table = table[key] as Values
  }
  const last = path.at(-1) ?? ''
  if (value === undefined) delete table[last]
  else table[last] = value
}

const relay = 'aks-robusta-relay-secret'
const broker = 'aks-robusta-broker-secret'
const labels = { 'app.kubernetes.io/name': 'k8s-mcp-server' }

/** Each names the value and the remedy. */
const REFUSED: readonly (readonly [
  what: string,
  preset: string,
  changes: Values,
  words: RegExp,
])[] = [
  [
    'two replicas in relay without a store',
    relay,
    { replicaCount: 2 },
    /replicaCount is 2 without a store, .* name it in store\.existingSecret/,
  ],
  [
    'two replicas in broker without a store',
    broker,
    { 'store.existingSecret': '' },
    /replicaCount is 2 without a store, .* name it in store\.existingSecret/,
  ],
  [
    'two replicas without sealing keys',
    broker,
    { 'sealingKeys.existingSecret': '' },
    /replicaCount is 2 without sealing keys, .* name the Secret in sealingKeys\.existingSecret/,
  ],
  [
    'two replicas without sealing keys where nobody signs in',
    'bring-your-own-token',
    { replicaCount: 2 },
    /replicaCount is 2 without sealing keys/,
  ],
  [
    'one replica in relay without sealing keys',
    relay,
    { 'sealingKeys.existingSecret': '' },
    /sealingKeys\.existingSecret is not set, and sign_in\.mode is relay: make the Secret/,
  ],
  [
    'autoscaling without a store',
    relay,
    { 'autoscaling.enabled': true },
    /autoscaling\.maxReplicas is 6 without a store/,
  ],
  [
    'autoscaling the wrong way round',
    broker,
    { 'autoscaling.enabled': true, 'autoscaling.minReplicas': 9 },
    /autoscaling\.minReplicas is 9, more than autoscaling\.maxReplicas 6: raise the latter/,
  ],
  [
    'an MCP server that nothing selects',
    relay,
    { mcpServers: {}, 'config.resource': [{ upstream: 'http://kms:8080/mcp', audiences: ['x'] }] },
    /networkPolicy\.mcpServers is empty, .* write its podLabels \(.*kubernetes-mcp-server; .*k8s-mcp-server\)/,
  ],
  [
    'an MCP server without labels',
    'single-cluster',
    { 'networkPolicy.mcpServers': [{ port: 8000 }] },
    /networkPolicy\.mcpServers\[0\]\.podLabels is not set: write the labels of the MCP server's pods/,
  ],
  [
    'an ingress without public_url',
    relay,
    { 'ingress.enabled': true },
    /ingress\.enabled is true and config\.public_url is not set: write the origin that people reach/,
  ],
  [
    'a route without public_url',
    relay,
    { 'httpRoute.enabled': true, 'httpRoute.parentRefs': [{ name: 'gateway' }] },
    /httpRoute\.enabled is true and config\.public_url is not set: write the origin/,
  ],
  [
    'an ingress on plain http',
    broker,
    { 'config.public_url': 'http://mcp.example.com' },
    /config\.public_url is http:\/\/mcp\.example\.com, and clients come through an ingress: write https/,
  ],
  [
    'broker without public_url',
    broker,
    { 'config.public_url': undefined, 'ingress.enabled': false },
    /config\.public_url is not set, and sign_in\.mode is broker: write the origin that people's browsers reach/,
  ],
  [
    'a route without a gateway',
    broker,
    { 'ingress.enabled': false, 'httpRoute.enabled': true },
    /httpRoute\.parentRefs is empty: name the Gateway/,
  ],
  [
    'no tenant',
    relay,
    { 'config.identity_provider.tenant_id': undefined },
    /config\.identity_provider\.tenant_id is not set: .* "az account show --query tenantId --output tsv"/,
  ],
  [
    "the tenant of everybody's examples",
    relay,
    { 'config.identity_provider.tenant_id': '00000000-0000-0000-0000-000000000000' },
    /config\.identity_provider\.tenant_id is not set/,
  ],
  [
    'no client id',
    relay,
    { 'config.identity_provider.client_id': undefined },
    /config\.identity_provider\.client_id is not set, and sign_in\.mode is relay: write the Application \(client\) ID/,
  ],
  [
    'no issuer',
    'dex',
    { 'config.identity_provider.issuer': undefined },
    /config\.identity_provider\.issuer is not set: write the issuer exactly as its discovery document/,
  ],
  [
    'no identity provider',
    'bring-your-own-token',
    { 'config.identity_provider': undefined },
    /config\.identity_provider is not set: write kind: entra with tenant_id, or kind: oidc with issuer/,
  ],
  [
    'a client secret in values',
    relay,
    { 'config.identity_provider.client_secret': 'hunter2' },
    /config\.identity_provider\.client_secret is a secret, .* clientCredential\.secret\.existingSecret/,
  ],
  [
    'sealing keys in values',
    relay,
    { 'config.sealing_keys': 'A'.repeat(43), 'sealingKeys.existingSecret': '' },
    /config\.sealing_keys is a secret, .* sealingKeys\.existingSecret/,
  ],
  [
    'the password of Redis in values',
    relay,
    { 'config.store': { redis_url: 'redis://:hunter2@redis:6379' } },
    /config\.store\.redis_url holds a password, .* store\.existingSecret/,
  ],
  [
    'a password of Redis that holds a slash, as those of Azure do',
    relay,
    { 'config.store': { redis_url: 'rediss://:hun/ter$2=@redis:6380' } },
    /config\.store\.redis_url holds a password/,
  ],
  [
    'the password of Redis apart',
    relay,
    { 'config.store': { redis_url: 'rediss://redis:6380', redis_password: 'hunter2' } },
    /config\.store\.redis_password is a secret, .* store\.passwordKey/,
  ],
  [
    'a secret in a variable',
    relay,
    { extraEnv: [{ name: 'ROLECALL__STORE__REDIS_PASSWORD', value: 'hunter2' }] },
    /extraEnv has ROLECALL__STORE__REDIS_PASSWORD with its value, .* valueFrom\.secretKeyRef/,
  ],
  [
    'a store named twice',
    broker,
    { 'config.store': { redis_url: 'rediss://redis:6380' } },
    /config\.store\.redis_url or redis_url_file and store\.existingSecret are both set: leave one/,
  ],
  [
    'the password of a store without its URL',
    broker,
    { 'store.passwordKey': 'password' },
    /store\.passwordKey is set and config\.store\.redis_url is not: write the URL without the password/,
  ],
  [
    'two credentials',
    relay,
    { 'clientCredential.workloadIdentity.enabled': true },
    /clientCredential has secret and workloadIdentity: leave one of them/,
  ],
  [
    'a credential named twice',
    relay,
    { 'config.identity_provider.client_secret_file': '/etc/mine' },
    /config\.identity_provider\.client_secret_file and clientCredential\.secret are both set: leave one/,
  ],
  [
    'workload identity where it is unknown',
    'dex',
    {
      'clientCredential.secret.existingSecret': '',
      'clientCredential.workloadIdentity.enabled': true,
    },
    /clientCredential\.workloadIdentity\.enabled is for Entra alone: use clientCredential\.secret/,
  ],
  [
    'an address that the chart sets',
    relay,
    { 'config.listen': '0.0.0.0:80' },
    /config\.listen is set by the chart: remove it, and set service\.port/,
  ],
  [
    'no resource',
    'single-cluster',
    { 'config.resource': [] },
    /config\.resource is empty: write at least one/,
  ],
  [
    'a resource without upstream',
    relay,
    { mcpServers: { other: {} } },
    /config\.resource\[0\]\.upstream is not set: .* or run one with mcpServers\.kubernetes: \{\}/,
  ],
  [
    'an MCP server for nothing',
    relay,
    { 'mcpServers.other': {} },
    /mcpServers\.other serves no resource: give one entry of config\.resource that name/,
  ],
  [
    'metrics that nobody may read',
    relay,
    { 'serviceMonitor.enabled': true },
    /serviceMonitor\.enabled is true and networkPolicy\.metricsFrom is empty, .* write where it runs/,
  ],
  [
    'no image',
    relay,
    { 'image.repository': '' },
    /image\.repository is not set: build the image .*, and write where it is in image\.registry/,
  ],
  [
    'a key that does not exist',
    relay,
    { replicas: 2 },
    /additional properties 'replicas' not allowed/,
  ],
  [
    'a key of the configuration that does not exist',
    relay,
    { 'config.sign_in.mod': 'relay' },
    /'\/config\/sign_in'.*additional properties 'mod' not allowed/s,
  ],
  [
    'a mode that does not exist',
    relay,
    { 'config.sign_in.mode': 'proxy' },
    /'\/config\/sign_in\/mode'.*must be one of 'broker', 'relay', 'off'/s,
  ],
  [
    'a number as a text',
    relay,
    { replicaCount: '1' },
    /'\/replicaCount'.*got string, want integer/s,
  ],
  [
    'an ingress controller that nobody knows',
    broker,
    { 'ingress.controller': 'traefik' },
    /'\/ingress\/controller'.*must be one of '', 'nginx', 'application-gateway'/s,
  ],
  [
    "another cluster's address on plain http",
    'several-clusters',
    {
      'mcpServers.kubernetes.clusters': [
        { name: 'a', server: 'http://a', certificateAuthority: '-----BEGIN CERTIFICATE-----' },
      ],
    },
    /'\/mcpServers\/kubernetes\/clusters\/0\/server'.*'http:\/\/a' does not match pattern '\^https:/s,
  ],
]

withHelm('what the chart refuses', () => {
  for (const [what, preset, changes, words] of REFUSED) {
    test(what, async () => {
      await assert.rejects(renderChart({ values: [changed(preset, changes)] }), words)
    })
  }

  test('everything that is wrong is said at once', async () => {
    const changes = {
      replicaCount: 2,
      'config.identity_provider.tenant_id': '',
      'config.listen': 'x',
    }
    const said = await renderChart({ values: [changed(relay, changes)] }).catch(String)
    assert.equal(String(said).match(/^\* /gm)?.length, 3, String(said))
  })

  test('what is no secret may stand in values: references to the environment', async () => {
    const changes = {
      'clientCredential.secret.existingSecret': '',
      'config.identity_provider.client_secret': reference('MCP_OAUTH_CLIENT_SECRET'),
      'config.store': { redis_url: `rediss://:${reference('REDIS_PASSWORD')}@redis:6379` },
      extraEnvFrom: [{ secretRef: { name: 'rolecall-environment' } }],
      replicaCount: 2,
    }
    const { text } = await renderChart({ values: [changed(relay, changes)] })
    assert.match(text, /client_secret: \$\{MCP_OAUTH_CLIENT_SECRET\}/)
  })

  test('a selector of labels is enough for the NetworkPolicy', async () => {
    const changes = { 'networkPolicy.mcpServers': [{ podLabels: labels, port: 8000 }] }
    await renderChart({ values: [changed('single-cluster', changes)] })
  })
})
