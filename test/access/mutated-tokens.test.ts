import assert from 'node:assert/strict'
import { test } from 'node:test'
import { authenticate, exactToken } from '../../src/access/authenticate.ts'
import { refuseSigned } from '../../src/access/checks/checks.ts'
import { refusalResponse } from '../../src/access/refusal-response.ts'
import { readJwt } from '../../src/oauth/jwt.ts'
import {
  entraClaims,
  entraHeader,
  entraPolicy,
  type Members,
  now,
  oidcClaims,
  oidcPolicy,
  signedToken,
  TrueVerifier,
} from './judged-tokens.ts'

/** mulberry32: the same numbers on every run. */
function numbers(start: number): (below: number) => number {
  let state = start
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below)
  }
}

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
const strange = [...alphabet, '.', '=', '+', '/', ' ', '\t', '\n', '\0', 'é', '%', '"']

const changes: readonly ((token: string, random: (below: number) => number) => string)[] = [
  (token, random) => replaceAt(token, random(token.length), alphabet[random(64)] ?? 'A'),
  (token, random) => replaceAt(token, token.length - 1 - random(4), alphabet[random(64)] ?? 'A'),
  (token, random) => insertAt(token, random(token.length + 1), strange[random(75)] ?? '='),
  (token, random) => token.slice(0, random(token.length)),
  (token, random) => cutAt(token, random(token.length)),
  (token, random) => swapAt(token, random(token.length - 1)),
  (token, random) => withBit(token, random(3), random),
  (token, random) => shuffledParts(token, random),
]

function replaceAt(text: string, at: number, by: string): string {
  return text.slice(0, at) + by + text.slice(at + 1)
}

function insertAt(text: string, at: number, what: string): string {
  return text.slice(0, at) + what + text.slice(at)
}

function cutAt(text: string, at: number): string {
  return text.slice(0, at) + text.slice(at + 1)
}

function swapAt(text: string, at: number): string {
  return text.slice(0, at) + (text[at + 1] ?? '') + (text[at] ?? '') + text.slice(at + 2)
}

/** Flips one bit of one decoded part and encodes it canonically again. */
function withBit(token: string, part: number, random: (below: number) => number): string {
  const parts = token.split('.')
  const bytes = Buffer.from(parts[part] ?? '', 'base64url')
  const at = random(bytes.length)
  bytes[at] = (bytes[at] ?? 0) ^ (1 << random(8))
  parts[part] = bytes.toString('base64url')
  return parts.join('.')
}

function shuffledParts(token: string, random: (below: number) => number): string {
  const parts = token.split('.')
  return Array.from({ length: 1 + random(5) }, () => parts[random(3)]).join('.')
}

test('of 20,000 altered tokens none is accepted, and every answer is a 400 or 401', async () => {
  const random = numbers(20_261_123)
  const good = signedToken(entraHeader, entraClaims)
  const access = { verifier: new TrueVerifier(), policy: entraPolicy() }
  const untouched = await authenticate([`Bearer ${good}`], access, () => now)
  assert.equal(untouched.kind, 'principal')
  const reasons = new Map<string, number>()
  let tried = 0
  while (tried < 20_000) {
    const change = changes[random(changes.length)]
    const token = change?.(good, random) ?? good
    // White space around a token is the header's, not the token's.
    if (token.trim() === good) continue
    tried += 1
    const verdict = await authenticate([`Bearer ${token}`], access, () => now)
    assert.ok(verdict.kind === 'refused', token)
    assert.match(String(refusalResponse(verdict.refusal).status), /^40[01]$/)
    reasons.set(verdict.refusal.reason, (reasons.get(verdict.refusal.reason) ?? 0) + 1)
  }
  for (const reason of ['not_a_jwt', 'bad_signature', 'unknown_key', 'malformed_authorization']) {
    assert.ok((reasons.get(reason) ?? 0) > 0, `no altered token was refused as ${reason}`)
  }
  assert.equal(access.verifier.remembered.size, 1)
})

const second = now / 1000
const odd: readonly unknown[] = [
  null,
  true,
  false,
  0,
  -1,
  1e308,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  '',
  ' ',
  '*',
  'null',
  'undefined',
  '__proto__',
  'constructor',
  String(second + 3600),
  now + 3_600_000,
  [],
  [null],
  [[]],
  {},
  { length: 1, 0: 'x' },
  'x'.repeat(10_000),
  '\u0000\r\n\u2028\u001b',
]

/** Members whose every other value must be refused, and those whose absence must be, too. */
const essential: readonly (readonly [string, Members, ReturnType<typeof entraPolicy>, string[]])[] =
  [
    [
      'Entra',
      entraClaims,
      entraPolicy(),
      ['aud', 'iss', 'exp', 'appid', 'sub', 'scp', 'tid', 'oid'],
    ],
    ['OIDC', oidcClaims, oidcPolicy(), ['aud', 'iss', 'exp', 'azp', 'sub']],
  ]

/** Odd values that are nevertheless right for a claim. */
function isRight(name: string, value: unknown): boolean {
  const isName = typeof value === 'string' && value !== ''
  if (name === 'sub' || name === 'oid') return isName
  return name === 'scp' && isName && value.trim() !== ''
}

for (const [kind, claims, policy, names] of essential) {
  test(`${kind}: an odd value or none in a claim that counts is refused`, () => {
    for (const name of names) {
      for (const value of odd) {
        const jwt = readJwt(signedToken(entraHeader, { ...claims, [name]: value }))
        assert.ok(jwt)
        // Not every number survives JSON; what does not is tested as null.
        const sent = jwt.claims[name]
        const refusal = refuseSigned(jwt, policy, now)
        const rule = `${name}: ${JSON.stringify(sent)?.slice(0, 60)}`
        if (isRight(name, sent)) assert.equal(refusal, undefined, rule)
        else assert.ok(refusal, rule)
      }
    }
  })
}

test('of 20,000 hostile claim sets with a right signature none crashes a check or passes by halves', () => {
  const random = numbers(7)
  const marks = [
    'cnf',
    'at_hash',
    'typ',
    'idtyp',
    'gty',
    'events',
    'roles',
    'groups',
    '_claim_names',
  ]
  let accepted = 0
  for (let tried = 0; tried < 20_000; tried += 1) {
    const [, claims, policy] = essential[random(2)] ?? assert.fail()
    const mutated: Record<string, unknown> = { ...claims }
    const names = [...Object.keys(claims), ...marks]
    for (let count = 1 + random(3); count > 0; count -= 1) {
      mutated[names[random(names.length)] ?? 'aud'] = odd[random(odd.length)]
    }
    const jwt = { compact: 'a.b.c', header: entraHeader, claims: mutated }
    const refusal = refuseSigned(jwt, policy, now)
    if (refusal) {
      assert.match(refusalResponse(refusal).description, /^[\x20-\x7e]+\.$/)
      continue
    }
    accepted += 1
    for (const name of ['iss', 'aud', 'exp', 'appid', 'azp', 'tid']) {
      assert.deepEqual(mutated[name], claims[name], `${name} was changed and accepted`)
    }
    assert.equal('cnf' in mutated || 'at_hash' in mutated, false)
  }
  assert.ok(accepted > 0)
})

test('the token that goes on is the text that came, with its case and every character', async () => {
  const good = signedToken(entraHeader, entraClaims)
  const access = { verifier: new TrueVerifier(), policy: entraPolicy() }
  for (let turn = 0; turn < 2; turn += 1) {
    const verdict = await authenticate([`BEARER  ${good}`], access, () => now)
    assert.ok(verdict.kind === 'principal')
    assert.equal(exactToken(verdict.principal), good)
  }
})
