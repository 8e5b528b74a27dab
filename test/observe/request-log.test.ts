import assert from 'node:assert/strict'
import { Writable } from 'node:stream'
import { test } from 'node:test'
import { AuditOutput } from '../../src/observe/audit-file.ts'
import { createLogger, errorSummary } from '../../src/observe/logger.ts'
import { plainProcessLog } from '../../src/observe/process-log.ts'
import { openRecord, type RequestRecord } from '../../src/observe/record.ts'
import { RequestLog } from '../../src/observe/request-log.ts'

const arrival = {
  requestId: 'request-1',
  traceparent: undefined,
  clientIp: '203.0.113.9',
  method: 'POST',
  path: '/mcp',
}

function linesOf(fill: (record: RequestRecord) => void): Record<string, unknown>[] {
  const lines: Record<string, unknown>[] = []
  const sink = new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines.push(JSON.parse(chunk.toString()))
      done()
    },
  })
  const settings = { before_dispatch: false, arguments: [] }
  const processLog = plainProcessLog(createLogger('info', sink))
  const requestLog = new RequestLog(processLog, settings, new AuditOutput(undefined))
  const record = openRecord(arrival)
  fill(record)
  void requestLog.audit(record)
  requestLog.end(record, 200)
  return lines
}

test('a record that nothing was said of is a refusal', () => {
  assert.deepEqual(
    linesOf(() => undefined).map(({ kind, decision, outcome }) => [kind, decision, outcome]),
    [['request', 'refuse', 'none']],
  )
})

test('each tool call of a batch has a line of its own, the request a bounded one', () => {
  const tools = Array.from({ length: 500 }, (_value, i) => `tool-${i}`)
  const lines = linesOf((record) => {
    record.calls = tools.map((tool) => ({ tool }))
    record.methods = tools.map(() => 'tools/call')
  })
  const request = lines.pop()
  assert.deepEqual(
    lines.map(({ tool }) => tool),
    tools,
  )
  assert.match(String(request?.['tool']), /^tool-0,.*tool-19,… 500 in all$/)
  assert.ok(JSON.stringify(request).length < 1000)
})

const traces: readonly (readonly [string | undefined, string | undefined])[] = [
  [undefined, undefined],
  ['00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', '0af7651916cd43dd8448eb211c80319c'],
  [`00-${'0'.repeat(32)}-b7ad6b7169203331-01`, undefined],
  ['00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01', undefined],
  ['garbage', undefined],
]
for (const [traceparent, traceId] of traces) {
  test(`the trace id of ${traceparent} is ${traceId}`, () => {
    assert.equal(openRecord({ ...arrival, traceparent }).trace_id, traceId)
  })
}

test('lines have a time that people and machines read, and the level by name', () => {
  const [line] = linesOf(() => undefined)
  assert.match(String(line?.['time']), /^\d{4}-\d\d-\d\dT[\d:.]+Z$/)
  assert.equal(line?.['level'], 'info')
  assert.equal(line?.['pid'], undefined)
})

test('an error is told by its code, message and cause, without what libraries hang on it', () => {
  const cause = Object.assign(new Error('connect'), { code: 'ECONNREFUSED', address: 'secret' })
  const error = Object.assign(new Error('fetch failed', { cause }), {
    body: 'secret',
    stack: 'secret',
  })
  assert.equal(errorSummary(error), 'fetch failed (ECONNREFUSED: connect)')
  assert.equal(errorSummary('secret'), 'unknown error')
})
