import assert from 'node:assert/strict'
import { test } from 'node:test'
import { deriveKeys } from '../../../src/sealing/derived-keys.ts'
import {
  beginTransaction,
  openTransaction,
  sealTransaction,
  type Transaction,
} from '../../../src/sign-in/transaction/transaction.ts'
import { sealingKey } from '../../support/handed-out.ts'

const keys = deriveKeys([sealingKey]).for('transaction')
const now = Date.parse('2026-03-01T12:00:00Z')

const client = {
  id: 'holmes',
  redirectUri: 'http://127.0.0.1:33418/callback',
  challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
  tokens: 'sealed',
} as const

const shapes: Readonly<
  Record<string, Pick<Transaction, 'resource' | 'client' | 'consent' | 'prompt' | 'claims'>>
> = {
  'of our own page': { resource: 'prod', consent: 'skipped' },
  'of a client without state': { resource: 'prod', client, consent: 'asked' },
  'with everything': {
    resource: 'a'.repeat(40),
    client: { ...client, state: 'ŽŠ漢字🧭\u0000"\\', tokens: 'passthrough' },
    consent: 'remembered',
    prompt: 'select_account',
  },
  'with an empty state': {
    resource: 'p',
    client: { ...client, state: '' },
    consent: 'clicked',
    prompt: 'none',
  },
  'that asks for claims': {
    resource: 'p',
    client: { ...client, state: 's' },
    consent: 'asked',
    claims: '{"access_token":{"acrs":{"value":"c1"}}}',
  },
  'that asks for claims, without state': {
    resource: 'p',
    client,
    consent: 'asked',
    claims: '{"access_token":{"acrs":null}}',
  },
  'to sign in anew': { resource: 'p', client, consent: 'skipped', prompt: 'login' },
}
for (const [what, of] of Object.entries(shapes)) {
  test(`a transaction ${what} comes out of its cookie as it was`, async () => {
    const transaction = beginTransaction(of, now)
    const sealed = await sealTransaction(transaction, keys)
    assert.deepEqual(await openTransaction(sealed, transaction.id, { keys, now }), transaction)
  })
}

test('ten with the ids of registrations and long enough states are below 4 KB', async () => {
  const id = `rc1.${'A'.repeat(64)}.${'B'.repeat(32)}`
  const of = {
    resource: 'prod',
    client: { ...client, id, state: 's'.repeat(22) },
    consent: 'asked',
  } as const
  const transaction = beginTransaction(of, now)
  const cookie = `rolecall-tx-${transaction.id}=${await sealTransaction(transaction, keys)}; `
  assert.ok(10 * cookie.length < 4_000, `${cookie.length}`)
})

test('under another name, altered or cut it is none', async () => {
  const transaction = beginTransaction({ resource: 'prod', client, consent: 'clicked' }, now)
  const other = beginTransaction({ resource: 'prod', client, consent: 'clicked' }, now)
  const sealed = await sealTransaction(transaction, keys)
  const opened = (text: string, id = transaction.id) => openTransaction(text, id, { keys, now })
  assert.equal(await opened(sealed, other.id), undefined)
  for (const text of [
    sealed.slice(0, -1),
    `${sealed}A`,
    `.${sealed}`,
    `a.b.${sealed}`,
    'x',
    '',
    '..',
  ]) {
    assert.equal(await opened(text), undefined, text)
  }
})
