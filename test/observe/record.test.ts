import assert from 'node:assert/strict'
import { Writable } from 'node:stream'
import { test } from 'node:test'
import { createLogger, errorSummary } from '../../src/observe/logger.ts'
import { openRecord, type RequestRecord, writeRecord } from '../../src/observe/record.ts'

function linesOf(fill: (record: RequestRecord) => void): Record<string, unknown>[] {
  const lines: Record<string, unknown>[] = []
  const sink = new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines.push(JSON.parse(chunk.toString()))
      done()
    },
  })
  const at = { requestId: 'request-1', clientIp: '203.0.113.9', method: 'POST', path: '/mcp' }
  const record = openRecord(at)
  fill(record)
  writeRecord(createLogger('info', sink), record, 200)
  return lines
}

test('a record that nothing was said of is a refusal', () => {
  assert.deepEqual(
    linesOf(() => undefined).map(({ kind, decision }) => [kind, decision]),
    [['request', 'refuse']],
  )
})

test('each tool call of a batch has a line of its own, the request a bounded one', () => {
  const tools = Array.from({ length: 500 }, (_value, i) => `tool-${i}`)
  const [request, ...audits] = linesOf((record) => {
    record.tools = tools
    record.methods = tools.map(() => 'tools/call')
  })
  assert.deepEqual(
    audits.map(({ tool }) => tool),
    tools,
  )
  assert.match(String(request?.['tool']), /^tool-0,.*tool-19,… 500 in all$/)
  assert.ok(JSON.stringify(request).length < 1000)
})

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
