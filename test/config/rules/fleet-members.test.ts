import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import type { resourceSchema } from '../../../src/config/schema/resource.ts'
import { createAuthority } from '../../environment/certificates.ts'
import { assertProblem, configOf, loadWith, problemsOf } from '../../support/configuration.ts'

const aks = '6dae42f8-4368-4678-94ff-3960e28e3630'

type Cluster = Readonly<Record<string, unknown>>

const shared = { audiences: [aks], allowed_clients: ['*'] }

function cluster(name: string, over: Cluster = {}): Cluster {
  const upstream = `http://kms-${name}:8080/mcp`
  return { name, path: `/c/${name}/mcp`, upstream, ...shared, ...over }
}

const MEMBERS = [
  cluster('prod-eu', { labels: { stage: 'production', region: 'eu' } }),
  cluster('prod-us', { labels: { stage: 'production', region: 'us=east' } }),
  cluster('dev'),
]

function loaded(fleet: object, resource: readonly Cluster[] = MEMBERS, more: Cluster = {}) {
  return loadWith({ fleet, resource, ...more })
}

type Members = readonly [resources: readonly string[] | undefined, members: readonly string[]]

const chosen: readonly Members[] = [
  [undefined, ['prod-eu', 'prod-us', 'dev']],
  [['*'], ['prod-eu', 'prod-us', 'dev']],
  [
    ['dev', 'prod-eu'],
    ['prod-eu', 'dev'],
  ],
  [['stage=production'], ['prod-eu', 'prod-us']],
  [['region=us=east'], ['prod-us']],
  [
    ['region=eu', 'dev', 'dev'],
    ['prod-eu', 'dev'],
  ],
]

for (const [resources, members] of chosen) {
  test(`the clusters of a fleet of ${JSON.stringify(resources)}`, () => {
    const { fleet } = configOf(loaded({ ...(resources && { resources }) }))
    assert.deepEqual(fleet?.members, members)
    assert.equal(fleet?.fan_out, true)
    assert.equal(fleet?.resource.path, '/fleet/mcp')
    assert.equal(fleet?.resource.description, `Clusters: ${members.join(', ')}`)
  })
}

test('without [fleet] there is none', () => {
  assert.equal(configOf(loadWith({ resource: MEMBERS })).fleet, undefined)
})

type Row = readonly [
  rule: string,
  fleet: object,
  resource: readonly Cluster[],
  key: string,
  words: RegExp,
]

const problems: readonly Row[] = [
  [
    'an unknown name is told with the nearest',
    { resources: ['prod-eu', 'prod-uss'] },
    MEMBERS,
    'fleet.resources[1]',
    /no resource.*prod-us/,
  ],
  [
    'a name of Object is no resource',
    { resources: ['constructor'] },
    MEMBERS,
    'fleet.resources[0]',
    /no resource/,
  ],
  [
    'a label that nobody has',
    { resources: ['stage=prod'] },
    MEMBERS,
    'fleet.resources[0]',
    /label that no resource has.*Write one of: .*stage=production, /,
  ],
  [
    'a label where there are none',
    { resources: ['stage=prod'] },
    [cluster('dev')],
    'fleet.resources[0]',
    /label that no resource has.*labels =/,
  ],
  [
    'a name like none',
    { resources: ['nope'] },
    MEMBERS,
    'fleet.resources[0]',
    /no resource.*Write one of: prod-eu, prod-us, dev/,
  ],
  [
    'a label that every object seems to have',
    { resources: ['toString=x'] },
    MEMBERS,
    'fleet.resources[0]',
    /label that no resource has/,
  ],
  ['no cluster at all', { resources: [] }, MEMBERS, 'fleet.resources', /is empty.*\["\*"\]/],
  [
    'its name is taken',
    { resources: ['dev'] },
    [...MEMBERS, cluster('fleet')],
    'resource[3].name',
    /name of the \[fleet\]/,
  ],
  [
    'its path is taken',
    { path: '/c/dev/mcp' },
    MEMBERS,
    'fleet.path',
    /as that of resource\[2\].*\/fleet\/mcp/,
  ],
  ['its path lies below /oauth', { path: '/oauth/x' }, MEMBERS, 'fleet.path', /below \/oauth/],
  ['its path is the start page', { path: '/' }, MEMBERS, 'fleet.path', /start page/],
  [
    'a cluster whose MCP server acts as itself',
    {},
    [cluster('a'), cluster('b', { upstream_identity: 'own', unsafe_upstream_identity: true })],
    'resource[1].upstream_identity',
    /as the user/,
  ],
  [
    'a name on which some clients sign users out',
    {},
    [cluster('a'), cluster('aks-401')],
    'resource[1].name',
    /401.*another name/,
  ],
  ['a key that is not there', { fanout: true }, MEMBERS, 'fleet.fanout', /fan_out/],
]

for (const [rule, fleet, resource, key, words] of problems) {
  test(`a fleet: ${rule}`, () => assertProblem(loaded(fleet, resource), key, words))
}

const other = '22222222-3333-4444-8555-666666666666'
const clientCertificate = {
  upstream_client_certificate_file: '/cert',
  upstream_client_key_file: '/key',
}

type Unlike = readonly [rule: 'must agree' | 'may differ', over: Cluster]

const plain = { upstream: 'https://two.example.com/mcp' }

/** Of every key of a resource a value that the other member does not have. */
const unlike: Readonly<Record<keyof typeof resourceSchema.shape, Unlike>> = {
  name: ['may differ', {}],
  path: ['may differ', { path: '/elsewhere' }],
  description: ['may differ', { description: 'Europe' }],
  labels: ['may differ', { labels: { region: 'eu' } }],
  upstream: ['may differ', plain],
  unsafe_plain_http_upstream: ['may differ', { unsafe_plain_http_upstream: true }],
  upstream_certificate_authority_file: [
    'may differ',
    { ...plain, upstream_certificate_authority_file: '/ca' },
  ],
  upstream_client_certificate_file: ['may differ', { ...plain, ...clientCertificate }],
  upstream_client_key_file: ['may differ', { ...plain, ...clientCertificate }],
  unsafe_upstream_tls_unverified: [
    'may differ',
    { ...plain, unsafe_upstream_tls_unverified: true },
  ],
  upstream_token_header: ['may differ', { upstream_token_header: 'x-token' }],
  upstream_identity: ['must agree', { upstream_identity: 'own', unsafe_upstream_identity: true }],
  unsafe_upstream_identity: ['may differ', {}],
  connect_timeout: ['may differ', { connect_timeout: '1s' }],
  response_timeout: ['may differ', { response_timeout: '1s' }],
  stream_keep_alive: ['may differ', { stream_keep_alive: '1s' }],
  probe_tool: ['may differ', { probe_tool: 'x' }],
  audiences: ['must agree', { audiences: [aks, other] }],
  unsafe_any_audience: ['must agree', { audiences: [], unsafe_any_audience: true }],
  request_scopes: ['must agree', { request_scopes: [`${aks}/user_impersonation`] }],
  required_scopes: ['must agree', { required_scopes: ['user_impersonation'] }],
  required_groups: ['may differ', { required_groups: ['g'] }],
  allowed_clients: ['must agree', { allowed_clients: [other] }],
  allow_app_tokens: ['must agree', { allow_app_tokens: true }],
  token_issuers: ['must agree', { token_issuers: ['https://sts.example.com/'] }],
  token_kind: ['must agree', { token_kind: 'id_token' }],
  clusters_from: ['may differ', { clusters_from: 'context' }],
  rules: ['may differ', { rules: 'shadow', allow: [{}] }],
  allow: ['may differ', { allow: [{ hint: 'read_only' }] }],
}

const certificates: Record<string, string> = {}
before(async () => {
  const authority = await createAuthority('Members')
  const { certificate, key } = await authority.issue({ clientName: 'rolecall' })
  Object.assign(certificates, { '/ca': authority.certificate, '/cert': certificate, '/key': key })
})

/** Where members must agree on `token_kind`, there is a choice. */
const oidc = { kind: 'oidc', issuer: 'https://idp.example.com' }

for (const [key, [rule, over]] of Object.entries(unlike)) {
  test(`members of a fleet ${rule} on ${key}`, () => {
    const members = [cluster('one'), cluster('two', over)]
    const changes = key === 'token_kind' ? { identity_provider: oidc } : {}
    const load = (resources: readonly string[]) =>
      loadWith({ fleet: { resources }, resource: members, ...changes }, { files: certificates })
    // Not of the fleet: it may differ.
    configOf(load(['one']))
    if (rule === 'may differ') {
      assert.deepEqual(configOf(load(['*'])).fleet?.members, ['one', 'two'])
      return
    }
    const problem = problemsOf(load(['*'])).find((one) => one.key === `resource[1].${key}`)
    assert.match(`${problem?.message} ${problem?.remedy}`, /"one" and "two"|as the user/)
  })
}

test('all keys by which two members differ are told at once', () => {
  const two = { audiences: [other], allow_app_tokens: true }
  const found = problemsOf(loaded({}, [cluster('one'), cluster('two', two)]))
  assert.deepEqual(found.map(({ key }) => key).toSorted(), [
    'resource[1].allow_app_tokens',
    'resource[1].audiences',
  ])
})

test('what decides who has a cluster may differ, and so may the order of lists', () => {
  const { fleet } = configOf(
    loaded({}, [
      cluster('a', { audiences: [aks, other], required_groups: ['g'] }),
      cluster('b', { audiences: [other, aks], allow: [{ hint: 'read_only' }] }),
    ]),
  )
  assert.deepEqual(fleet?.members, ['a', 'b'])
  assert.deepEqual(fleet?.resource.required_groups, [])
})

test('several problems of a fleet are told at once', () => {
  const found = problemsOf(loaded({ path: '/c/dev/mcp', resources: ['x', 'y=z'] }))
  assert.deepEqual(found.map(({ key }) => key).toSorted(), [
    'fleet.path',
    'fleet.resources[0]',
    'fleet.resources[1]',
  ])
})
