import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Cloud } from '../../../src/config/config.ts'
import { graphOf } from '../../../src/issuer/graph/microsoft-graph.ts'

const rows: readonly [
  cloud: Cloud,
  authority: string | undefined,
  named: unknown,
  url: string,
  audience: string,
][] = [
  [
    'public',
    undefined,
    'graph.microsoft.com',
    'https://graph.microsoft.com',
    'https://graph.microsoft.com',
  ],
  ['public', undefined, undefined, 'https://graph.microsoft.com', 'https://graph.microsoft.com'],
  [
    'public',
    undefined,
    'graph.attacker.example',
    'https://graph.microsoft.com',
    'https://graph.microsoft.com',
  ],
  [
    'public',
    undefined,
    'graph.microsoft.us',
    'https://graph.microsoft.com',
    'https://graph.microsoft.com',
  ],
  [
    'public',
    undefined,
    'graph.microsoft.com@attacker.example',
    'https://graph.microsoft.com',
    'https://graph.microsoft.com',
  ],
  ['public', undefined, 7, 'https://graph.microsoft.com', 'https://graph.microsoft.com'],
  [
    'usgov',
    undefined,
    'graph.microsoft.us',
    'https://graph.microsoft.us',
    'https://graph.microsoft.us',
  ],
  [
    'usgov',
    undefined,
    'dod-graph.microsoft.us',
    'https://dod-graph.microsoft.us',
    'https://dod-graph.microsoft.us',
  ],
  [
    'usgov',
    undefined,
    'graph.microsoft.com',
    'https://graph.microsoft.us',
    'https://graph.microsoft.us',
  ],
  [
    'china',
    undefined,
    'microsoftgraph.chinacloudapi.cn',
    'https://microsoftgraph.chinacloudapi.cn',
    'https://microsoftgraph.chinacloudapi.cn',
  ],
  [
    'public',
    'https://westeurope.login.microsoft.com',
    'graph.microsoft.com',
    'https://graph.microsoft.com',
    'https://graph.microsoft.com',
  ],
  [
    'public',
    'http://127.0.0.1:8089',
    '127.0.0.1:8089',
    'http://127.0.0.1:8089',
    'https://graph.microsoft.com',
  ],
  [
    'public',
    'http://127.0.0.1:8089',
    'graph.microsoft.com',
    'https://graph.microsoft.com',
    'https://graph.microsoft.com',
  ],
  [
    'public',
    'http://127.0.0.1:8089',
    undefined,
    'https://graph.microsoft.com',
    'https://graph.microsoft.com',
  ],
]

for (const [cloud, authority, named, url, audience] of rows) {
  test(`Graph of ${cloud}${authority ? ` at ${authority}` : ''}, where discovery names ${named}`, () => {
    const metadata = named === undefined ? {} : { msgraph_host: named }
    const config = { cloud, ...(authority !== undefined && { authority }) }
    assert.deepEqual(graphOf(config, metadata), { url, audience })
  })
}
