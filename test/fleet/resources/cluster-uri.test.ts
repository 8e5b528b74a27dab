import assert from 'node:assert/strict'
import { test } from 'node:test'
import { UriTemplate } from '@modelcontextprotocol/client'
import {
  clusterUri,
  clusterUriTemplate,
  readClusterUri,
  readClusterUriTemplate,
} from '../../../src/fleet/resources/cluster-uri.ts'

type Row = readonly [uri: string, shown: string]

const uris: readonly Row[] = [
  ['k8s://pods/team-a/web-1', 'rolecall://prod/k8s://pods/team-a/web-1'],
  ['file:///etc/hosts', 'rolecall://prod/file:///etc/hosts'],
  ['https://host:8443/a?b=c&d#e', 'rolecall://prod/https://host:8443/a?b=c&d#e'],
  ['urn:isbn:0451450523', 'rolecall://prod/urn:isbn:0451450523'],
  ['K8S://Host/%C3%a9%2F', 'rolecall://prod/K8S://Host/%C3%a9%2F'],
  ['rolecall://dev/k8s://x', 'rolecall://prod/rolecall://dev/k8s://x'],
  ['k8s://a/../b', 'rolecall://prod/k8s%3A%2F%2Fa%2F..%2Fb'],
  ['k8s://a/%2e%2E/b', 'rolecall://prod/k8s%3A%2F%2Fa%2F%252e%252E%2Fb'],
  ['k8s://a/./b', 'rolecall://prod/k8s%3A%2F%2Fa%2F.%2Fb'],
  ['k8s://pöds/名前', 'rolecall://prod/k8s%3A%2F%2Fp%C3%B6ds%2F%E5%90%8D%E5%89%8D'],
  ['k8s://a b', 'rolecall://prod/k8s%3A%2F%2Fa%20b'],
  ['k8s://a\nb\t', 'rolecall://prod/k8s%3A%2F%2Fa%0Ab%09'],
  ['k8s://{not}/a template', 'rolecall://prod/k8s%3A%2F%2F%7Bnot%7D%2Fa%20template'],
  ['no scheme', 'rolecall://prod/no%20scheme'],
  ['../up', 'rolecall://prod/..%2Fup'],
  ['%', 'rolecall://prod/%25'],
  ['1a:b', 'rolecall://prod/1a%3Ab'],
]

for (const [uri, shown] of uris) {
  test(`${JSON.stringify(uri)} names its cluster, reads, and comes back as it was`, () => {
    assert.equal(clusterUri('prod', uri), shown)
    assert.equal(new URL(shown).href, shown, 'a URL parser leaves it as it is')
    assert.deepEqual(readClusterUri(shown), { cluster: 'prod', uri })
  })
}

test('any text comes back as it was', () => {
  const parts = ['k8s://', '/', '..', '.', '%', '%2e', ':', '?', '#', 'é', '\u0000', '{', ' ', '\\']
  const texts = parts.flatMap((a) => parts.flatMap((b) => parts.map((c) => a + b + c)))
  const long = `k8s://${'ü/'.repeat(50_000)}`
  for (const uri of [...texts, long, `k8s://${'x'.repeat(100_000)}`]) {
    const shown = clusterUri('a-1', uri)
    assert.deepEqual(readClusterUri(shown), { cluster: 'a-1', uri })
    assert.equal(new URL(shown).href, shown)
  }
})

test('half a surrogate pair is shown as no letter, and fails nothing', () => {
  assert.deepEqual(readClusterUri(clusterUri('prod', 'k8s://\ud800')), {
    cluster: 'prod',
    uri: 'k8s://\ufffd',
  })
})

type Expansion = readonly [template: string, variables: Record<string, string>]

const expansions: readonly Expansion[] = [
  ['k8s://{namespace}/{name}', { namespace: 'team-a', name: 'web 1/ü' }],
  ['k8s://nodes{?watch,limit}', { watch: 'true', limit: '5&6' }],
  ['file:///{+path}', { path: 'etc/hosts' }],
  ['{+uri}', { uri: 'k8s://pods/x' }],
  ['k8s://a{/b}{#c}', { b: 'x', c: 'y' }],
]

for (const [template, variables] of expansions) {
  test(`what a client makes of ${template} is what the member's own makes`, () => {
    const shown = clusterUriTemplate('prod', template)
    assert.deepEqual(readClusterUriTemplate(shown), { cluster: 'prod', uri: template })
    const uri = new UriTemplate(template).expand(variables)
    assert.deepEqual(readClusterUri(new UriTemplate(shown).expand(variables)), {
      cluster: 'prod',
      uri,
    })
  })
}

const none: readonly string[] = [
  '',
  'k8s://pods',
  'rolecall:',
  'rolecall://',
  'rolecall://prod',
  'rolecall://prod/',
  'rolecall:///k8s://x',
  'rolecall://PROD/k8s://x',
  'rolecall://prod:80/k8s://x',
  'rolecall://user@prod/k8s://x',
  'ROLECALL://prod/k8s://x',
  'rolecall://prod/%zz',
  'rolecall://prod/%c3',
  ' rolecall://prod/k8s://x',
]

for (const shown of none) {
  test(`${JSON.stringify(shown)} names no resource of a cluster`, () => {
    assert.equal(readClusterUri(shown), undefined)
  })
}
