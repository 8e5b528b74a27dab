import assert from 'node:assert/strict'
import { test } from 'node:test'
import { JsonScanner } from '../../../src/forward/body/json-scanner.ts'

interface Scan {
  readonly whole: boolean
  readonly told: readonly (readonly unknown[])[]
}

/** Scans a text whose bytes come in pieces of this size. */
function scan(text: Buffer, pieceBytes: number, deepest = 3): Scan {
  const told: unknown[][] = []
  const scanner = new JsonScanner(
    {
      member: (level, name) => told.push(['member', level, name]),
      end: (level, kind, from, to) => told.push(['end', level, kind, from, to]),
    },
    { deepest },
  )
  for (let at = 0; at < text.length; at += pieceBytes) {
    scanner.push(Buffer.from(text.subarray(at, at + pieceBytes)))
  }
  return { whole: scanner.finish(), told }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

test('members and values are told with their levels and bytes', () => {
  const text = '{"a":[1,{"\\u0062":"é"}],"c":null}'
  assert.deepEqual(scan(Buffer.from(text), 1000).told, [
    ['member', 1, 'a'],
    ['end', 2, 'number', 6, 7],
    ['member', 3, 'b'],
    ['end', 3, 'string', 18, 22],
    ['end', 2, 'object', 8, 23],
    ['end', 1, 'array', 5, 24],
    ['member', 1, 'c'],
    ['end', 1, 'null', 29, 33],
    ['end', 0, 'object', 0, 34],
  ])
})

test('what is further in is checked and not told', () => {
  const { whole, told } = scan(Buffer.from('{"a":{"b":{"c":1}}}'), 1000, 1)
  assert.equal(whole, true)
  assert.deepEqual(told.filter(([what]) => what === 'member').flat(), ['member', 1, 'a'])
  assert.equal(scan(Buffer.from('{"a":{"b":{"c":01}}}'), 1000, 1).whole, false)
})

const texts: readonly string[] = [
  '', ' ', '1', '-1', '0', '-0', '01', '1.', '.1', '1.5', '1e5', '1E+5', '1e', '1e-', '-', '+1', '1 2', 'NaN',
  'true', 'false', 'null', 'tru', 'truex', 'nul', 'True', '""', '"a', '"\\"', '"\\x"', '"\\u12"', '"\\u12g4"',
  '"\\uD800"', '"\u0001"', '"\t"', '"\\t"', '"\u007f"', '[]', '[', ']', '[1', '[1,', '[1,]', '[,1]', '[1 2]', '[[]]',
  '[]]', '{}', '{', '}', '{"a"', '{"a":', '{"a":1', '{"a":1,', '{"a":1,}', '{,}', '{a:1}', "{'a':1}", '{"a" 1}',
  '{"a":1 "b":2}', '{1:2}', '{"a":1}}', '[}', '{]', '[1}', '{"a":1]', '\u00a01', '\ufeff1', '1\u0000', ' \t\r\n[ ] \n',
  '/**/1', '{"__proto__":1,"constructor":2}', '"\u2028"', '0x1', '1_000', 'Infinity', '--1', '1ee5', '1.5.5', '"\\/"',
] // biome-ignore format: one row of texts
test('exactly what JSON.parse takes is taken, however the bytes come', () => {
  for (const text of texts) {
    for (const pieceBytes of [1, 2, 3, 1000]) {
      assert.equal(scan(Buffer.from(text), pieceBytes).whole, isJson(text), JSON.stringify(text))
    }
  }
})

/** A linear congruential generator, so that a failure can be run again. */
function numbers(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

const parts = [
  '{', '}', '[', ']', ',', ':', '"a"', '"\\u006e"', '"', '\\', 'u', '1', '0', '-', '.', 'e', '+', 'true', 'null',
  ' ', '\n', 'é', '😀', '{"a":1}', '[1,2]', '"b":', '\u0000',
] // biome-ignore format: one row of parts
test('20,000 texts of parts of JSON are taken as JSON.parse takes them', () => {
  const random = numbers(20260728)
  let whole = 0
  for (let round = 0; round < 20_000; round += 1) {
    const text = Array.from({ length: 1 + random(9) }, () => parts[random(parts.length)]).join('')
    const scanned = scan(Buffer.from(text), 1 + random(4))
    assert.equal(scanned.whole, isJson(text), JSON.stringify(text))
    if (scanned.whole) whole += 1
  }
  assert.ok(whole > 300, `only ${whole} of them were JSON`)
})

test('10,000 levels are taken, one more is not', () => {
  const nested = (levels: number) => Buffer.from('['.repeat(levels) + ']'.repeat(levels))
  assert.equal(scan(nested(10_000), 65_536).whole, true)
  assert.equal(scan(nested(10_001), 65_536).whole, false)
})

test('a name longer than is held is told as an empty one', () => {
  const told: string[] = []
  const visitor = {
    member: (_level: number, name: string) => told.push(name),
    end: () => undefined,
  }
  const scanner = new JsonScanner(visitor, { deepest: 1, longestName: 8 })
  for (const byte of Buffer.from('{"isError":true,"123456789":1}')) scanner.push(Buffer.of(byte))
  assert.equal(scanner.finish(), true)
  assert.deepEqual(told, ['isError', ''])
})
