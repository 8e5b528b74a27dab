import assert from 'node:assert/strict'
import { test } from 'node:test'
import { stringify as stringifyYaml } from 'yaml'
import {
  aks,
  assertProblem,
  assertWarning,
  configOf,
  entraByDefault,
  fileWith,
  loadGiven,
  loadToml,
  loadWith,
  problemsOf,
  providerByDefault,
  tenant,
  warningsOf,
} from '../../support/configuration.ts'

test('a value comes from flag, environment, file, default, in this order', () => {
  const file = { log_level: 'warn' }
  const environment = { ROLECALL__LOG_LEVEL: 'error' }
  const flags = { 'log-level': 'fatal' }
  assert.equal(configOf(loadWith(file, { environment, flags })).log_level, 'fatal')
  assert.equal(configOf(loadWith(file, { environment })).log_level, 'error')
  assert.equal(configOf(loadWith(file)).log_level, 'warn')
  assert.equal(configOf(loadWith()).log_level, 'info')
})

test('the file is the one of --config, else of ROLECALL_CONFIG', () => {
  const environment = { ROLECALL_CONFIG: '/etc/other.toml' }
  const files = { '/etc/other.toml': 'log_level = "verbose"' }
  configOf(loadWith({}, { environment, files }))
  assertProblem(
    loadGiven({ environment, files: {} }),
    '/etc/other.toml',
    /cannot be read \(ENOENT\)/,
  )
})

test('YAML says the same as TOML', () => {
  const yaml = stringifyYaml(fileWith({ limits: { body_bytes: 5 } }))
  for (const path of ['/etc/rolecall.yaml', '/etc/rolecall.yml']) {
    const config = configOf(loadGiven({ flags: { config: path }, files: { [path]: yaml } }))
    const expected = configOf(loadWith({ limits: { body_bytes: 5 } }))
    assert.deepEqual({ ...config, files: [] }, { ...expected, files: [] })
  }
})

const unreadable = [
  { path: '/etc/rolecall.json', text: '{}', words: /ends with .toml, .yaml or .yml/ },
  { path: '/etc/rolecall', text: '', words: /ends with .toml, .yaml or .yml/ },
  { path: '/etc/a.toml', text: 'listen = = 3', words: /cannot be parsed.*line 1/ },
  { path: '/etc/a.toml', text: 'a = 1\na = 2', words: /cannot be parsed/ },
  { path: '/etc/a.yaml', text: 'a: [', words: /cannot be parsed/ },
  { path: '/etc/a.yaml', text: 'a: 1\na: 2', words: /cannot be parsed/ },
  { path: '/etc/a.yaml', text: 'listen: !secret x', words: /cannot be parsed/ },
  { path: '/etc/a.yaml', text: 'a: 1\n---\nb: 2', words: /cannot be parsed/ },
  { path: '/etc/a.yaml', text: '- a', words: /holds no table/ },
  { path: '/etc/a.yaml', text: bomb(), words: /cannot be parsed/ },
]
for (const { path, text, words } of unreadable) {
  test(`a file that is no table is one problem: ${path} ${text.slice(0, 16)}`, () => {
    assertProblem(loadGiven({ flags: { config: path }, files: { [path]: text } }), path, words)
  })
}

function bomb(): string {
  const lines = ['a0: &a0 [x, x, x, x, x, x, x, x, x, x]']
  for (let level = 1; level < 9; level += 1) {
    const alias = `*a${level - 1}`
    lines.push(`a${level}: &a${level} [${Array(10).fill(alias).join(', ')}]`)
  }
  return lines.join('\n')
}

test('what cannot be parsed is not shown: a secret may stand there', () => {
  const [problem] = problemsOf(loadToml('client_secret = "hunter2'))
  assert.doesNotMatch(JSON.stringify(problem), /hunter2/)
})

test('a file may name its values __proto__ or constructor: unknown keys, as any other', () => {
  const problems = problemsOf(loadToml('[__proto__]\nlisten = "x"\n[constructor]\na = 1'))
  assert.ok(problems.some(({ key }) => key === '__proto__'))
  assert.ok(problems.some(({ key }) => key === 'constructor'))
})

test('ROLECALL__A__B is the key b of the table a, items of lists by number', () => {
  const config = configOf(
    loadWith(
      {},
      {
        environment: {
          ROLECALL__LIMITS__BODY_BYTES: '7',
          ROLECALL__UNSAFE_ANY_ORIGIN: 'true',
          ROLECALL__RESOURCE__0__UPSTREAM: 'http://other:1/mcp',
          ROLECALL__RESOURCE__1__NAME: 'second',
          ROLECALL__RESOURCE__1__PATH: '/second',
          ROLECALL__RESOURCE__1__UPSTREAM: 'http://second:1/mcp',
          ROLECALL__RESOURCE__1__AUDIENCES: 'a, b',
          ROLECALL__RESOURCE__0__AUDIENCES__1: 'third',
        },
      },
    ),
  )
  assert.equal(config.limits.body_bytes, 7)
  assert.equal(config.unsafe_any_origin, true)
  assert.deepEqual(
    config.resources.map(({ upstream, audiences }) => ({ upstream, audiences })),
    [
      { upstream: 'http://other:1/mcp', audiences: [aks, 'third'] },
      { upstream: 'http://second:1/mcp', audiences: ['a', 'b'] },
    ],
  )
})

test('ten and more items are taken in the order of their numbers', () => {
  const names = Array.from({ length: 12 }, (_, index) => `aud-${index}`)
  const environment = Object.fromEntries(
    names.toReversed().map((name) => [`ROLECALL__RESOURCE__0__AUDIENCES__${name.slice(4)}`, name]),
  )
  const [resource] = configOf(loadWith({}, { environment })).resources
  assert.deepEqual(resource?.audiences, names)
})

const strangeNames = [
  { name: 'ROLECALL__LISTN', words: /Did you mean "ROLECALL__LISTEN"/ },
  {
    name: 'ROLECALL__RESOURCE__0__UPSTREM',
    words: /Did you mean "ROLECALL__RESOURCE__0__UPSTREAM"/,
  },
  { name: 'ROLECALL__UPSTREAM', words: /Did you mean "ROLECALL__RESOURCE__0__UPSTREAM"/ },
  { name: 'ROLECALL__RESOURCE', words: /is not a setting/ },
  { name: 'ROLECALL__RESOURCE__X__NAME', words: /is not a setting/ },
  { name: 'ROLECALL__listen', words: /is not a setting/ },
  { name: 'ROLECALL__', words: /is not a setting/ },
  { name: 'ROLECALL__CONSTRUCTOR', words: /is not a setting/ },
  { name: 'ROLECALL__RESOURCE__2__NAME', words: /skips a number/ },
]
for (const { name, words } of strangeNames) {
  test(`an unknown name in the environment is an error: ${name}`, () => {
    assertProblem(loadWith({}, { environment: { [name]: 'x' } }), name, words)
  })
}

test('every other ROLECALL_* is ignored: Kubernetes sets ROLECALL_PORT', () => {
  const environment = { ROLECALL_PORT: 'tcp://10.0.0.1:8080', ROLECALL_SERVICE_HOST: '10.0.0.1' }
  assert.deepEqual(warningsOf(loadWith({}, { environment })), [])
})

test('a list whole and by number at once is an error', () => {
  const environment = {
    ROLECALL__RESOURCE__0__AUDIENCES: 'a',
    ROLECALL__RESOURCE__0__AUDIENCES__0: 'b',
  }
  const loaded = loadWith({}, { environment })
  assertProblem(loaded, 'ROLECALL__RESOURCE__0__AUDIENCES', /set the same list/)
})

test('a problem has the name by which its source knows the setting', () => {
  const environment = { ROLECALL__SHUTDOWN_DELAY: '5', ROLECALL__LIMITS__BODY_BYTES: 'many' }
  const loaded = loadWith({ log_level: 'loud' }, { environment, flags: { listen: '8080' } })
  assert.deepEqual(
    problemsOf(loaded)
      .map(({ key }) => key)
      .toSorted(),
    ['--listen', 'ROLECALL__LIMITS__BODY_BYTES', 'ROLECALL__SHUTDOWN_DELAY', 'log_level'],
  )
})

test('an empty text is the same as no key, from every source', () => {
  const config = configOf(
    loadWith(
      { log_level: '', 'identity_provider.authority': '', tls_key_file: '', sealing_keys_file: '' },
      { environment: { ROLECALL__LIMITS__HEADER_TIMEOUT: '' } },
    ),
  )
  assert.equal(config.log_level, 'info')
  assert.equal(config.limits.header_timeout, 15_000)
  assert.equal('authority' in config.identity_provider, false)
})

test(`\${NAME} is replaced once, after parsing; $\${ is a literal`, () => {
  const environment = { CLAIM: `x"\n\${OTHER}`, OTHER: 'y' }
  const provider = configOf(
    loadWith(
      {
        'identity_provider.user_claim': `\${CLAIM}`,
        'identity_provider.groups_claim': `$\${CLAIM}-\${OTHER}`,
      },
      { environment },
    ),
  ).identity_provider
  assert.equal(provider.user_claim, `x"\n\${OTHER}`)
  assert.equal(provider.groups_claim, `\${CLAIM}-y`)
})

test(`\${NAME} is replaced in items of lists and in tables of lists`, () => {
  const changes = { 'resource.0.audiences': [`\${AUDIENCE}`] }
  const [resource] = configOf(
    loadWith(changes, { environment: { AUDIENCE: 'api://k8s' } }),
  ).resources
  assert.deepEqual(resource?.audiences, ['api://k8s'])
})

test(`\${NAME} of the environment itself is left as it is`, () => {
  const environment = { ROLECALL__IDENTITY_PROVIDER__USER_CLAIM: `\${A}`, A: 'x' }
  assert.equal(configOf(loadWith({}, { environment })).identity_provider.user_claim, `\${A}`)
})

test(`an unset \${NAME} is an error that names it, and so is a broken one`, () => {
  const change = (text: string) => loadWith({ 'resource.0.probe_tool': text })
  assertProblem(change(`\${MISSING}`), 'resource[0].probe_tool', /MISSING, which is not set/)
  assertProblem(change(`\${a-b}`), 'resource[0].probe_tool', /literal/)
  assertProblem(change(`\${OPEN`), 'resource[0].probe_tool', /literal/)
})

test('for a first try no file is needed: --upstream, --issuer, --audience', () => {
  const flags = {
    upstream: 'http://localhost:1/mcp',
    issuer: 'https://idp.example.com',
    audience: 'a,b',
  }
  const config = configOf(loadGiven({ flags }))
  assert.equal(config.public_url, 'http://localhost:8080')
  assert.deepEqual(config.identity_provider, {
    kind: 'oidc',
    issuer: 'https://idp.example.com',
    ...providerByDefault,
  })
  const [resource] = config.resources
  assert.equal(resource?.name, 'default')
  assert.equal(resource?.path, '/mcp')
  assert.deepEqual(resource?.audiences, ['a', 'b'])
  assert.deepEqual(resource?.request_scopes, ['openid', 'profile'])
})

test('--tenant is Entra; without --audience that of AKS is named in a warning', () => {
  const flags = { upstream: 'http://localhost:1/mcp', tenant: tenant.toUpperCase() }
  const loaded = loadGiven({ flags })
  const config = configOf(loaded)
  assert.deepEqual(config.identity_provider, entraByDefault)
  assert.deepEqual(config.resources[0]?.audiences, [aks])
  assert.ok(
    warningsOf(loaded).some(({ key, message }) => key === '--audience' && message.includes(aks)),
  )
  const own = loadGiven({ flags: { ...flags, audience: 'api://own', 'allowed-clients': '*' } })
  assert.deepEqual(warningsOf(own), [])
  assert.deepEqual(configOf(own).resources[0]?.audiences, ['api://own'])
})

test('no audience is ever guessed in silence', () => {
  const flags = { upstream: 'http://localhost:1/mcp', issuer: 'https://idp.example.com' }
  assertProblem(loadGiven({ flags }), 'resource[0].audiences', /which audience/)
  assertProblem(
    loadWith({ 'resource.0.audiences': undefined }),
    'resource[0].audiences',
    /--audience/,
  )
  const environment = {
    ROLECALL__IDENTITY_PROVIDER__TENANT_ID: tenant,
    ROLECALL__RESOURCE__0__UPSTREAM: 'http://localhost:1/mcp',
  }
  assertProblem(loadGiven({ environment }), 'resource[0].audiences', /which audience/)
})

test('flags of the identity provider take the place of the one of the file', () => {
  const other = 'aaaaaaaa-2222-4333-8444-555555555555'
  const byTenant = configOf(
    loadWith({ 'identity_provider.authority': 'http://localhost:1' }, { flags: { tenant: other } }),
  ).identity_provider
  assert.ok(byTenant.kind === 'entra')
  assert.equal(byTenant.tenant_id, other)
  assert.equal(byTenant.authority, 'http://localhost:1')
  const byIssuer = configOf(loadWith({}, { flags: { issuer: 'https://idp.example.com' } }))
  assert.equal(byIssuer.identity_provider.kind, 'oidc')
})

test('an --issuer of Entra gives tenant and cloud, as authorization_url does', () => {
  const flags = { issuer: `https://login.microsoftonline.us/${tenant}/v2.0` }
  const provider = configOf(loadWith({}, { flags })).identity_provider
  assert.ok(provider.kind === 'entra')
  assert.equal(provider.cloud, 'usgov')
})

test('--tenant and --issuer together are an error', () => {
  const flags = { tenant, issuer: 'https://idp.example.com' }
  assert.ok(problemsOf(loadWith({}, { flags })).some(({ key }) => key === '--issuer'))
})

test('an --issuer that is no URL is told once', () => {
  const flags = { upstream: 'http://localhost:1/mcp', issuer: 'idp.example.com', audience: 'a' }
  assertProblem(loadGiven({ flags }), '--issuer', /not an http or https URL/)
})

test('a flag of a resource does not say which of several it is for', () => {
  const second = {
    name: 'b',
    path: '/b',
    upstream: 'http://b/mcp',
    audiences: ['b'],
    allowed_clients: ['*'],
  }
  const [first] = fileWith()['resource'] as object[]
  const loaded = loadWith({ resource: [first, second] }, { flags: { upstream: 'http://c/mcp' } })
  assertProblem(loaded, '--upstream', /which resource/)
})

test('an unknown flag is an error with the nearest known name', () => {
  assertProblem(loadWith({}, { flags: { upstrem: 'x' } }), '--upstrem', /Did you mean "upstream"/)
})

test('every file that was read is named by its absolute path', () => {
  const flags = { config: 'conf/rolecall.toml' }
  const path = `${process.cwd()}/conf/rolecall.toml`
  const loaded = loadGiven({
    flags: {
      ...flags,
      upstream: 'http://localhost:1/mcp',
      audience: 'a',
      issuer: 'https://i.example',
      'allowed-clients': '*',
    },
    files: {
      [path]: 'sealing_keys_file = "keys"',
      [`${process.cwd()}/keys`]: `${'A'.repeat(43)}\n`,
    },
  })
  assert.deepEqual(configOf(loaded).files, [path, `${process.cwd()}/keys`])
})

test('the configuration is frozen all through', () => {
  const config = configOf(loadWith())
  assert.ok(Object.isFrozen(config))
  assert.ok(Object.isFrozen(config.resources[0]?.audiences))
  assert.ok(Object.isFrozen(config.limits))
})

test('the valid file of these tests has no warning', () => {
  assert.deepEqual(warningsOf(loadWith()), [])
  assertWarning(loadWith({ unsafe_any_origin: true }), 'unsafe_any_origin', /every web page/)
})
