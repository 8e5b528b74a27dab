import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  allWarningsOf,
  assertProblem,
  assertWarning,
  configOf,
  fileWith,
  loadToml,
  loadWith,
  problemsOf,
  tenant,
  warningsOf,
} from '../../support/configuration.ts'

const client = '22222222-3333-4444-8555-666666666666'
const oidc = { kind: 'oidc', issuer: 'https://idp.example.com' }

const broker = { 'identity_provider.client_id': client, sealing_keys: 'A'.repeat(43) }

type Row = readonly [rule: string, changes: Record<string, unknown>, key: string, words: RegExp]

const problems: readonly Row[] = [
  ['public_url is required off loopback', { listen: '0.0.0.0:8080' }, 'public_url', /is required/],
  [
    'public_url is required with a port that the system chooses',
    { listen: '127.0.0.1:0' },
    'public_url',
    /is required/,
  ],
  [
    'listen and admin_listen differ',
    { admin_listen: '127.0.0.1:8080' },
    'admin_listen',
    /another port/,
  ],
  [
    'listen and admin_listen differ by any name of this machine',
    { admin_listen: 'localhost:8080' },
    'admin_listen',
    /another port/,
  ],
  [
    'an address of all interfaces is also that of one',
    { admin_listen: '0.0.0.0:8080' },
    'admin_listen',
    /another port/,
  ],
  [
    'entra needs a tenant',
    { identity_provider: { kind: 'entra' } },
    'identity_provider.tenant_id',
    /Overview/,
  ],
  [
    'oidc needs an issuer',
    { identity_provider: { kind: 'oidc' } },
    'identity_provider.issuer',
    /issuer/,
  ],
  [
    'a provider is required',
    { identity_provider: undefined },
    'identity_provider.kind',
    /tenant_id.*issuer/,
  ],
  [
    'tenant and issuer without a kind are a riddle',
    { identity_provider: { tenant_id: tenant, issuer: oidc.issuer } },
    'identity_provider.kind',
    /both/,
  ],
  [
    'an issuer has no meaning for entra',
    { 'identity_provider.issuer': oidc.issuer },
    'identity_provider.issuer',
    /no meaning/,
  ],
  [
    'a tenant has no meaning for oidc',
    { identity_provider: { ...oidc, tenant_id: tenant } },
    'identity_provider.tenant_id',
    /no meaning/,
  ],
  [
    'a cloud has no meaning for oidc',
    { identity_provider: { ...oidc, cloud: 'public' } },
    'identity_provider.cloud',
    /no meaning/,
  ],
  [
    'an authority has no meaning for oidc',
    { identity_provider: { ...oidc, authority: 'https://a' } },
    'identity_provider.authority',
    /no meaning/,
  ],
  [
    'oidc over plain http only on loopback',
    { identity_provider: { kind: 'oidc', issuer: 'http://dex:5556' } },
    'identity_provider.issuer',
    /plain http/,
  ],
  [
    'a credential needs a client',
    { 'identity_provider.client_secret': 'x' },
    'identity_provider.client_secret',
    /client_id/,
  ],
  [
    'one credential is enough',
    {
      identity_provider: {
        kind: 'entra',
        tenant_id: tenant,
        client_id: client,
        client_secret: 'x',
        federated_token_file: '/t',
      },
      'sign_in.mode': 'off',
    },
    'identity_provider.federated_token_file',
    /Keep one/,
  ],
  ['a resource is required', { resource: undefined }, 'resource[0].upstream', /--upstream/],
  [
    'an upstream is required',
    { 'resource.0.upstream': undefined },
    'resource[0].upstream',
    /is required/,
  ],
  [
    '[resource] is not [[resource]]',
    { resource: { upstream: 'http://kms/mcp' } },
    'resource',
    /two brackets/,
  ],
  [
    'plain http to a public name needs its switch',
    { 'resource.0.upstream': 'http://mcp.example.com/mcp' },
    'resource[0].upstream',
    /unsafe_plain_http_upstream/,
  ],
  [
    'plain http to an address needs its switch',
    { 'resource.0.upstream': 'http://10.0.0.1/mcp' },
    'resource[0].upstream',
    /unsafe_plain_http_upstream/,
  ],
  [
    'a name that only begins like a cluster name needs it too',
    { 'resource.0.upstream': 'http://a.svc.example.com/mcp' },
    'resource[0].upstream',
    /unsafe_plain_http_upstream/,
  ],
  [
    'identity own needs its switch',
    { 'resource.0.upstream_identity': 'own' },
    'resource[0].upstream_identity',
    /unsafe_upstream_identity/,
  ],
  [
    'the switch needs identity own',
    { 'resource.0.unsafe_upstream_identity': true },
    'resource[0].unsafe_upstream_identity',
    /"own"/,
  ],
  [
    'audiences are required',
    { 'resource.0.audiences': [] },
    'resource[0].audiences',
    /which audience/,
  ],
  [
    'audiences and the switch for any contradict',
    { 'resource.0.unsafe_any_audience': true },
    'resource[0].unsafe_any_audience',
    /leave audiences empty/,
  ],
  [
    'id_token is for oidc',
    { 'resource.0.token_kind': 'id_token' },
    'resource[0].token_kind',
    /"oidc" only/,
  ],
  [
    'required_groups need a claim',
    { 'resource.0.required_groups': ['g'], 'identity_provider.groups_claim': '' },
    'resource[0].required_groups',
    /groups_claim/,
  ],
  [
    'a discovery_url has no meaning for entra',
    { 'identity_provider.discovery_url': 'https://a.example/.well-known/openid-configuration' },
    'identity_provider.discovery_url',
    /no meaning/,
  ],
  [
    'all bodies together may be as large as one',
    { 'limits.buffered_bytes': 1000 },
    'limits.buffered_bytes',
    /4194304 or more/,
  ],
  [
    'a Redis password needs a server',
    { 'store.redis_password': 'hunter2', ...broker },
    'store.redis_password',
    /redis_url too/,
  ],
  [
    'a Redis password stands in one place',
    { store: { redis_url: 'redis://:a@redis', redis_password: 'hunter2' }, ...broker },
    'store.redis_password',
    /Keep redis_password alone/,
  ],
  [
    'a Redis user has a password',
    { store: { redis_url: 'redis://redis', redis_username: 'b' }, ...broker },
    'store.redis_username',
    /redis_password too/,
  ],
  [
    'a Redis user stands in one place',
    { store: { redis_url: 'redis://a:p@redis', redis_username: 'b' }, ...broker },
    'store.redis_username',
    /alone/,
  ],
  [
    'any client stands alone',
    { 'resource.0.allowed_clients': ['*', client] },
    'resource[0].allowed_clients',
    /beside client ids/,
  ],
]
for (const [rule, changes, key, words] of problems) {
  test(`refused: ${rule}`, () => assertProblem(loadWith(changes), key, words))
}

const warnings: readonly Row[] = [
  [
    'the service users of Zitadel pass as users',
    {
      identity_provider: { kind: 'oidc', issuer: 'https://example-ab12cd.zitadel.cloud' },
    },
    'identity_provider.issuer',
    /no claim tells the token of a service user.*allow_app_tokens/,
  ],
  [
    'connections that are idle for less long than what is in front waits',
    { public_url: 'https://mcp.example.com', keep_alive: '5s' },
    'keep_alive',
    /502.*"75s"/,
  ],
  [
    'streams that are silent until the ingress cuts them',
    { public_url: 'https://mcp.example.com', 'resource.0.stream_keep_alive': '90s' },
    'resource[0].stream_keep_alive',
    /nginx: 60 s.*"25s"/,
  ],
  [
    'streams that are always silent',
    { public_url: 'https://mcp.example.com', 'resource.0.stream_keep_alive': '0s' },
    'resource[0].stream_keep_alive',
    /cuts it/,
  ],
  ['any origin', { unsafe_any_origin: true }, 'unsafe_any_origin', /every web page/],
  [
    'plain http upstream',
    {
      'resource.0.unsafe_plain_http_upstream': true,
      'resource.0.upstream': 'http://a.example/mcp',
    },
    'resource[0].unsafe_plain_http_upstream',
    /plain http/,
  ],
  [
    'unverified TLS',
    { 'resource.0.unsafe_upstream_tls_unverified': true },
    'resource[0].unsafe_upstream_tls_unverified',
    /pose as the upstream/,
  ],
  [
    'any audience',
    { 'resource.0.unsafe_any_audience': true, 'resource.0.audiences': [] },
    'resource[0].unsafe_any_audience',
    /any other audience/,
  ],
  [
    'identity of the upstream',
    { 'resource.0.upstream_identity': 'own', 'resource.0.unsafe_upstream_identity': true },
    'resource[0].unsafe_upstream_identity',
    /its own rights/,
  ],
  [
    'tokens of any client, unsaid',
    { 'resource.0.allowed_clients': [] },
    'resource[0].allowed_clients',
    /any client/,
  ],
  [
    'the client_id as audience of access tokens',
    {
      'identity_provider.client_id': client,
      'sign_in.mode': 'off',
      'resource.0.audiences': [client],
    },
    'resource[0].audiences',
    /id_token/,
  ],
  [
    'Entra as plain oidc',
    {
      identity_provider: {
        kind: 'oidc',
        issuer: `https://login.microsoftonline.com/${tenant}/v2.0`,
      },
    },
    'identity_provider.issuer',
    /entra/,
  ],
  [
    'everybody is a trusted proxy',
    { trusted_proxies: ['0.0.0.0/0'] },
    'trusted_proxies[0]',
    /forge X-Forwarded-For/,
  ],
  [
    'a loopback public_url that listens to the network',
    { public_url: 'http://localhost:8080', listen: '0.0.0.0:8080' },
    'public_url',
    /takes connections from the network.*listen = "127\.0\.0\.1:8080"/,
  ],
  [
    'the same at an address of this machine',
    { public_url: 'https://localhost', listen: '10.0.0.7:8443' },
    'public_url',
    /takes connections from the network/,
  ],
  [
    'a password over plain TCP to a public name',
    { 'store.redis_url': 'redis://:hunter2@cache.redis.cache.windows.net:6379', ...broker },
    'store.redis_url',
    /password over plain TCP.*rediss:/,
  ],
  [
    'a password apart over plain TCP to a public address',
    { store: { redis_url: 'redis://8.8.8.8', redis_password: 'hunter2' }, ...broker },
    'store.redis_url',
    /password over plain TCP/,
  ],
  [
    'a skipped consent page',
    {
      ...broker,
      'sign_in.client': [
        { client_id: 'ui', redirect_uris: ['https://ui.example.com/cb'], skip_consent: true },
      ],
    },
    'sign_in.client[0].skip_consent',
    /mixes up sign-ins.*state.*PKCE/,
  ],
  [
    'labels without a fleet',
    { 'resource.0.labels': { region: 'eu' } },
    'resource[0].labels',
    /no effect without a fleet/,
  ],
  [
    'the argument that chooses a cluster, without a fleet',
    { 'resource.0.clusters_from': 'context' },
    'resource[0].clusters_from',
    /no effect outside the fleet/,
  ],
  [
    'keys that end before the next fetch',
    { 'identity_provider.stale_for': '5m' },
    'identity_provider.stale_for',
    /hour/,
  ],
]
for (const [rule, changes, key, words] of warnings) {
  test(`warned of: ${rule}`, () => assertWarning(loadWith(changes), key, words))
}

test('no password over plain TCP: within the cluster, on this machine, in a private network, over TLS', () => {
  for (const url of [
    'redis://:a@redis:6379',
    'redis://:a@redis.cache.svc:6379',
    'redis://:a@127.0.0.1:6379',
    'redis://:a@10.0.0.7:6379',
    'redis://cache.example.com:6379',
    'rediss://:a@cache.example.com:6380',
  ]) {
    assert.deepEqual(warningsOf(loadWith({ ...broker, 'store.redis_url': url })), [], url)
  }
})

for (const mode of [undefined, 'off']) {
  test(`Entra in mode off, ${mode ?? 'by default'}: no MCP client can sign in, and three lines help`, () => {
    const warnings = allWarningsOf(loadWith({ 'sign_in.mode': mode }))
    assert.deepEqual(
      warnings.map(({ key }) => key),
      ['sign_in.mode'],
    )
    const [{ message, remedy } = { message: '', remedy: '' }] = warnings
    assert.match(message, /registers no clients.*AADSTS9010010/)
    for (const line of ['client_id', 'client_secret_file', 'sealing_keys_file']) {
      assert.ok(remedy.includes(line), line)
    }
  })
}

test('the three lines make it broker, without that warning', () => {
  const lines = { ...broker, 'identity_provider.client_secret': 'x' }
  const loaded = loadWith(lines)
  assert.equal(configOf(loaded).sign_in.mode, 'broker')
  assert.deepEqual(allWarningsOf(loaded), [])
})

test('another provider in mode off has registration of its own, perhaps', () => {
  assert.deepEqual(allWarningsOf(loadWith({ identity_provider: oidc })), [])
})

test('certificates that Node.js is told not to verify are a warning, a lenient parser a problem', () => {
  const lax = loadWith({}, { environment: { NODE_TLS_REJECT_UNAUTHORIZED: '0' } })
  assertWarning(lax, 'NODE_TLS_REJECT_UNAUTHORIZED', /does not heed.*certificate_authority_file/)
  const strict = {
    environment: { NODE_TLS_REJECT_UNAUTHORIZED: '1', NODE_OPTIONS: '--max-http-header-size=1' },
  }
  assert.deepEqual(warningsOf(loadWith({}, strict)), [])
  const NODE_OPTIONS = '--max-old-space-size=200 --insecure-http-parser'
  assertProblem(loadWith({}, { environment: { NODE_OPTIONS } }), 'NODE_OPTIONS', /two ways/)
})

test('the user of a Redis may stand in the URL, and the password apart', () => {
  const store = { redis_url: 'rediss://an-id@redis:6380', redis_password: 'a/b' }
  assert.deepEqual(configOf(loadWith({ ...broker, store })).store, store)
})

test('what another setting makes idle is told', () => {
  const own = {
    'resource.0.upstream_identity': 'own',
    'resource.0.unsafe_upstream_identity': true,
    'resource.0.upstream_token_header': 'x-argocd-api-token',
  }
  const any = { unsafe_any_origin: true, allowed_origins: ['https://ui.example.com'] }
  for (const [changes, key] of [
    [own, 'resource[0].upstream_token_header'],
    [any, 'allowed_origins'],
  ] as const) {
    const found = warningsOf(loadWith(changes)).find((warning) => warning.key === key)
    assert.match(found?.message ?? '', /no effect/)
  }
})

test('plain http goes to loopback and to cluster-internal names', () => {
  const hosts = [
    'localhost:1',
    '127.0.0.1',
    '[::1]:3',
    'kms',
    'kms:8080',
    'kms.ns.svc',
    'kms.ns.svc.cluster.local',
    'kms.cluster.local',
  ]
  for (const host of hosts) {
    const upstream = `http://${host}/mcp`
    assert.deepEqual(warningsOf(loadWith({ 'resource.0.upstream': upstream })), [], host)
  }
})

test('names and paths of resources are distinct', () => {
  const [first] = fileWith()['resource'] as Record<string, unknown>[]
  const keys = problemsOf(loadWith({ resource: [first, first] })).map(({ key }) => key)
  assert.deepEqual(keys, ['resource[1].name', 'resource[1].path'])
})

test('allowed_clients: the client_id by default, else any; ["*"] is any', () => {
  const clientsOf = (changes: Record<string, unknown>) =>
    configOf(loadWith({ 'sign_in.mode': 'off', ...changes })).resources[0]?.allowed_clients
  const own = { 'identity_provider.client_id': client }
  assert.deepEqual(clientsOf({ ...own, 'resource.0.allowed_clients': [] }), [client])
  assert.deepEqual(clientsOf({ 'resource.0.allowed_clients': [] }), 'any')
  assert.deepEqual(clientsOf({ ...own, 'resource.0.allowed_clients': ['*'] }), 'any')
  assert.deepEqual(clientsOf({ ...own, 'resource.0.allowed_clients': ['other'] }), ['other'])
})

test('request_scopes: everything of the first audience by default, for entra', () => {
  const [resource] = configOf(loadWith({ 'resource.0.audiences': ['api://k8s', 'b'] })).resources
  assert.deepEqual(resource?.request_scopes, [
    'api://k8s/.default',
    'openid',
    'profile',
    'offline_access',
  ])
})

test('no token_issuers are the own ones of the provider', () => {
  const [resource] = configOf(loadWith({ 'resource.0.token_issuers': [] })).resources
  assert.equal(resource?.token_issuers, undefined)
})

test('public_url: http://localhost with the port when listen is loopback', () => {
  assert.equal(configOf(loadWith({ listen: '127.0.0.1:8123' })).public_url, 'http://localhost:8123')
  assert.equal(configOf(loadWith({ listen: '[::1]:80' })).public_url, 'http://localhost')
})

test('every problem is told at once, each once, with a remedy', () => {
  const loaded = loadToml(
    [
      'listen = 8080',
      'lisen = "x"',
      'shutdown_delay = 5',
      '[identity_provider]',
      'kind = "entra"',
      'tenant_id = "common"',
      'issuer = "https://idp.example.com"',
      `user_claim = "\${MISSING}"`,
      '[[resource]]',
      'audience = "x"',
      '[[resource]]',
      'upstream = "http://mcp.example.com/mcp"',
      'audiences = ["a"]',
      'path = "/oauth"',
    ].join('\n'),
  )
  const found = problemsOf(loaded)
  assert.deepEqual(found.map(({ key }) => key).toSorted(), [
    'identity_provider.issuer',
    'identity_provider.tenant_id',
    'identity_provider.user_claim',
    'lisen',
    'listen',
    'resource[0].audience',
    'resource[0].audiences',
    'resource[0].upstream',
    'resource[1].name',
    'resource[1].path',
    'resource[1].upstream',
    'shutdown_delay',
  ])
  for (const { key, message, remedy } of found) {
    assert.ok(message.length > 5, key)
    assert.match(remedy, /^[A-Z].*\.$|^Did you mean ".*"\?$/, key)
  }
})

const unknown: readonly (readonly [file: string, key: string, words: RegExp])[] = [
  ['lisen = "x"', 'lisen', /Did you mean "listen"/],
  ['[limits]\nbody_byte = 1', 'limits.body_byte', /Did you mean "body_bytes"/],
  ['tenant_id = "x"', 'tenant_id', /into \[identity_provider\]/],
  ['audiences = ["x"]', 'audiences', /into \[\[resource\]\]/],
  ['[identity_provider]\nlisten = "x"', 'identity_provider.listen', /top of the file/],
  ['[resources]\nname = "x"', 'resources', /Did you mean "resource"/],
]
for (const [file, key, words] of unknown) {
  test(`an unknown key is an error with the nearest known name: ${key}`, () => {
    const found = problemsOf(loadToml(file)).find((problem) => problem.key === key)
    assert.match(found?.remedy ?? '', words)
  })
}

test('whatever a file holds, load does not throw', () => {
  const values = [
    1,
    1.5,
    -1,
    true,
    '"x"',
    '"$x"',
    '[]',
    '[[]]',
    '[{}]',
    '{}',
    '{a={}}',
    'nan',
    'inf',
    '1979-05-27',
    '"\\u0000"',
  ]
  const keys = [
    'listen',
    'resource',
    'limits',
    'identity_provider',
    'sign_in',
    'sealing_keys',
    'store',
    'port',
    'upstream',
    'authorization_url',
    'oauth_audience',
    'oauth_scopes',
    'identity_provider.issuer',
    'limits.body_bytes',
    'sign_in.client',
    'resource.name',
    'identity_provider.authorize_parameters',
    'trusted_proxies',
    'shutdown_delay',
    'server_url',
    'log_level',
    'keep_alive',
    'allowed_origins',
    'audit',
    'audit.arguments',
    'resource_defaults',
    'resource_defaults.audiences',
    'resource_defaults.labels',
    'resource_defaults.allow',
    'resource.allow',
    'resource.rules',
    'identity_provider.discovery_url',
    'identity_provider.groups_claim',
    'identity_provider.client_claim',
    'store.redis_url',
    'store.redis_password',
    'limits.connections',
  ]
  for (const key of keys) {
    for (const value of values) {
      const loaded = loadToml(`${key} = ${value}`)
      assert.equal(loaded.kind, 'problems', `${key} = ${value}`)
    }
  }
})
