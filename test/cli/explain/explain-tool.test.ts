import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { stringify } from 'smol-toml'
import { explainCommand } from '../../../src/cli/explain/explain.ts'
import type { MintRequest } from '../../environment/mock-entra/mint.ts'
import { fileWith } from '../../support/configuration.ts'
import { startEntra } from '../../support/gateway.ts'
import { recordingTerminal } from '../../support/terminal.ts'

const teamA = 'aaaaaaaa-1111-4a11-8a11-aaaaaaaaaaaa'
const path = '/etc/rolecall.toml'

const allow = [
  { tools: ['pods_*'], hint: 'read_only' },
  { tools: ['pods_delete'], groups: [teamA] },
]

async function explain(t: TestContext, argv: readonly string[], mint: MintRequest = {}) {
  const entra = await startEntra(t)
  const provider = {
    kind: 'entra',
    tenant_id: entra.tenantId,
    authority: entra.origin,
    groups_claim: 'groups',
  }
  const file = stringify(fileWith({ identity_provider: provider, 'resource.0.allow': allow }))
  const terminal = recordingTerminal({ [path]: file }, {}, await entra.mint(mint))
  const code = await explainCommand(2000).run(['--config', path, ...argv], terminal)
  return { code, out: terminal.out(), err: terminal.err() }
}

const rows: readonly (readonly [
  words: string,
  argv: readonly string[],
  mint: MintRequest,
  code: number,
  told: RegExp,
])[] = [
  [
    'a rule by the group',
    ['--tool', 'pods_delete', '--writes'],
    {},
    0,
    /^met +rule 2.*\n\nAllowed\.$/m,
  ],
  [
    'no rule',
    ['--tool', 'pods_delete', '--writes'],
    { person: 'bob' },
    1,
    /^not met +rule 1: everybody: pods_\* that the MCP server marks as read-only\n +the tool is not known to be read-only\nnot met +rule 2: users in aaaa[^:]*: pods_delete\n +the user is in none of its groups\n\nRefused: .*for members of aaaa/m,
  ],
  [
    'a tool that reads',
    ['--tool', 'pods_log', '--read-only'],
    { person: 'bob' },
    0,
    /^met +rule 1/m,
  ],
  [
    'a hint that is not given',
    ['--tool', 'pods_log'],
    {},
    3,
    /Say which with --read-only or --writes/,
  ],
  [
    'a tool of no rule',
    ['--tool', 'x'],
    {},
    1,
    /not among its tools[\s\S]*No rule of resource prod/,
  ],
  ['a token that is refused', ['--tool', 'pods_log'], { lifetime: -60 }, 1, /^Refused at: /m],
]
for (const [words, argv, mint, code, told] of rows) {
  test(`explain --tool: ${words}`, async (t) => {
    const ran = await explain(t, argv, mint)
    assert.match(ran.out, told)
    assert.equal(ran.code, code)
  })
}

test('a hint without a tool, and both hints, are no usage', async (t) => {
  assert.equal((await explain(t, ['--writes'])).code, 2)
  assert.equal((await explain(t, ['--tool', 'x', '--writes', '--read-only'])).code, 2)
})
