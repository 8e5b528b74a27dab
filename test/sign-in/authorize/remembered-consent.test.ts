import assert from 'node:assert/strict'
import { test } from 'node:test'
import { deriveKeys } from '../../../src/sealing/derived-keys.ts'
import { seal } from '../../../src/sealing/sealed-value.ts'
import {
  type Consent,
  isRemembered,
  remember,
} from '../../../src/sign-in/authorize/remembered-consent.ts'
import { popupClientId } from '../../../src/sign-in/clients/popup-client.ts'

const keys = deriveKeys([]).for('consent')
const now = Date.parse('2026-03-01T12:00:00Z')
const day = 24 * 3_600_000
const consent: Consent = {
  client: 'holmes',
  redirectUri: 'https://app.contoso.test/cb',
  resource: 'https://mcp.contoso.test/mcp',
  tokens: 'sealed',
}

async function remembered(of: Consent = consent, sealed?: string, at = now): Promise<string> {
  const value = await remember(of, { sealed, keys, now: at })
  return value ?? assert.fail('it was not remembered')
}

test('a consent is remembered for 90 days to the millisecond', async () => {
  const sealed = await remembered()
  assert.equal(await isRemembered(consent, { sealed, keys, now: now + 90 * day - 1 }), true)
  assert.equal(await isRemembered(consent, { sealed, keys, now: now + 90 * day }), false)
})

test('a consent that is given again lasts 90 days from then', async () => {
  const sealed = await remembered(consent, await remembered(), now + 80 * day)
  assert.equal(await isRemembered(consent, { sealed, keys, now: now + 169 * day }), true)
})

test('a consent ends at its own time, though the cookie was written again since', async () => {
  const other = { ...consent, client: 'other' }
  const sealed = await remembered(other, await remembered(), now + 80 * day)
  assert.equal(await isRemembered(other, { sealed, keys, now: now + 91 * day }), true)
  assert.equal(await isRemembered(consent, { sealed, keys, now: now + 91 * day }), false)
})

test('it is one client at one address for one resource and one kind of token, and no way of putting these together', async () => {
  const allowed: Consent = {
    client: 'a',
    redirectUri: 'https://b',
    resource: 'c',
    tokens: 'sealed',
  }
  const sealed = await remembered(allowed)
  const others: readonly Partial<Consent>[] = [
    { client: 'A' },
    { redirectUri: 'https://b/' },
    { resource: 'd' },
    { client: 'a","https://b', redirectUri: '' },
    { client: 'ahttps://b', redirectUri: '' },
    { client: 'c', resource: 'a' },
    { tokens: 'passthrough' },
  ]
  for (const other of others) {
    const consent = { ...allowed, ...other }
    assert.equal(await isRemembered(consent, { sealed, keys, now }), false, JSON.stringify(other))
  }
})

test('only https addresses are remembered', async () => {
  for (const redirectUri of [
    'http://127.0.0.1:7777/callback',
    'http://localhost/callback',
    'cursor://anysphere.cursor-mcp/oauth/callback',
    'http://app.contoso.test/cb?https:',
    '',
  ]) {
    assert.equal(
      await remember({ ...consent, redirectUri }, { sealed: undefined, keys, now }),
      undefined,
    )
  }
})

test('of more than twelve the oldest go, so that the cookie fits', async () => {
  const of = (client: string): Consent => ({ ...consent, client })
  let sealed: string | undefined
  for (let i = 0; i < 40; i += 1) sealed = await remembered(of(`client-${i}`), sealed)
  assert.ok(sealed !== undefined && sealed.length < 2_000, String(sealed?.length))
  const known = async (client: string) => isRemembered(of(client), { sealed, keys, now })
  assert.deepEqual([await known('client-27'), await known('client-28')], [false, true])
  assert.equal(await known('client-39'), true)
})

test('what another key, purpose or hand made is no consent', async () => {
  const sealed = await remembered()
  const all = deriveKeys([Buffer.alloc(32, 1).toString('base64url')])
  const forged = [
    '',
    'x',
    sealed.slice(1),
    await seal([{ of: 'x', until: now + day }], all.for('consent')),
    await seal('text', keys),
    await seal([{ of: 1, until: 'x' }], keys),
    await seal(null, keys),
  ]
  for (const value of forged) {
    assert.equal(await isRemembered(consent, { sealed: value, keys, now }), false)
    assert.equal(
      await isRemembered(consent, { sealed: await remembered(consent, value), keys, now }),
      true,
    )
  }
})

test('in a popup the question is asked each time', async () => {
  const consent = {
    client: popupClientId('https://ui.contoso.test'),
    redirectUri: 'https://mcp.contoso.test/oauth/popup?origin=https%3A%2F%2Fui.contoso.test',
    resource: 'https://mcp.contoso.test/mcp',
    tokens: 'sealed' as const,
  }
  assert.equal(await remember(consent, { sealed: undefined, keys, now }), undefined)
})
