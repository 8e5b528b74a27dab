import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ErrorAnswer } from '../../../src/oauth/error-answer.ts'
import { deriveKeys, type KeyRing } from '../../../src/sealing/derived-keys.ts'
import { seal } from '../../../src/sealing/sealed-value.ts'
import {
  beginSession,
  openRefreshToken,
  type SignInSession,
} from '../../../src/sign-in/sealed/refresh-token.ts'
import {
  checkSessionLimits,
  providerTokenOf,
  sessionEnd,
} from '../../../src/sign-in/token/session-checks.ts'

const older = Buffer.alloc(32, 1).toString('base64url')
const newer = Buffer.alloc(32, 2).toString('base64url')
const keys = deriveKeys([older]).for('refresh token')
const began = Date.parse('2026-03-01T12:00:00Z')

const settings = { session_lifetime: 8 * 3_600_000, tokens: 'sealed' } as const

const session: SignInSession = {
  ...beginSession(
    {
      client: 'holmes',
      bound: { audiences: ['6dae42f8-4368-4678-94ff-3960e28e3630'] },
      user: 'alice',
      userName: 'alice',
      began,
    },
    settings,
  ),
  provider: '1.the-token-of-the-provider',
}

async function refusalOf(opening: Promise<unknown>): Promise<ErrorAnswer> {
  return opening.then(
    () => assert.fail('it was opened'),
    (error: unknown) => (error instanceof ErrorAnswer ? error : assert.fail(String(error))),
  )
}

async function assertUnknown(token: string, ring: KeyRing = keys): Promise<void> {
  const { status, error, reason } = await refusalOf(openRefreshToken(token, ring))
  assert.deepEqual([status, error, reason], [400, 'invalid_grant', 'refresh_token_unknown'])
}

test('every session and every token of it has a name of its own', () => {
  const again = beginSession(session, settings)
  assert.notEqual(again.id, session.id)
  assert.notEqual(again.family, session.family)
})

test('what is sealed opens as it was, and shows nothing to anybody else', async () => {
  const token = await seal(session, keys)
  assert.deepEqual(await openRefreshToken(token, keys), session)
  const parts = token.split('.').map((part) => Buffer.from(part, 'base64url').toString('latin1'))
  for (const secret of ['alice', 'the-token-of-the-provider', 'holmes', session.id]) {
    assert.ok(!parts.join().includes(secret) && !token.includes(secret), secret)
  }
})

test('a newer sealing key in front leaves the sessions of the older one as they are', async () => {
  const token = await seal(session, keys)
  const both = deriveKeys([newer, older]).for('refresh token')
  assert.deepEqual(await openRefreshToken(token, both), session)
  await assertUnknown(token, deriveKeys([newer]).for('refresh token'))
  await assertUnknown(await seal(session, both))
})

test('an altered refresh token is invalid_grant, whichever character it is', async () => {
  const token = await seal(session, keys)
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  for (let at = 0; at < token.length; at += 1) {
    const other = alphabet[(alphabet.indexOf(token[at] ?? '') + 1) % 64] ?? 'A'
    await assertUnknown(token.slice(0, at) + other + token.slice(at + 1))
  }
})

test('a refresh token that was cut, made longer or put together from two is invalid_grant', async () => {
  const [one, two] = [await seal(session, keys), await seal({ ...session, id: 'x' }, keys)]
  const mixed = (at: number) =>
    one.split('.').map((part, i) => (i === at ? two.split('.')[i] : part))
  const altered = [
    one.slice(0, -1),
    one.slice(1),
    `${one}A`,
    `${one}=`,
    `${one}.`,
    `${one} `,
    ` ${one}`,
    `${one}\n`,
    `${one}${one}`,
    `${one}.${two}`,
    one.replaceAll('.', '%2e'),
    one.toUpperCase(),
    one.replaceAll('-', '+').replaceAll('_', '/'),
    mixed(2).join('.'),
    mixed(3).join('.'),
    mixed(4).join('.'),
  ].filter((token) => token !== one)
  for (const token of altered) await assertUnknown(token)
})

test('garbage of every kind is invalid_grant', async () => {
  const garbage = [
    '',
    'x',
    '....',
    'a..b.c.d',
    '1.AVYAx-a-refresh-token-of-entra',
    'null',
    '{}',
    'a'.repeat(60_000),
    `${'a'.repeat(20_000)}..${'a'.repeat(16)}.${'a'.repeat(20_000)}.${'a'.repeat(22)}`,
    'eyJhbGciOiJub25lIn0..AAAAAAAAAAAAAAAA.AAAA.AAAAAAAAAAAAAAAAAAAAAA',
    'eyJhbGciOiJub25lIn0.e30.',
    '\0',
    'é'.repeat(100),
  ]
  for (const token of garbage) await assertUnknown(token)
})

test('a value sealed for another purpose, or another thing sealed for this, is invalid_grant', async () => {
  await assertUnknown(await seal(session, deriveKeys([older]).for('mcp session id')))
  const { client: _, ...withoutClient } = session
  const others: readonly unknown[] = [
    null,
    'text',
    7,
    [],
    {},
    withoutClient,
    { ...session, id: 1 },
    { ...session, began: '2026-03-01T12:00:00Z' },
    { ...session, began: null },
    { ...session, bound: 'aud' },
    { ...session, bound: {} },
    { ...session, bound: { audiences: ['a'], resource: 'prod' } },
  ]
  for (const value of others) await assertUnknown(await seal(value, keys))
})

test('a session ends to the millisecond, and names the setting', () => {
  const limits = { session_lifetime: 3_600_000 }
  assert.equal(sessionEnd(session, limits), began + 3_600_000)
  checkSessionLimits(session, limits, began + 3_599_999)
  checkSessionLimits(session, limits, began - 60_000)
  assert.throws(
    () => checkSessionLimits(session, limits, began + 3_600_000),
    (error) =>
      error instanceof ErrorAnswer &&
      error.error === 'invalid_grant' &&
      error.message.includes('sign_in.session_lifetime'),
  )
})

test('sessions that began before sessions_valid_after are over, those that began then are not', () => {
  const limits = { session_lifetime: 86_400_000, sessions_valid_after: began }
  checkSessionLimits(session, limits, began + 1)
  assert.throws(
    () => checkSessionLimits(session, { ...limits, sessions_valid_after: began + 1 }, began + 1),
    (error) => error instanceof ErrorAnswer && error.reason === 'session_ended',
  )
})

test('without a refresh token of the provider a session cannot go on, and is told why', () => {
  assert.equal(providerTokenOf(session), '1.the-token-of-the-provider')
  assert.throws(
    () => providerTokenOf({ ...session, provider: undefined }),
    (error) => error instanceof ErrorAnswer && error.message.includes('offline_access'),
  )
})
