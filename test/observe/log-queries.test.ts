import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import {
  auditLineSchema,
  requestLineSchema,
  signInLineSchema,
} from '../../src/observe/log-lines.ts'
import { jqMissing } from '../support/jq.ts'

const page = readFileSync(new URL('../../deploy/logs.md', import.meta.url), 'utf8')
/** By the question that stands above each. */
const queries = new Map(
  [...page.matchAll(/^# (.+)\n(jq .+)$/gm)].map(([, question = '', query = '']) => [
    question,
    query,
  ]),
)

const time = '2026-03-01T12:00:00.000Z'
const alice = {
  level: 'info',
  time,
  client_ip: '10.0.0.1',
  user: 'alice@example.com',
  resource: 'prod',
} as const
const audit = { ...alice, kind: 'audit', mcp_method: 'tools/call', decision: 'allow' } as const
const request = {
  ...alice,
  kind: 'request',
  http_method: 'POST',
  path: '/mcp',
  status: 200,
  outcome: 'ok',
  duration_ms: 12.5,
  decision: 'allow',
} as const
const LINES = [
  auditLineSchema.parse({ ...audit, request_id: 'request-1', tool: 'pods_list' }),
  requestLineSchema.parse({ ...request, request_id: 'request-1', tool: 'pods_list' }),
  auditLineSchema.parse({ ...audit, request_id: 'request-2', tool: 'pods_delete' }),
  requestLineSchema.parse({
    ...request,
    request_id: 'request-2',
    tool: 'pods_delete',
    outcome: 'tool_error',
  }),
  auditLineSchema.parse({
    ...audit,
    request_id: 'request-3',
    tool: 'pods_exec',
    user: 'bob@example.com',
  }),
  requestLineSchema.parse({
    ...request,
    request_id: 'request-4',
    decision: 'refuse',
    reason: 'expired',
    status: 401,
    outcome: 'none',
  }),
  signInLineSchema.parse({
    level: 'warn',
    time,
    kind: 'sign_in',
    step: 'callback',
    request_id: 'request-5',
    client_ip: '10.0.0.1',
    client_id: 'holmes',
    decision: 'refuse',
    reason: 'consent_required',
    aadsts: 65001,
    correlation_id: 'c0ffee',
    remedy: 'Grant consent.',
    whose: 'administrator',
  }),
]

/** Each question of the page that is about our log alone, with what it must answer to these lines. */
const ANSWERS: Readonly<Record<string, RegExp>> = {
  'What did alice change or try to change?':
    /^\["[^"]+","prod","pods_list","allow",null\]\n\["[^"]+","prod","pods_delete","allow",null\]\n$/,
  "What did the cluster forbid, to whom? (the tool's answer had isError)":
    /^\["[^"]+","alice@example\.com","pods_delete","request-2"\]\n$/,
  'Which calls have no end? (the process was killed, or they still run)':
    /^\["[^"]+","bob@example\.com","pods_exec","request-3"\]\n$/,
  'What has an administrator to mend before users can sign in?':
    /^\["[^"]+","callback","holmes",null,65001,"c0ffee","Grant consent\."\]\n$/,
  'Who was refused, and why?': /^ +1 expired\talice@example\.com\n$/,
}

/** Is about two logs: test/real/join-suite.ts asks it, of a cluster. */
const JOIN = 'What did each tool call ask the cluster for, and what did that say?'

test('the page has these questions, and no other', () => {
  assert.deepEqual([...queries.keys()].sort(), [...Object.keys(ANSWERS), JOIN].sort())
})

for (const [question, answer] of Object.entries(ANSWERS)) {
  test(`jq: ${question}`, { skip: jqMissing }, () => {
    const input = LINES.map((line) => `${JSON.stringify(line)}\n`).join('')
    const { stdout, stderr } = spawnSync('sh', ['-c', queries.get(question) ?? 'false'], {
      input,
      encoding: 'utf8',
    })
    assert.equal(stderr, '')
    assert.match(stdout, answer)
  })
}
