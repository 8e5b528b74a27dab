import assert from 'node:assert/strict'
import { test } from 'node:test'
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
    /label that no resource has.*labels =/,
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

/** Every key by which members may not differ, with a value that the others do not have. */
const unlike: readonly (readonly [key: string, over: Cluster])[] = [
  ['audiences', { audiences: [other] }],
  ['audiences', { audiences: [aks, other] }],
  ['token_issuers', { token_issuers: ['https://sts.example.com/'] }],
  ['allowed_clients', { allowed_clients: [other] }],
  ['allow_app_tokens', { allow_app_tokens: true }],
  ['required_scopes', { required_scopes: ['user_impersonation'] }],
  ['request_scopes', { request_scopes: [`${aks}/user_impersonation`] }],
]

for (const [key, over] of unlike) {
  test(`members with another ${key} ${JSON.stringify(over)} are named, both`, () => {
    const members = [cluster('one'), cluster('two', over)]
    assertProblem(loaded({}, members), `resource[1].${key}`, /"one".*"one" and "two"/)
    // Not of the fleet: it may differ.
    configOf(loaded({ resources: ['one'] }, members))
  })
}

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
