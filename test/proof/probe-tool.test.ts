import assert from 'node:assert/strict'
import { test } from 'node:test'
import { chooseTool, readTools } from '../../src/proof/probe-tool.ts'
import { tool } from '../support/scripted-mcp.ts'

const reads = { annotations: { readOnlyHint: true } }
const writes = { annotations: { readOnlyHint: false } }
const needy = { inputSchema: { type: 'object', required: ['name'] } }

const rows: readonly (readonly [string, readonly object[], string | undefined, string | RegExp])[] =
  [
    [
      'namespaces_list comes first',
      [tool('pods_list'), tool('namespaces_list')],
      undefined,
      'namespaces_list',
    ],
    ['then pods_list', [tool('a', reads), tool('pods_list')], undefined, 'pods_list'],
    [
      'then the first that only reads',
      [tool('a'), tool('b', reads), tool('c', reads)],
      undefined,
      'b',
    ],
    [
      'one that needs arguments is passed over',
      [tool('namespaces_list', needy), tool('b', reads)],
      undefined,
      'b',
    ],
    [
      'one that changes something is passed over',
      [tool('pods_list', writes)],
      undefined,
      /lists no tool/,
    ],
    ['an empty list', [], undefined, /lists no tool/],
    ['probe_tool comes before all', [tool('namespaces_list'), tool('mine')], 'mine', 'mine'],
    [
      'a probe_tool that is not there',
      [tool('namespaces_list')],
      'mine',
      /does not list probe_tool mine/,
    ],
    ['a probe_tool that changes something', [tool('mine', writes)], 'mine', /more than read/],
    ['a probe_tool that needs arguments', [tool('mine', needy)], 'mine', /needs arguments/],
  ]

for (const [name, tools, configured, expected] of rows) {
  test(name, () => {
    const chosen = chooseTool(readTools({ tools }), configured)
    if (typeof expected === 'string') assert.deepEqual(chosen, { kind: 'tool', name: expected })
    else assert.match(chosen.kind === 'none' ? chosen.why : chosen.name, expected)
  })
}

test('what is no tool is passed over', () => {
  const odd = [
    null,
    'x',
    [],
    {},
    { name: 7 },
    { name: '' },
    { name: 'a', inputSchema: [], annotations: 1 },
  ]
  assert.deepEqual(readTools({ tools: odd }), [{ name: 'a', needsArguments: false }])
  assert.deepEqual(readTools({ tools: 'none' }), [])
})
