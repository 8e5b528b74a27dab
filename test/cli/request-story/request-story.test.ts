import assert from 'node:assert/strict'
import { test } from 'node:test'
import { command as explain } from '../../../src/cli/explain/explain.ts'
import { reasonWords } from '../../../src/cli/request-story/reason-words.ts'
import { startGateway } from '../../support/gateway.ts'
import { post, send } from '../../support/raw-http.ts'
import { startUpstream } from '../../support/recording-upstream.ts'
import { recordingTerminal } from '../../support/terminal.ts'

const id = 'req-1234-abcd'
const common = {
  level: 'info',
  time: '2026-03-01T12:00:00.000Z',
  request_id: id,
  user: 'alice@contoso.test',
  client_name: 'A client',
  resource: 'prod',
}
const audit = {
  ...common,
  kind: 'audit',
  tool: 'pods_delete',
  decision: 'refuse',
  reason: 'not_in_required_groups',
}
const request = {
  ...common,
  kind: 'request',
  http_method: 'POST',
  path: '/mcp',
  mcp_method: 'tools/call',
  decision: 'refuse',
  reason: 'not_in_required_groups',
  status: 200,
  duration_ms: 3,
}

async function told(log: string, argv: readonly string[] = ['--log', '/log', '--request', id]) {
  const terminal = recordingTerminal({ '/log': log }, {}, log)
  const code = await explain.run(argv, terminal)
  return { code, out: terminal.out(), err: terminal.err() }
}

const lines = (...all: readonly object[]) => all.map((line) => `${JSON.stringify(line)}\n`).join('')

test('who, which check, which setting, and the remedy', async () => {
  const { code, out } = await told(lines(audit, request))
  assert.equal(code, 0)
  assert.match(
    out,
    /alice@contoso\.test \(client A client\) called pods_delete at prod: it was refused/,
  )
  assert.match(out, /not_in_required_groups, at the check groups/)
  assert.match(out, /setting {3}required_groups/)
  assert.match(out, /remedy {4}make the user a member/)
  assert.match(out, /POST \/mcp \(tools\/call\) of alice.* ended with status 200 in 3 ms/)
})

test('only what was sent to the MCP server has an outcome, and a call to a fleet its cluster', async () => {
  const never = await told(lines({ ...request, outcome: 'none' }))
  assert.match(never.out, /ended with status 200 in 3 ms\n/)
  const away = { ...request, reason: 'upstream_unavailable', outcome: 'none' }
  assert.match((await told(lines(away))).out, /in 3 ms: no answer of the MCP server/)
  const silent = { ...request, decision: 'allow', upstream_status: 202, outcome: 'none' }
  assert.match((await told(lines(silent))).out, /in 3 ms: no answer of the MCP server/)
  const { out } = await told(lines({ ...audit, resource: 'fleet', cluster: 'dev' }))
  assert.match(out, /called pods_delete at fleet, cluster dev: it was refused/)
  const question = { ...common, kind: 'question', mcp_method: 'tools/list', cluster: 'dev' }
  assert.match((await told(lines(question))).out, /asked the MCP server of dev for tools\/list/)
})

test('lines of others, cut lines, prefixes and a last line without its end are tolerated', async () => {
  const other = { ...request, request_id: 'req-9999-zzzz', user: 'bob@contoso.test' }
  const quoting = { ...request, request_id: 'req-8888-yyyy', path: `/${id}` }
  const text = JSON.stringify(request)
  const log = `${text.slice(40)}\n${lines(other, quoting)}not json\n\n[pod/rolecall-0] ${text}\n\u{1f600}${JSON.stringify(audit)}`
  const { code, out } = await told(log)
  assert.equal(code, 0)
  assert.doesNotMatch(out, /bob/)
  assert.equal(out.match(/ended with status 200/g)?.length, 1)
  assert.equal(out.match(/called pods_delete/g)?.length, 1)
  const cut = await told(`${lines(request)}${text.slice(0, 120)}`)
  assert.match(cut.out, /1 lines that name it could not be read/)
})

test('a sign-in is told with whose job it is', async () => {
  const line = {
    ...common,
    kind: 'sign_in',
    step: 'token',
    decision: 'refuse',
    reason: 'provider_refused:AADSTS65001',
    aadsts: 65001,
    whose: 'administrator',
    remedy: 'grant consent.',
    msg: 'Nobody has consented.',
  }
  const { out } = await told(lines(line))
  assert.match(out, /sign-in, step token, of alice.* ended: refuse .*AADSTS65001/)
  assert.match(out, /remedy {4}\(administrator\) grant consent\./)
})

test('standard input is read for -, and what is hostile in a log reaches no terminal', async () => {
  const hostile = { ...request, user: '\u001b[31mred\u202e', path: '/\u0007' }
  const { code, out } = await told(lines(hostile), ['--log', '-', '--request', id])
  assert.equal(code, 0)
  assert.match(out, /^[\x20-\x7e\n]+$/)
})

test('a line without end costs bounded memory and hides no other', async () => {
  const { code, out } = await told(
    `{"request_id":"${id}","x":"${'y'.repeat(1_100_000)}"}\n${lines(request)}`,
  )
  assert.equal(code, 0)
  assert.match(out, /ended with status 200/)
})

test('a request that is not there is 1, with where else to look', async () => {
  const { code, err } = await told(lines({ ...request, request_id: 'req-9999-zzzz' }))
  assert.equal(code, 1)
  assert.match(err, /older file \(rotated\)/)
})

for (const [what, argv] of [
  ['without --request', ['--log', '/log']],
  ['without --log', ['--request', id]],
  ['an id that is none', ['--log', '/log', '--request', 'a b']],
  ['a file that is not there', ['--log', '/none', '--request', id]],
] as const) {
  test(`usage: ${what}`, async () => {
    assert.equal((await told('', argv)).code, 2)
  })
}

test('a running gateway’s refusal is told by the id that its client got', async (t) => {
  const upstream = await startUpstream(t)
  const gateway = await startGateway(t, {
    upstream: upstream.url,
    resource: { required_groups: ['0a0a0a0a-0000-4000-8000-00000000ffff'] },
  })
  const token = await gateway.entra.mint()
  const answer = await send(gateway.url, post(token))
  const requestId = String(answer.headers['x-request-id'])
  await gateway.logged((line) => line['kind'] === 'request' && line['request_id'] === requestId)
  const { code, out } = await told(lines(...gateway.log), ['--log', '/log', '--request', requestId])
  assert.equal(code, 0)
  assert.match(out, /alice@contoso\.test/)
  assert.match(out, /at the check groups/)
})

test('a reason has its words, also with detail behind a colon', () => {
  assert.equal(reasonWords('upstream_unavailable:ECONNREFUSED')?.setting, 'upstream')
  assert.equal(reasonWords('expired')?.check, 'not expired')
  assert.equal(reasonWords('constructor'), undefined)
})
