import assert from 'node:assert/strict'
import { test } from 'node:test'
import { allWarningsOf, assertProblem, configOf, loadWith } from '../../support/configuration.ts'

const own = '22222222-3333-4444-8555-666666666666'
const other = '33333333-3333-4444-8555-666666666666'
const broker = {
  'identity_provider.client_id': own,
  sealing_keys: 'A'.repeat(43),
  'sign_in.client': [{ client_id: 'holmes', redirect_uris: ['robusta'] }],
  'sign_in.client_metadata_hosts': ['claude.ai'],
}
const relay = {
  'identity_provider.client_id': own,
  sealing_keys: 'A'.repeat(43),
  'sign_in.mode': 'relay',
  'sign_in.redirect_uris': ['robusta'],
}
const allow = (...rules: readonly object[]) => ({ 'resource.0.allow': rules })

const problems: readonly (readonly [
  rule: string,
  changes: Record<string, unknown>,
  key: string,
  words: RegExp,
])[] = [
  ['an unknown key', allow({ tool: ['x'] }), 'resource[0].allow[0].tool', /Did you mean "tools"/],
  ['no tool at all', allow({ tools: [] }), 'resource[0].allow[0].tools', /is empty/],
  ['an empty name', allow({ tools: ['a', ''] }), 'resource[0].allow[0].tools[1]', /is empty/],
  ['white space', allow({ tools: [' a'] }), 'resource[0].allow[0].tools[0]', /white space/],
  ['a NUL', allow({ tools: ['a\0b'] }), 'resource[0].allow[0].tools[0]', /cannot be seen/],
  ['another hint', allow({ hint: 'destructive' }), 'resource[0].allow[0].hint', /read_only/],
  [
    'a group with a wildcard',
    allow({ groups: ['a*'] }),
    'resource[0].allow[0].groups[0]',
    /wildcard/,
  ],
  ['a client with a wildcard', allow({ clients: ['*'] }), 'resource[0].allow[0].clients[0]', /any/],
  ['another mode', { 'resource.0.rules': 'audit' }, 'resource[0].rules', /enforce, shadow/],
  [
    'groups that no token is read for',
    { 'identity_provider.groups_claim': '', ...allow({ groups: ['sre'] }) },
    'resource[0].allow[0].groups',
    /needs groups_claim/,
  ],
]
for (const [rule, changes, key, words] of problems) {
  test(`tool rules: ${rule} is an error`, () => assertProblem(loadWith(changes), key, words))
}

const readOnly = { hint: 'read_only' }
const warnings: readonly (readonly [
  rule: string,
  changes: Record<string, unknown>,
  key: string,
  words: RegExp,
])[] = [
  [
    'shadow without rules',
    { 'resource.0.rules': 'shadow' },
    'resource[0].rules',
    /no rules in allow/,
  ],
  [
    'shadow with rules',
    { 'resource.0.rules': 'shadow', ...allow(readOnly) },
    'resource[0].rules',
    /no call is refused/,
  ],
  [
    'a rule that another one covers',
    allow({ tools: ['pods_*'] }, { tools: ['pods_list', 'pods_*_x'], groups: ['sre'] }),
    'resource[0].allow[1]',
    /allow\[0\] allows all/,
  ],
  [
    'a rule with fewer groups than an earlier one',
    allow({ groups: ['a', 'b'] }, { ...readOnly, groups: ['b'], clients: ['x'] }),
    'resource[0].allow[1]',
    /allow\[0\]/,
  ],
  [
    'hints where nothing else guards',
    {
      'resource.0.upstream_identity': 'own',
      'resource.0.unsafe_upstream_identity': true,
      ...allow(readOnly),
    },
    'resource[0].allow[0].hint',
    /RBAC does not tell users apart/,
  ],
  [
    'a client that broker does not know',
    { ...broker, ...allow({ clients: ['holmes', 'claude.com'] }) },
    'resource[0].allow[0].clients',
    /names "claude\.com", which no token can be of/,
  ],
  [
    'an MCP client where clients hold tokens of the provider',
    { ...relay, 'resource.0.allowed_clients': [], ...allow({ clients: ['holmes'] }) },
    'resource[0].allow[0].clients',
    /names "holmes"/,
  ],
  [
    'a client that allowed_clients keeps out',
    { 'resource.0.allowed_clients': [other], ...allow({ clients: [own] }) },
    'resource[0].allow[0].clients',
    /which no token/,
  ],
]
for (const [rule, changes, key, words] of warnings) {
  test(`tool rules: ${rule} is warned of`, () => {
    const told = allWarningsOf(loadWith(changes)).filter((warning) => warning.key === key)
    assert.match(told.map(({ message }) => message).join('\n'), words)
  })
}

const quiet: readonly (readonly [string, Record<string, unknown>])[] = [
  ['the common case', allow(readOnly, { groups: ['sre'] })],
  ['a narrow rule before a wide one', allow({ tools: ['pods_list'], groups: ['a'] }, readOnly)],
  ['two groups apart', allow({ groups: ['a'] }, { groups: ['b'] })],
  ['two clients apart', allow({ groups: ['a'], clients: ['x'] }, { groups: ['a'] })],
  [
    'every client that broker knows',
    {
      ...broker,
      ...allow({
        clients: ['holmes', 'claude.ai', 'https://claude.ai/oauth/x', 'rc1.abc.def', own],
      }),
    },
  ],
  [
    'the client that relay has',
    { ...relay, 'resource.0.allowed_clients': [], ...allow({ clients: [own.toUpperCase()] }) },
  ],
  ['any client where any is taken', allow({ clients: ['whatever'] })],
]
for (const [rule, changes] of quiet) {
  test(`tool rules: ${rule} needs no warning`, () => {
    const told = allWarningsOf(loadWith(changes)).filter(({ key }) => /allow|rules/.test(key))
    assert.deepEqual(
      told.filter(({ key }) => !key.endsWith('allowed_clients')),
      [],
    )
  })
}

test('GUIDs of groups and clients are those of Entra in any case', () => {
  const rule = { groups: [other.toUpperCase()], clients: [own.toUpperCase(), 'Holmes'] }
  const { resources } = configOf(loadWith(allow(rule)))
  assert.deepEqual(resources[0]?.allow, [
    { tools: ['*'], groups: [other], clients: [own, 'Holmes'] },
  ])
})
