import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  type PresentedClient,
  readClient,
  secretFits,
} from '../../../src/sign-in/clients/client-credentials.ts'

const id = '401e5000-0000-4000-8000-00000000a991'

function basic(text: string | Buffer, scheme = 'Basic'): string {
  return `${scheme} ${Buffer.from(text).toString('base64')}`
}

function read(authorization: readonly string[], form: Record<string, string> = {}) {
  return readClient(authorization, new Map(Object.entries(form)))
}

/** What a client is refused with. */
function refusal(authorization: readonly string[], form: Record<string, string> = {}) {
  try {
    read(authorization, form)
  } catch (error) {
    assert.ok(error instanceof Error && 'status' in error && 'error' in error)
    const { status, error: code, message } = error
    return { status, code, message, headers: 'headers' in error ? error.headers : {} }
  }
  return assert.fail('it was read')
}

test('a client without Authorization is who the form says, or says nothing', () => {
  assert.deepEqual(read([]), { ids: [], secrets: [], byHeader: false })
  assert.deepEqual(read([], { client_id: id }), { ids: [id], secrets: [], byHeader: false })
  assert.deepEqual(read([], { client_id: id, client_secret: 's' }), {
    ids: [id],
    secrets: ['s'],
    byHeader: false,
  })
})

test('Basic may come with the id in the form too, as HolmesGPT sends it', () => {
  const client = read([basic(`${id}:s`)], { client_id: id })
  assert.deepEqual(client, { ids: [id], secrets: ['s'], byHeader: true })
})

const secrets: Readonly<Record<string, string>> = {
  'as it is (HolmesGPT)': basic('id:a+b/c%d~e f'),
  'form-encoded (RFC 6749)': basic(`id:${encodeURIComponent('a+b/c%d~e f')}`),
  'form-encoded with + for a space': basic('id:a%2Bb%2Fc%25d~e+f'),
}
for (const [how, header] of Object.entries(secrets)) {
  test(`a secret in Basic, ${how}, fits`, () => {
    assert.equal(secretFits(read([header]), 'a+b/c%d~e f'), 'fits')
    assert.equal(secretFits(read([header]), 'another'), 'wrong')
  })
}

test('the id in Basic is read both ways, and the form decides between them', () => {
  const encoded = basic('https%3A%2F%2Fapp.example:s')
  assert.deepEqual(read([encoded]).ids, ['https%3A%2F%2Fapp.example', 'https://app.example'])
  assert.deepEqual(read([encoded], { client_id: 'https://app.example' }).ids, [
    'https://app.example',
  ])
})

test('a secret may have colons, and letters beyond ASCII', () => {
  assert.equal(secretFits(read([basic('id:a:b:c')]), 'a:b:c'), 'fits')
  assert.equal(secretFits(read([basic('id:größe')]), 'größe'), 'fits')
})

test('an empty secret is none, so that a public client may use Basic', () => {
  const client = read([basic(`${id}:`)])
  assert.deepEqual(client, { ids: [id], secrets: [], byHeader: true })
  assert.equal(secretFits(client, 'secret'), 'none_shown')
})

test('the word Basic is taken in any case', () => {
  for (const scheme of ['basic', 'BASIC', 'Basic ']) {
    assert.deepEqual(read([basic('id:s', scheme)]).ids, ['id'], scheme)
  }
})

const garbage: Readonly<Record<string, string>> = {
  nothing: '',
  'the word alone': 'Basic',
  'a bearer token': 'Bearer abc.def.ghi',
  'a bearer token in Basic': 'Basic abc.def.ghi',
  'two credentials': `${basic('id:s')}, ${basic('id:s')}`,
  'characters that are not base64': 'Basic ***',
  base64url: 'Basic aWQ6c34_-_8',
  'base64 that goes on': `${basic('id:s')} x`,
  'padding in the middle': 'Basic aW==Q6cw',
  'no colon': basic('id'),
  'no id': basic(':s'),
  'a tab for the space': `Basic\t${Buffer.from('id:s').toString('base64')}`,
  Negotiate: 'Negotiate aWQ6cw==',
  Digest: 'Digest username="id", response="s"',
}
for (const [what, header] of Object.entries(garbage)) {
  test(`an Authorization of ${what} is 401 invalid_client and names Basic`, () => {
    const { status, code, headers } = refusal([header], { client_id: id })
    assert.deepEqual([status, code], [401, 'invalid_client'])
    assert.deepEqual(headers, { 'www-authenticate': 'Basic realm="rolecall"' })
  })
}

test('bytes that are not UTF-8 are read without harm and fit nothing', () => {
  const client = read([basic(Buffer.from([0x69, 0x64, 0x3a, 0xff, 0xfe]))])
  assert.equal(secretFits(client, 'secret'), 'wrong')
})

test('two Authorization headers are 400, also when they are the same', () => {
  const { status, code, message } = refusal([basic('id:s'), basic('id:s')])
  assert.deepEqual([status, code], [400, 'invalid_request'])
  assert.match(message, /more than one Authorization/)
})

test('a secret in the header and in the form at once is 400, also the same', () => {
  const { status, code, message } = refusal([basic('id:s')], { client_secret: 's' })
  assert.deepEqual([status, code], [400, 'invalid_request'])
  assert.match(message, /in the header and in the form/)
})

test('one id in the header and another in the form are 400', () => {
  const { status, code, message } = refusal([basic('id:s')], { client_id: 'other' })
  assert.deepEqual([status, code], [400, 'invalid_request'])
  assert.match(message, /another than that of the header/)
})

test('no refusal repeats what was sent', () => {
  const sent = [
    refusal([basic('the-id:the-secret', 'Bearer')]),
    refusal([basic('the-id:the-secret')], { client_secret: 'the-secret' }),
    refusal([basic('the-id:the-secret')], { client_id: 'the-other' }),
  ]
  for (const { message } of sent) assert.doesNotMatch(message, /the-(id|secret|other)/)
})

const shown = (...texts: readonly string[]): PresentedClient => {
  return { ids: ['id'], secrets: texts, byHeader: false }
}

test('a secret fits by its very text', () => {
  assert.equal(secretFits(shown('secret'), 'secret'), 'fits')
  for (const text of ['Secret', 'secret ', 'secre', 'secrets', '\0secret', 'sécret']) {
    assert.equal(secretFits(shown(text), 'secret'), 'wrong', text)
  }
})

test('a secret where there is none to compare with is wrong, and none shown is none', () => {
  assert.equal(secretFits(shown('secret'), undefined), 'wrong')
  assert.equal(secretFits(shown(''), undefined), 'wrong')
  assert.equal(secretFits(shown(), undefined), 'none_shown')
})
