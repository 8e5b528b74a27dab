import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  type AnswerFilter,
  eventListFilter,
  jsonListFilter,
} from '../../../src/forward/tools/list-filter.ts'
import type { PageJudge } from '../../../src/forward/tools/tool-lists.ts'

const FAILURE = '{"jsonrpc":"2.0","id":7,"error":{"code":-32603,"message":"unreadable"}}'

/** Lets those pass that say they read. */
const judge: PageJudge = (tools) => tools.map(({ readOnly }) => readOnly)

const reads = (name: string) =>
  `{"name":"${name}","inputSchema":{"max":9223372036854775807, "min":1.0},"annotations":{"readOnlyHint":true}}`
const writes = (name: string) => `{"name":"${name}","annotations":{"readOnlyHint":false}}`
const list = (tools: readonly string[], more = '') =>
  `{"jsonrpc":"2.0","id":7,"result":{"tools":[${tools.join(',')}]${more}}}`

const escaped = (text: string) =>
  [...text].map((one) => `\\u00${one.charCodeAt(0).toString(16)}`).join('')

/** What comes out, in pieces of this many bytes. */
function run(filter: AnswerFilter, text: string | Buffer, size: number): string | undefined {
  const bytes = Buffer.from(text)
  const out: Buffer[] = []
  for (let at = 0; at < bytes.length; at += size) {
    const passed = filter.push(bytes.subarray(at, at + size))
    if (passed === undefined) return undefined
    out.push(passed)
  }
  const rest = filter.end()
  return rest && Buffer.concat([...out, rest]).toString()
}

type Row = readonly [words: string, text: string, expected: string]

const jsonRows: readonly Row[] = [
  ['nothing to leave out', list([reads('b'), reads('a')]), list([reads('b'), reads('a')])],
  [
    'order and bytes stay',
    list([writes('x'), reads('b'), writes('y'), reads('a')], ',"nextCursor":"é"'),
    list([reads('b'), reads('a')], ',"nextCursor":"é"'),
  ],
  ['nothing is left', list([writes('x')]), list([])],
  ['an empty page', list([], ',"nextCursor":"c"'), list([], ',"nextCursor":"c"')],
  ['a tool without a name', list(['{"title":"x"}', '7', 'null', reads('a')]), list([reads('a')])],
  [
    'cacheScope becomes private',
    list([reads('a')], ',"ttlMs":5,"cacheScope":"public","resultType":"complete"'),
    list([reads('a')], ',"ttlMs":5,"cacheScope":"private","resultType":"complete"'),
  ],
  [
    'cacheScope is added where the revision has it',
    list([writes('x')], ',"ttlMs":5'),
    '{"jsonrpc":"2.0","id":7,"result":{"cacheScope":"private","tools":[],"ttlMs":5}}',
  ],
  [
    'a batch, with an answer to something else',
    `[{"jsonrpc":"2.0","id":1,"result":{"content":[]}} , ${list([writes('x'), reads('a')])}]`,
    `[{"jsonrpc":"2.0","id":1,"result":{"content":[]}} , ${list([reads('a')])}]`,
  ],
  [
    'an escaped member',
    list([writes('x')]).replace('tools', 't\\u006fols'),
    list([]).replace('tools', 't\\u006fols'),
  ],
  [
    'members with every character escaped',
    list([writes('x')])
      .replace('tools', escaped('tools'))
      .replace('result', escaped('result')),
    list([]).replace('tools', escaped('tools')).replace('result', escaped('result')),
  ],
  [
    'tools elsewhere are no list',
    '{"id":1,"result":{"content":[],"structuredContent":{"tools":[{"name":"x"}]}}}',
    '{"id":1,"result":{"content":[],"structuredContent":{"tools":[{"name":"x"}]}}}',
  ],
  [
    "tools of a server's own question are no list",
    '{"id":1,"method":"sampling/createMessage","params":{"tools":[{"name":"x"}]}}',
    '{"id":1,"method":"sampling/createMessage","params":{"tools":[{"name":"x"}]}}',
  ],
  [
    'an error passes',
    '{"jsonrpc":"2.0","id":7,"error":{"code":-32601,"message":"no"}}',
    '{"jsonrpc":"2.0","id":7,"error":{"code":-32601,"message":"no"}}',
  ],
  ['no JSON', list([reads('a')]).slice(0, -1), FAILURE],
  ['a member twice', list([reads('a')], ',"tools":[]'), FAILURE],
  ['a member in another case', list([reads('a')], ',"Tools":[{"name":"x"}]'), FAILURE],
  ['a result twice', `{"result":{"tools":[]},"result":{"tools":[${writes('x')}]}}`, FAILURE],
  ['a result in another case', `{"id":7,"Result":{"tools":[${writes('x')}]}}`, FAILURE],
  ['a member that Go folds', `{"id":7,"result":{"tool\u017f":[${writes('x')}]}}`, FAILURE],
  ['a member that ends in a NUL', `{"id":7,"result\\u0000":{"tools":[${writes('x')}]}}`, FAILURE],
  ['tools that are no list', '{"id":7,"result":{"tools":{"x":{}}}}', FAILURE],
  ['too large a list', list([reads('a'.repeat(4 * 1_048_576))]), FAILURE],
  ['nothing', '', ''],
]
for (const [words, text, expected] of jsonRows) {
  test(`a JSON answer: ${words}`, () => {
    for (const size of [7, 65_536]) {
      assert.equal(run(jsonListFilter(judge, FAILURE), text, size), expected)
    }
  })
}

const note = '{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}'
const filtered = list([reads('a')])
const both = list([writes('x'), reads('a')])

const eventRows: readonly Row[] = [
  [
    'a list among others',
    `data: ${note}\n\nid: 5\nevent: message\ndata: ${both}\n\n: hello\n`,
    `data: ${note}\n\nid: 5\nevent: message\ndata: ${filtered}\n\n: hello\n`,
  ],
  [
    'nothing to leave out, byte for byte',
    `event:message\r\ndata:${filtered}\r\nid:1\r\n\r\n`,
    `event:message\r\ndata:${filtered}\r\nid:1\r\n\r\n`,
  ],
  [
    'CRLF',
    `data:${both}\r\nid: 1\r\n\r\ndata: x\r\n\r\n`,
    `data: ${filtered}\nid: 1\r\n\r\ndata: x\r\n\r\n`,
  ],
  ['CR', `data: ${both}\rid: 1\r\rdata: x\r\r`, `data: ${filtered}\nid: 1\r\rdata: x\r\r`],
  [
    'data in several lines',
    `data: ${both.replace('"result":', '"result":\ndata: ')}\nid: 2\n\n`,
    `data: ${filtered}\nid: 2\n\n`,
  ],
  ['a priming event', 'id: 1\nretry: 3\ndata: \n\n', 'id: 1\nretry: 3\ndata: \n\n'],
  ['a byte order mark', `\ufeffdata: ${both}\n\n`, `data: ${filtered}\n\n`],
  [
    'what is no message',
    'event: endpoint\ndata: /messages\n\n',
    'event: endpoint\ndata: /messages\n\n',
  ],
  ['a list that is cut off', `data: ${both.slice(0, -2)}\n\n`, `data: ${FAILURE}\n\n`],
  ['no empty line at the end', `data: ${both}\n`, `data: ${filtered}\n`],
  ['a list without its end', `data: ${both.slice(0, -9)}`, `data: ${FAILURE}\n\n`],
  [
    'too large a list',
    `data: ${list([reads('a'.repeat(4 * 1_048_576))])}\n\ndata: ${note}\n\n`,
    `data: ${FAILURE}\n\ndata: ${note}\n\n`,
  ],
]
for (const [words, text, expected] of eventRows) {
  test(`an event stream: ${words}`, () => {
    for (const size of text.length > 1e6 ? [65_536] : [1, 2, 7, 65_536]) {
      assert.equal(run(eventListFilter(judge, FAILURE), text, size), expected, `by ${size}`)
    }
  })
}

test('a stream nobody asked a list on leaves out what it cannot read', () => {
  const text = `data: ${both.slice(0, -2)}\n\ndata: ${both}\n\n`
  assert.equal(run(eventListFilter(judge, undefined), text, 50), `data: ${filtered}\n\n`)
})

test('a large event passes in pieces, and breaks off where a list begins in it', () => {
  const text = 'x'.repeat(5 * 1_048_576)
  const large = `data: {"id":1,"result":{"content":[{"type":"text","text":"${text}"}]}}\n\n`
  assert.equal(run(eventListFilter(judge, FAILURE), large, 65_536), large)
  const hidden = `data: {"id":1,"result":{"padding":"${text}","tools":[${writes('x')}]}}\n\n`
  assert.equal(run(eventListFilter(judge, FAILURE), hidden, 65_536), undefined)
})

test('a large event that is no JSON, and that a lenient client may read, does not pass', () => {
  const text = 'x'.repeat(5 * 1_048_576)
  const late = `data: {"id":1,"result":{"padding":"${text}","y":NaN,"tools":[${writes('x')}]}}\n\n`
  assert.equal(run(eventListFilter(judge, FAILURE), late, 65_536), undefined)
  const early = `data: {"id":1,"result":{"y":NaN,"padding":"${text}","tools":[${writes('x')}]}}\n\n`
  assert.equal(run(eventListFilter(judge, FAILURE), early, 65_536), `data: ${FAILURE}\n\n`)
  const plain = `data: ${text}\n\n`
  assert.equal(run(eventListFilter(judge, FAILURE), plain, 65_536), plain)
})

test('an event passes as soon as it is whole', () => {
  const filter = eventListFilter(judge, FAILURE)
  assert.equal(filter.push(Buffer.from(`data: ${note}\n`))?.toString(), '')
  assert.equal(filter.push(Buffer.from('\n'))?.toString(), `data: ${note}\n\n`)
})
