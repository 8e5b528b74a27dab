import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { cookieJar } from '../../../src/http/routes/cookies.ts'
import { beginTransaction } from '../../../src/sign-in/transaction/transaction.ts'

const jar = cookieJar('https://mcp.example.com')
const local = cookieJar('http://localhost:8080')
const start = Date.parse('2026-03-01T12:00:00Z')

/** The id of a sign-in that begins so many milliseconds later. */
const idAt = (later: number) =>
  beginTransaction({ resource: 'prod', consent: 'asked' }, start + later).id

const header = (cookies: Iterable<readonly [string, string]>, prefix = '__Host-rolecall-tx-') =>
  [...cookies].map(([id, value]) => `${prefix}${id}=${value}`).join('; ')

const written = (id: string, value = 'v') => ({ kind: 'set_transaction', id, value }) as const
const none = { transactions: new Map() }

test('cookies of https are bound to our host and path, and hidden from scripts and other sites', () => {
  const id = idAt(0)
  assert.deepEqual(jar.write([written(id)], none), [
    `__Host-rolecall-tx-${id}=v; Max-Age=600; Path=/; HttpOnly; Secure; SameSite=Lax`,
  ])
  assert.deepEqual(jar.write([{ kind: 'set_consents', value: 'c' }], none), [
    '__Host-rolecall-consent=c; Max-Age=7776000; Path=/; HttpOnly; Secure; SameSite=Lax',
  ])
  assert.deepEqual(jar.write([{ kind: 'drop_transaction', id }], none), [
    `__Host-rolecall-tx-${id}=; Max-Age=0; Path=/; HttpOnly; Secure; SameSite=Lax`,
  ])
})

test('on http loopback they are the same without prefix and Secure, or browsers would drop them', () => {
  const id = idAt(0)
  assert.deepEqual(local.write([written(id)], none), [
    `rolecall-tx-${id}=v; Max-Age=600; Path=/; HttpOnly; SameSite=Lax`,
  ])
  assert.deepEqual(local.write([{ kind: 'set_consents', value: 'c' }], none), [
    'rolecall-consent=c; Max-Age=7776000; Path=/; HttpOnly; SameSite=Lax',
  ])
})

test('with https only cookies with the prefix are read: others may come from another host', () => {
  const id = idAt(0)
  const names = [
    'rolecall-tx-',
    '__host-rolecall-tx-',
    '__Secure-rolecall-tx-',
    '__HOST-rolecall-tx-',
  ]
  for (const name of names) {
    assert.equal(jar.read(header([[id, 'v']], name)).transactions.size, 0, name)
  }
  assert.equal(jar.read('rolecall-consent=c; __host-rolecall-consent=c').consents, undefined)
  const read = jar.read(`${header([[id, 'v']])}; __Host-rolecall-consent=c`)
  assert.deepEqual([...read.transactions], [[id, 'v']])
  assert.equal(read.consents, 'c')
})

test('the eleventh sign-in drops the oldest, also when all began in one second', () => {
  for (const step of [0, 50, 1_000, 60_000]) {
    const ids = Array.from({ length: 11 }, (_, number) => idAt(number * step))
    const eleventh = ids.at(-1) ?? ''
    const before = jar.read(header(ids.slice(0, 10).map((id) => [id, 'v'])))
    const [set, ...dropped] = jar.write([written(eleventh)], before)
    assert.match(set ?? '', new RegExp(`^__Host-rolecall-tx-${eleventh}=v;`))
    assert.equal(dropped.length, 1, `a step of ${step}`)
    assert.match(dropped[0] ?? '', new RegExp(`^__Host-rolecall-tx-${ids[0]}=; Max-Age=0;`))
  }
})

test('the age is in the id: the order in which a browser sends cookies does not hide it', () => {
  const ids = Array.from({ length: 10 }, (_, number) => idAt((number + 1) * 2_000))
  const oldest = idAt(0)
  const shuffled = [...ids.slice(5), oldest, ...ids.slice(0, 5)].slice(0, 11)
  const before = jar.read(header(shuffled.filter((id) => id !== ids[9]).map((id) => [id, 'v'])))
  const lines = jar.write([written(ids[9] ?? '')], before)
  assert.deepEqual(lines.length, 2)
  assert.match(lines[1] ?? '', new RegExp(`tx-${oldest}=;`))
})

test('a sign-in that goes on drops none of ten, and one that ends drops itself', () => {
  const ids = Array.from({ length: 10 }, (_, number) => idAt(number))
  const before = jar.read(header(ids.map((id) => [id, 'v'])))
  const id = ids[3] ?? ''
  assert.equal(jar.write([written(id, 'w')], before).length, 1)
  assert.equal(jar.write([{ kind: 'drop_transaction', id }], before).length, 1)
})

test('long ones are fewer: all together stay below 4 KB, names too, and the oldest go', () => {
  for (const length of [300, 700, 1_200, 2_900]) {
    const long = (id: string) => [id, 'v'.repeat(length)] as const
    const ids = Array.from({ length: 10 }, (_, number) => idAt(number * 1_000))
    let kept: readonly string[] = []
    for (const id of ids) {
      const before = jar.read(header(kept.map(long)))
      const [set = '', ...dropped] = jar.write([written(...long(id))], before)
      assert.ok(set.includes(id))
      const gone = dropped.map((line) => /tx-([^=]+)=/.exec(line)?.[1])
      assert.deepEqual(gone, kept.slice(0, gone.length), 'the oldest')
      kept = [...kept.slice(gone.length), id]
      const sent = header(kept.map(long))
      assert.ok(sent.length < 4_000, `${length}: ${sent.length}`)
    }
    assert.equal(kept.length, Math.min(10, Math.floor(4_000 / (length + 51))), `${length}`)
  }
})

test('many sent at once, as by another program on this host, are dropped and break nothing', () => {
  const ids = Array.from({ length: 40 }, (_, number) => idAt(number * 1_000))
  const before = jar.read(header(ids.map((id) => [id, 'v'])))
  const mine = idAt(100)
  const lines = jar.write([written(mine)], before)
  assert.equal(lines.length, 1 + 31)
  assert.ok(lines[0]?.includes(mine), 'what is written now stays, however many claim to be newer')
  assert.ok(!lines.slice(1).some((line) => line.includes(mine)))
})

const foreign = [
  '',
  ';',
  '=;=;=',
  'a=b; ; c',
  'rolecall-tx-',
  'rolecall-tx-=v',
  'rolecall-tx-x y=v',
  'rolecall-tx-\u00e9=v',
  'rolecall-tx-"=v',
  'rolecall-tx-<script>=v',
  'rolecall-tx-__proto__=v',
  `rolecall-tx-${'a'.repeat(300)}=v`,
  'rolecall-tx-zzzzzzzzzzzzzz-AAAAAAAAAAAAAAAAAAAAAA=v',
  '__proto__=v; constructor=v',
  'rolecall-consent',
  'x=%; y=%zz; z=%E0%A4%A',
  'x="quoted; value"',
]

test('what is not named as ours is not ours: it is neither read nor dropped', () => {
  for (const text of foreign) assert.equal(local.read(text).transactions.size, 0, text)
  const many = Array.from({ length: 30 }, (_, number) => `rolecall-tx-@${number}=v`).join('; ')
  const before = local.read(`${foreign.join('; ')}; ${many}`)
  assert.equal(local.write([written(idAt(0))], before).length, 1)
})

test('ours are found among sixty of others and 20,000 characters', () => {
  const id = idAt(0)
  const others = Array.from(
    { length: 60 },
    (_, number) => `c${number}=${randomBytes(240).toString('base64url')}`,
  )
  others.splice(30, 0, `rolecall-tx-${id}=v`)
  const text = others.join('; ')
  assert.ok(text.length > 19_000)
  assert.deepEqual([...local.read(text).transactions], [[id, 'v']])
})

test('of two with one name the first counts, as the more specific one', () => {
  const id = idAt(0)
  const read = local.read(`rolecall-tx-${id}=first; rolecall-tx-${id}=second`)
  assert.deepEqual([...read.transactions], [[id, 'first']])
})
