import assert from 'node:assert/strict'
import { test } from 'node:test'
import { matchesTool } from '../../src/config/tool-pattern.ts'
import {
  judgeTool,
  type ToolCaller,
  type ToolHint,
  type ToolRule,
  visibleTools,
} from '../../src/tool-rules/judge-tool.ts'
import { refusalWords } from '../../src/tool-rules/refusal-words.ts'
import { generator, oddNames } from './odd-names.ts'
import { type ModelRule, modelAllows } from './reference-model.ts'

const rule = (changes: Partial<ToolRule> = {}): ToolRule => ({
  tools: ['*'],
  groups: [],
  clients: [],
  ...changes,
})
const caller = (changes: Partial<ToolCaller> = {}): ToolCaller => ({
  groups: [],
  groupsLeftOut: false,
  clients: [],
  ...changes,
})

const patterns: readonly (readonly [pattern: string, name: string, has: boolean])[] = [
  ['*', '', true],
  ['*', 'anything at all', true],
  ['pods_list', 'pods_list', true],
  ['pods_list', 'pods_lis', false],
  ['pods_list', 'Pods_list', false],
  ['pods_*', 'pods_', true],
  ['pods_*', 'pods_delete', true],
  ['pods_*', 'xpods_delete', false],
  ['*_list', 'pods_list', true],
  ['*_list', 'pods_list_x', false],
  ['a*a', 'a', false],
  ['a*a', 'aa', true],
  ['a*b*c', 'abc', true],
  ['a*b*c', 'a-b-b-c', true],
  ['a*b*c', 'acb', false],
  ['*a*a*', 'a', false],
  ['*a*a*', 'xaya', true],
  ['a*ab', 'aab', true],
  ['a*ab', 'ab', false],
  ['**', 'x', true],
  ['a.c', 'abc', false],
  ['(a+)+*', '(a+)+b', true],
]
for (const [pattern, name, has] of patterns) {
  test(`the pattern ${pattern} ${has ? 'has' : 'has not'} ${JSON.stringify(name)}`, () => {
    assert.equal(matchesTool(pattern, name), has)
  })
}

test('a pattern of many stars takes no longer than its length', () => {
  const before = performance.now()
  assert.equal(matchesTool(`${'a*'.repeat(2000)}b`, 'a'.repeat(200_000)), false)
  assert.ok(performance.now() - before < 1_000)
})

const sre = caller({ groups: ['sre'], clients: ['holmes'] })
const verdicts: readonly (readonly [
  words: string,
  rules: readonly ToolRule[],
  who: ToolCaller,
  tool: string | undefined,
  hint: ToolHint,
  verdict: string,
])[] = [
  ['no rules', [], caller(), 'x', 'unknown', 'allow'],
  ['no rules and no name', [], caller(), undefined, 'unknown', 'allow'],
  ['a rule for all', [rule()], caller(), 'x', 'unknown', 'allow'],
  ['a call without a name', [rule()], caller(), undefined, 'unknown', 'tool_name_malformed'],
  ['a name with a NUL', [rule()], caller(), 'x\0y', 'read_only', 'tool_name_malformed'],
  ['a name with half a pair', [rule()], caller(), 'x\ud800', 'read_only', 'tool_name_malformed'],
  ['a very long name', [rule()], caller(), 'x'.repeat(257), 'writes', 'tool_name_malformed'],
  ['a tool that reads', [rule({ hint: 'read_only' })], caller(), 'x', 'read_only', 'allow'],
  ['one that writes', [rule({ hint: 'read_only' })], caller(), 'x', 'writes', 'tool_not_allowed'],
  ['unknown', [rule({ hint: 'read_only' })], caller(), 'x', 'unknown', 'tool_hint_unknown'],
  ['another tool', [rule({ tools: ['y'] })], caller(), 'x', 'unknown', 'tool_not_allowed'],
  ['the group', [rule({ groups: ['a', 'sre'] })], sre, 'x', 'writes', 'allow'],
  ['another group', [rule({ groups: ['a'] })], sre, 'x', 'writes', 'tool_not_allowed'],
  ['no groups', [rule({ groups: ['a'] })], caller(), 'x', 'writes', 'tool_not_allowed'],
  ['the client', [rule({ clients: ['holmes'] })], sre, 'x', 'writes', 'allow'],
  ['another client', [rule({ clients: ['claude'] })], sre, 'x', 'writes', 'tool_not_allowed'],
  [
    'parts of two rules make none',
    [rule({ groups: ['sre'], clients: ['claude'] }), rule({ groups: ['a'], clients: ['holmes'] })],
    sre,
    'x',
    'read_only',
    'tool_not_allowed',
  ],
  [
    'what no hint would help',
    [rule({ hint: 'read_only', groups: ['a'] })],
    sre,
    'x',
    'unknown',
    'tool_not_allowed',
  ],
]
for (const [words, rules, who, tool, hint, expected] of verdicts) {
  test(`${words}: ${expected}`, () => {
    const verdict = judgeTool(rules, who, tool, hint)
    assert.equal(verdict.kind === 'allow' ? 'allow' : verdict.reason, expected)
  })
}

const tools = ['pods_list', 'pods_log', 'pods_delete', 'pods_exec', 'resources_create_or_update']
const modelled: readonly (readonly ModelRule[])[] = [
  [{ hint: 'read_only' }],
  [
    { tools: ['pods_*'], hint: 'read_only' },
    { tools: ['*_delete'], groups: ['sre'] },
  ],
  [{ tools: ['pods_list', 'pods_log'] }],
  [{ tools: ['*_list'] }, { tools: ['p*s_*e*c'], clients: ['holmes'] }],
  [{ tools: ['*'], groups: ['sre'], clients: ['holmes', 'claude.ai'] }, { hint: 'read_only' }],
]

test('10,000 odd names: none passes that the model refuses, and none is refused that it allows', () => {
  const random = generator(15)
  const half = (list: readonly string[]) => list.filter(() => random() < 0.5)
  const counts = { allowed: 0, refused: 0 }
  for (const name of oddNames(tools, 10_000, 2026)) {
    const rules = modelled[Math.floor(random() * modelled.length)] as readonly ModelRule[]
    const groups = half(['sre', 'dev'])
    const clients = half(['holmes', 'claude.ai'])
    const listed = tools.includes(name)
    const reads = name === 'pods_list' || name === 'pods_log'
    const known = reads ? 'read_only' : 'writes'
    const hint = listed ? known : 'unknown'
    const verdict = judgeTool(
      rules.map((one) => rule(one)),
      caller({ groups, clients }),
      name,
      hint,
    )
    const model = modelAllows(rules, {
      tool: name,
      ...(listed && { readOnlyHint: reads }),
      groups,
      clients,
    })
    assert.equal(verdict.kind === 'allow', model, JSON.stringify({ name, rules, groups, clients }))
    counts[model ? 'allowed' : 'refused'] += 1
  }
  // Both answers are among them, or nothing was shown.
  assert.ok(counts.allowed > 500 && counts.refused > 500, JSON.stringify(counts))
})

test('a list holds what may be called, in its order', () => {
  const list = [
    { name: 'b', hint: 'read_only' },
    { name: 'a', hint: 'writes' },
    { name: 'c', hint: 'read_only' },
    { name: 'd\0', hint: 'read_only' },
  ] as const
  const names = (rules: readonly ToolRule[]) => visibleTools(list, rules, sre).map((it) => it.name)
  assert.deepEqual(names([rule({ hint: 'read_only' })]), ['b', 'c'])
  assert.deepEqual(names([rule({ groups: ['sre'] })]), ['b', 'a', 'c'])
  assert.deepEqual(names([rule({ groups: ['other'] })]), [])
  assert.deepEqual(names([]), ['b', 'a', 'c', 'd\0'])
})

const spoken: readonly (readonly [
  rules: readonly ToolRule[],
  tool: string | undefined,
  hint: ToolHint,
  words: RegExp,
])[] = [
  [
    [rule({ hint: 'read_only' }), rule({ groups: ['ops'], clients: ['ui', 'cli'] })],
    'pods_delete',
    'writes',
    /do not allow pods_delete; they would if the MCP server marked it as read-only, or for members of ops through the client ui or cli; ask an administrator/,
  ],
  [[rule({ tools: ['a'] })], 'b', 'writes', /No rule of resource prod allows b to anybody/],
  [[rule({ hint: 'read_only' })], 'b', 'unknown', /does not have it; list the tools/],
  [[rule()], undefined, 'unknown', /does not name a tool as a list of tools could/],
  [[rule({ groups: ['Unauthorized'] })], 'pods_401', 'writes', /do not allow \(not shown\)/],
  [[rule({ groups: ['g401'] })], 'unauthorized', 'writes', /members of \(not shown\)/],
]
test('a refusal is one sentence that names tool and way, and signs nobody out', () => {
  for (const [rules, tool, hint, words] of spoken) {
    const verdict = judgeTool(rules, sre, tool, hint)
    assert.ok(verdict.kind === 'refuse')
    const told = refusalWords({ resource: 'prod', tool, verdict, caller: sre })
    assert.match(told, words)
    assert.doesNotMatch(told, /401|unauthorized/i)
    assert.equal(told.match(/\.( |$)/g)?.length, 1, told)
  }
})

test('a refusal for groups that the token leaves out says so', () => {
  const who = caller({ groupsLeftOut: true })
  const verdict = judgeTool([rule({ groups: ['ops'] })], who, 'x', 'writes')
  assert.ok(verdict.kind === 'refuse')
  const told = refusalWords({ resource: 'prod', tool: 'x', verdict, caller: who })
  assert.match(told, /does not list the groups of this user/)
})
