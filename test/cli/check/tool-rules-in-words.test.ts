import assert from 'node:assert/strict'
import { test } from 'node:test'
import { toolRulesInWords } from '../../../src/cli/check/tool-rules-in-words.ts'
import { configOf, loadWith } from '../../support/configuration.ts'

const allow = [
  { hint: 'read_only' },
  { tools: ['pods_delete', 'helm_*'], groups: ['sre'], clients: ['holmes', 'claude.ai'] },
]

test('check tells what rules let whom do', () => {
  assert.deepEqual(toolRulesInWords(configOf(loadWith({ 'resource.0.allow': allow }))), [
    '',
    'Tools at resource prod, and no others:',
    '  1. everybody: every tool that the MCP server marks as read-only',
    '  2. users in sre, through holmes or claude.ai: pods_delete or helm_*',
    "  What only reads is the MCP server's word; RBAC remains the guard.",
  ])
})

test('and that shadow refuses nothing; without rules it tells nothing', () => {
  const shadow = configOf(
    loadWith({ 'resource.0.allow': [{ tools: ['x'] }], 'resource.0.rules': 'shadow' }),
  )
  assert.match(toolRulesInWords(shadow).join('\n'), /no call is refused:\n {2}1\. everybody: x$/)
  assert.deepEqual(toolRulesInWords(configOf(loadWith({}))), [])
})
