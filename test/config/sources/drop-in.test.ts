import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import {
  aks,
  assertProblem,
  configOf,
  entraByDefault,
  loadToml,
  problemsOf,
  tenant,
  warningsOf,
} from '../../support/configuration.ts'

const fixture = readFileSync(new URL('../../fixtures/drop-in.toml', import.meta.url), 'utf8')
const upstream = 'upstream = "http://kubernetes-mcp-server:8080/mcp"\n'
const clients = '[[resource]]\nallowed_clients = ["*"]\n'

/** The five lines with `upstream`, another line, and without a warning for clients. */
function withLines(lines: string): ReturnType<typeof loadToml> {
  return loadToml(`${upstream}${fixture}${lines}\n${clients}`)
}

function without(key: string): string {
  return fixture.replace(new RegExp(`^${key} .*$`, 'm'), '')
}

test('the five lines of the documentation page load with only upstream added', () => {
  const loaded = loadToml(`${upstream}${fixture}`)
  const config = configOf(loaded)
  assert.deepEqual(config.identity_provider, entraByDefault)
  const [resource] = config.resources
  assert.equal(resource?.name, 'default')
  assert.equal(resource?.path, '/mcp')
  assert.equal(resource?.upstream, 'http://kubernetes-mcp-server:8080/mcp')
  assert.deepEqual(resource?.audiences, [aks])
  assert.deepEqual(resource?.request_scopes, [`${aks}/.default`, 'openid', 'profile'])
  assert.deepEqual(resource?.token_issuers, [`https://sts.windows.net/${tenant}/`])
  assert.equal(config.public_url, 'http://localhost:8080')
  assert.deepEqual(
    warningsOf(loaded).map(({ key }) => key),
    ['resource[0].allowed_clients'],
  )
})

test('upstream may come from the flag, too', () => {
  const config = configOf(loadToml(fixture, { flags: { upstream: 'http://localhost:1/mcp' } }))
  assert.equal(config.resources[0]?.upstream, 'http://localhost:1/mcp')
})

test('people add the sign-in of relay mode to the five lines, in tables below them', () => {
  const tables = `[sign_in]
mode = "relay"
redirect_uris = ["robusta"]

[identity_provider]
client_id = "22222222-3333-4444-8555-666666666666"
client_secret = "\${MCP_OAUTH_CLIENT_SECRET}"
`
  const environment = { MCP_OAUTH_CLIENT_SECRET: 'hunter2' }
  const loaded = loadToml(`${upstream}${fixture}\n${tables}`, { environment })
  const config = configOf(loaded)
  assert.equal(config.sign_in.mode, 'relay')
  assert.ok(config.sign_in.mode === 'relay')
  assert.deepEqual(config.sign_in.redirect_uris, ['robusta'])
  assert.equal(config.sign_in.tokens, 'passthrough')
  const { identity_provider: provider } = config
  assert.ok(provider.kind === 'entra')
  assert.equal(provider.tenant_id, tenant)
  assert.equal(provider.client_id, '22222222-3333-4444-8555-666666666666')
  assert.deepEqual(provider.credential, { kind: 'secret', secret: 'hunter2' })
  const [resource] = config.resources
  assert.deepEqual(resource?.request_scopes, [
    `${aks}/.default`,
    'openid',
    'profile',
    'offline_access',
  ])
  assert.deepEqual(resource?.allowed_clients, ['22222222-3333-4444-8555-666666666666'])
  assert.deepEqual(
    warningsOf(loaded).map(({ key }) => key),
    ['sealing_keys'],
  )
})

test('relay with drop-in keys off loopback: server_url may be the name in the cluster', () => {
  const tables = `[sign_in]
mode = "relay"
redirect_uris = ["robusta"]
[identity_provider]
client_id = "22222222-3333-4444-8555-666666666666"
client_secret_file = "/run/secret"
`
  const serverUrl = 'server_url = "http://rolecall.holmes.svc.cluster.local:8080"\n'
  const given = {
    environment: { ROLECALL__LISTEN: '0.0.0.0:8080', ROLECALL__SEALING_KEYS_FILE: '/run/keys' },
    files: { '/run/secret': 'hunter2\n', '/run/keys': 'A'.repeat(43) },
  }
  const loaded = loadToml(`${upstream}${serverUrl}${fixture}\n${tables}`, given)
  assert.equal(configOf(loaded).public_url, 'http://rolecall.holmes.svc.cluster.local:8080')
  assert.deepEqual(warningsOf(loaded), [])
})

test('off loopback server_url is public_url', () => {
  const environment = { ROLECALL__LISTEN: '0.0.0.0:8080' }
  assertProblem(loadToml(`${upstream}${fixture}`, { environment }), 'server_url', /is required/)
  const lines = `${upstream}server_url = "https://mcp.example.com"\n${fixture}`
  assert.equal(configOf(loadToml(lines, { environment })).public_url, 'https://mcp.example.com')
})

test('port is that of listen, not its address', () => {
  for (const port of ['8123', '"8123"']) {
    assert.deepEqual(configOf(withLines(`port = ${port}`)).listen, {
      host: '127.0.0.1',
      port: 8123,
    })
  }
})

test('a port that listen from the environment overrides is told', () => {
  const loaded = loadToml(
    `${upstream}port = 8000\nserver_url = "https://a.example"\n${fixture}${clients}`,
    {
      environment: { ROLECALL__LISTEN: '0.0.0.0:8080' },
    },
  )
  assert.deepEqual(configOf(loaded).listen, { host: '0.0.0.0', port: 8080 })
  assert.deepEqual(
    warningsOf(loaded).map(({ key }) => key),
    ['port'],
  )
})

test('disable_dynamic_client_registration is the opposite of sign_in.registration', () => {
  const loaded = withLines('disable_dynamic_client_registration = true')
  assert.deepEqual(
    warningsOf(loaded).map(({ key }) => key),
    ['disable_dynamic_client_registration'],
  )
})

const issuers = [
  { url: `https://login.microsoftonline.com/${tenant}/v2.0`, cloud: 'public' },
  { url: `https://login.microsoftonline.com/${tenant}/v2.0/`, cloud: 'public' },
  { url: `https://login.microsoftonline.us/${tenant}/v2.0`, cloud: 'usgov' },
  { url: `https://login.partner.microsoftonline.cn/${tenant}/v2.0`, cloud: 'china' },
  {
    url: `http://localhost:8089/${tenant}/v2.0`,
    cloud: 'public',
    authority: 'http://localhost:8089',
  },
  {
    url: `http://127.0.0.1:8089/${tenant}/v2.0`,
    cloud: 'public',
    authority: 'http://127.0.0.1:8089',
  },
]
for (const { url, ...expected } of issuers) {
  test(`authorization_url ${url} is Entra`, () => {
    const lines = `${upstream}authorization_url = "${url}"\n${without('authorization_url')}`
    const { identity_provider: provider } = configOf(loadToml(lines))
    assert.ok(provider.kind === 'entra')
    assert.equal(provider.tenant_id, tenant)
    assert.equal(provider.cloud, expected.cloud)
    assert.equal(provider.authority, expected.authority)
  })
}

const others = [
  'https://idp.example.com/realms/main',
  `https://idp.example.com/${tenant}/v2.0`,
  `https://login.microsoftonline.com.example.com/${tenant}/v2.0`,
  'http://localhost:8089/realms/main',
  'http://localhost:8089/common/v2.0',
]
for (const url of others) {
  test(`authorization_url ${url} is any other issuer`, () => {
    const lines = `${upstream}authorization_url = "${url}"\n${without('authorization_url')}`
    const { identity_provider: provider } = configOf(loadToml(lines))
    assert.ok(provider.kind === 'oidc')
    assert.equal(provider.issuer, url)
  })
}

test('an authorization_url of many tenants is refused', () => {
  const url = 'https://login.microsoftonline.com/common/v2.0'
  const lines = `${upstream}authorization_url = "${url}"\n${without('authorization_url')}`
  assertProblem(loadToml(lines), 'authorization_url', /no single tenant/)
})

const refused = [
  {
    lines: 'skip_jwt_verification = true',
    key: 'skip_jwt_verification',
    words: /belongs to the MCP server.*verifies every token/,
  },
  {
    lines: 'cluster_auth_mode = "kubeconfig"',
    key: 'cluster_auth_mode',
    words: /belongs to the MCP server.*require_oauth = true/,
  },
  {
    lines: 'token_exchange_strategy = "entra-obo"',
    key: 'token_exchange_strategy',
    words: /belongs to the MCP server/,
  },
  { lines: 'sts_client_id = "x"', key: 'sts_client_id', words: /belongs to the MCP server/ },
  { lines: 'sts_scopes = ["x"]', key: 'sts_scopes', words: /belongs to the MCP server/ },
  { lines: 'port = "http"', key: 'port', words: /number from 1/ },
  { lines: 'oauth_audiance = "x"', key: 'oauth_audiance', words: /Did you mean "oauth_audience"/ },
  {
    lines: 'server_url = "https://a.example/mcp"',
    key: 'server_url',
    words: /https:\/\/a.example"/,
  },
  {
    lines: 'server_url = "https://a.example"\npublic_url = "https://b.example"',
    key: 'server_url',
    words: /stands for public_url/,
  },
  { lines: 'port = 1\nlisten = "127.0.0.1:1"', key: 'port', words: /stands for listen/ },
]
for (const { lines, key, words } of refused) {
  test(`refused: ${lines}`, () => assertProblem(withLines(lines), key, words))
}

test('require_oauth = false is an error', () => {
  const lines = `${upstream}require_oauth = false\n${without('require_oauth')}`
  assertProblem(loadToml(lines), 'require_oauth', /no request without a token/)
})

test('without require_oauth a token is needed all the same', () => {
  configOf(loadToml(`${upstream}${without('require_oauth')}`))
})

test('an absent oauth_audience is an error', () => {
  assertProblem(
    loadToml(`${upstream}${without('oauth_audience')}`),
    'oauth_audience',
    /which audience/,
  )
})

test('an absent authorization_url and an absent upstream are errors', () => {
  assertProblem(
    loadToml(`${upstream}${without('authorization_url')}`),
    'authorization_url',
    /is required/,
  )
  assertProblem(loadToml(fixture), 'upstream', /is required/)
})

const twice = [
  { tables: '[identity_provider]\nkind = "entra"', key: 'authorization_url' },
  { tables: `[identity_provider]\ntenant_id = "${tenant}"`, key: 'authorization_url' },
  { tables: '[[resource]]\nupstream = "http://b/mcp"', key: 'upstream' },
  { tables: '[[resource]]\naudiences = ["b"]', key: 'oauth_audience' },
  { tables: '[[resource]]\nrequest_scopes = ["b"]', key: 'oauth_scopes' },
  { tables: '[[resource]]\ntoken_issuers = ["https://b"]', key: 'issuer_url' },
]
for (const { tables, key } of twice) {
  test(`${key} together with the key it stands for is an error: ${tables}`, () => {
    assertProblem(loadToml(`${upstream}${fixture}${tables}`), key, /Remove one of the two/)
  })
}

test('drop-in keys do not say which of several resources they are for', () => {
  const tables = '[[resource]]\nname = "a"\n[[resource]]\nname = "b"'
  const keys = problemsOf(loadToml(`${upstream}${fixture}${tables}`)).map(({ key }) => key)
  assert.ok(keys.includes('upstream') && keys.includes('oauth_audience'))
})

test('other keys of kubernetes-mcp-server are ignored with one warning each', () => {
  const lines = [
    'read_only = true',
    'toolsets = ["core"]',
    'log_level = 5',
    'disabled_tools = ["configuration_view"]',
    'denied_resources = [{ group = "", version = "v1", kind = "Secret" }]',
    'skip_jwt_verification = false',
  ]
  const loaded = withLines(lines.join('\n'))
  const keys = ['read_only', 'toolsets', 'log_level', 'disabled_tools', 'denied_resources']
  assert.deepEqual(
    warningsOf(loaded).map(({ key }) => key),
    keys,
  )
  assert.equal(configOf(loaded).log_level, 'info')
})

test('our own log_level is none of those', () => {
  assert.equal(configOf(withLines('log_level = "debug"')).log_level, 'debug')
})

test('without a drop-in key those other keys are unknown ones', () => {
  const keys = problemsOf(loadToml('read_only = true')).map(({ key }) => key)
  assert.ok(keys.includes('read_only'))
})

test('settings of ours stand beside drop-in keys', () => {
  const tables =
    '[sign_in]\nmode = "off"\n[identity_provider]\nclient_id = "holmes"\nuser_claim = "oid"'
  const config = configOf(loadToml(`${upstream}${fixture}${tables}`))
  assert.equal(config.identity_provider.user_claim, 'oid')
  assert.deepEqual(config.resources[0]?.allowed_clients, ['holmes'])
})
