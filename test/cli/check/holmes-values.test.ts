import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { parse } from 'yaml'
import { holmesValues } from '../../../src/cli/check/holmes-values.ts'
import { configOf, fileWith, loadWith } from '../../support/configuration.ts'

const client = '22222222-3333-4444-8555-666666666666'
const host = 'rolecall.holmes.svc.cluster.local:8080'

const relay: Record<string, unknown> = {
  public_url: 'https://mcp.example.com',
  sealing_keys: 'A'.repeat(43),
  'sign_in.mode': 'relay',
  'sign_in.redirect_uris': ['robusta'],
  'identity_provider.client_id': client,
  'identity_provider.client_secret': 'hunter2',
}

const linesOf = (changes: Record<string, unknown> = {}) =>
  holmesValues(configOf(loadWith({ ...relay, ...changes })))

/** The lines from `mcp_servers` to the empty one, read as YAML. */
function yamlOf(lines: readonly string[], from = 'mcp_servers:'): unknown {
  const first = lines.indexOf(from)
  return parse(lines.slice(first, lines.indexOf('', first)).join('\n'))
}

const presets = new URL('../../../deploy/presets/robusta/', import.meta.url)

const server = (url: string, clientId = client) => ({
  config: {
    mode: 'streamable-http',
    url,
    oauth: { enabled: true, client_id: clientId, resource: '' },
  },
})

test('in relay every resource is an MCP server of HolmesGPT, with an empty resource', () => {
  const [first] = fileWith()['resource'] as object[]
  const resource = [first, { ...first, name: 'staging', path: '/staging/mcp' }]
  assert.deepEqual(yamlOf(linesOf({ resource })), {
    mcp_servers: {
      prod: server('https://mcp.example.com/mcp'),
      staging: server('https://mcp.example.com/staging/mcp'),
    },
  })
})

test('the name in the cluster comes before public_url, which must be reached all the same', () => {
  const lines = linesOf({ internal_hosts: [host, 'rolecall'] })
  assert.deepEqual(yamlOf(lines), { mcp_servers: { prod: server(`http://${host}/mcp`) } })
  assert.match(lines.join('\n'), /must reach https:\/\/mcp\.example\.com\/oauth\/token/)
  assert.doesNotMatch(linesOf().join('\n'), /must reach/)
})

test('with TLS on listen the name in the cluster is https', () => {
  const config = configOf(loadWith({ ...relay, internal_hosts: [host] }))
  const lines = holmesValues({ ...config, tls: { certificate: '', key: '' } })
  assert.deepEqual(yamlOf(lines), { mcp_servers: { prod: server(`https://${host}/mcp`) } })
})

test('a client id that looks like a number stays a text', () => {
  const lines = linesOf({ 'identity_provider.client_id': '12345678' })
  const url = 'https://mcp.example.com/mcp'
  assert.deepEqual(yamlOf(lines), { mcp_servers: { prod: server(url, '12345678') } })
})

test('why resource is empty, why there is no secret, why no URLs of endpoints', () => {
  const text = linesOf().join('\n')
  assert.match(text, /resource: "" because .*AADSTS9010010/)
  assert.match(text, /No client_secret: rolecall holds the credential/)
  assert.match(text, /No authorization_url and no token_url: .* no scope/)
  assert.doesNotMatch(text, /hunter2/)
  const open = linesOf({ 'identity_provider.client_secret': undefined }).join('\n')
  assert.match(open, /No client_secret: .* public/)
})

test('the redirect URIs to register are those of the presets, and exact ones', () => {
  const uris = (entries: readonly string[]) => {
    const lines = linesOf({ 'sign_in.redirect_uris': entries })
    return lines.slice(lines.findIndex((line) => line.includes('platform Web:')) + 1)
  }
  const robusta = ['', 'eu.', 'ap.'].map(
    (region) => `  https://platform.${region}robusta.dev/oauth/callback.html`,
  )
  assert.deepEqual(uris(['robusta']), robusta)
  assert.deepEqual(uris(['loopback', 'robusta', 'https://a.example/cb']), [
    ...robusta,
    '  https://a.example/cb',
  ])
  assert.match(uris(['loopback']).join(), /redirect_uris = \["robusta"\]/)
})

test('another provider than Entra has no AADSTS and no platform', () => {
  const lines = linesOf({
    identity_provider: { kind: 'oidc', issuer: 'https://idp.example.com', client_id: client },
  })
  assert.doesNotMatch(lines.join('\n'), /AADSTS|Entra|platform Web/)
  assert.match(lines.join('\n'), /Redirect URIs to register for the client/)
})

for (const mode of ['relay', 'broker'] as const) {
  test(`in ${mode} the values are whole: what the preset turns off, and the servers`, () => {
    const preset = parse(readFileSync(new URL(`holmes-${mode}.yaml`, presets), 'utf8'))
    const lines = linesOf({ 'sign_in.mode': mode })
    const { mcp_servers: servers, ...rest } = yamlOf(lines, 'toolsets:') as Record<string, object>
    const { mcp_servers: _preset, ...off } = preset
    assert.deepEqual(rest, off)
    assert.deepEqual(Object.keys(servers ?? {}), ['prod'])
    assert.match(lines.join('\n'), /whoever signed in/)
  })
}

test('in broker the redirect URI is our own, and clients are told their URLs', () => {
  const [first] = fileWith()['resource'] as object[]
  const resource = [first, { ...first, name: 'staging', path: '/staging/mcp' }]
  const lines = linesOf({ resource, 'sign_in.mode': 'broker', internal_hosts: [host] })
  const after = lines.slice(lines.findIndex((line) => line.includes('platform Web:')) + 1)
  assert.deepEqual(after, [
    '  https://mcp.example.com/oauth/callback',
    '',
    'URLs for MCP clients, which sign in by themselves:',
    '  prod: https://mcp.example.com/mcp',
    '  staging: https://mcp.example.com/staging/mcp',
  ])
  const oauth = { enabled: true }
  const config = { mode: 'streamable-http', url: 'https://mcp.example.com/mcp', oauth }
  const { mcp_servers } = yamlOf(lines) as { mcp_servers: Record<string, unknown> }
  assert.deepEqual(mcp_servers['prod'], { config })
  assert.doesNotMatch(lines.join('\n'), /AADSTS9010010|client_secret/)
})

test('in off there are none', () => {
  assert.deepEqual(holmesValues(configOf(loadWith())), [])
})
