import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ErrorAnswer } from '../../../src/oauth/error-answer.ts'
import { deriveKeys } from '../../../src/sealing/derived-keys.ts'
import { shownName } from '../../../src/sign-in/clients/client-name.ts'
import { redirectUriRule } from '../../../src/sign-in/clients/redirect-uris.ts'
import { type RegistrationRules, register } from '../../../src/sign-in/clients/registration.ts'
import { openClientId } from '../../../src/sign-in/clients/registration-id.ts'
import { registrations } from '../../support/registrations.ts'

const publicUrl = 'https://mcp.example.com'
const issuer = publicUrl
const now = Date.parse('2026-11-25T12:00:00.789Z')
const key = () => deriveKeys([]).for('client id')
const keys = key()

function rules(redirectUris: readonly string[], change: Partial<RegistrationRules> = {}) {
  const allows = redirectUriRule(redirectUris, publicUrl)
  return { publicUrl, issuer, keys, allows, ...change }
}

function registered(metadata: unknown, redirectUris: readonly string[] = ['loopback']) {
  return register(JSON.stringify(metadata), rules(redirectUris), now)
}

const loopback = 'http://127.0.0.1:8090/callback'

function refusal(body: string, redirectUris: readonly string[] = ['loopback']) {
  let refused: ErrorAnswer | undefined
  assert.throws(
    () => register(body, rules(redirectUris), now),
    (error: ErrorAnswer) => {
      refused = error
      assert.equal(error.name, 'ErrorAnswer', String(error))
      assert.equal(error.status, 400)
      return true
    },
    body,
  )
  return refused
}

for (const { client, redirectUris, body, answeredAt } of registrations) {
  test(`${client} registers, as a public client, with an id of less than 255 plain characters`, () => {
    const allows = redirectUriRule(redirectUris, publicUrl)
    const answer = registered(body, redirectUris)
    assert.match(answer.client_id, /^[A-Za-z0-9._-]{1,254}$/)
    assert.equal(answer.client_id_issued_at, Math.floor(now / 1000))
    assert.equal(answer.token_endpoint_auth_method, 'none')
    assert.deepEqual(answer.grant_types, ['authorization_code', 'refresh_token'])
    assert.deepEqual(answer.response_types, ['code'])
    assert.equal(answer.client_name, body['client_name'])
    assert.deepEqual(
      answer.redirect_uris,
      (body['redirect_uris'] as readonly string[]).filter(allows),
    )
    assert.ok(!('client_secret' in answer))
    assert.ok(answeredAt.every(allows), 'the row of this test is wrong')
  })
}

test('a client that names everything which presets have gets a short id still', () => {
  const everything = registrations.flatMap(({ body }) => body['redirect_uris'] as string[])
  const presets = ['loopback', 'claude', 'vscode', 'cursor', 'chatgpt']
  const answer = registered({ redirect_uris: everything, client_name: 'x'.repeat(80) }, presets)
  assert.ok(answer.redirect_uris.length >= 18)
  assert.ok(answer.client_id.length < 600, String(answer.client_id.length))
})

test('the acceptable ones of several redirect URIs are kept, each once and in their order', () => {
  const { redirect_uris: kept } = registered({
    redirect_uris: [
      'javascript:alert(1)',
      'http://localhost:2/b',
      'https://evil.example/cb',
      'http://localhost:1/a',
      'http://localhost:2/b',
      7,
      null,
      ['http://localhost:3/c'],
    ],
  })
  assert.deepEqual(kept, ['http://localhost:2/b', 'http://localhost:1/a'])
})

test('Cursor without its preset keeps what loopback allows', () => {
  const cursor = registrations.find(({ client }) => client === 'Cursor')
  assert.deepEqual(registered(cursor?.body).redirect_uris, ['http://localhost:8787/callback'])
})

const hostileUris = [
  'javascript:alert(document.domain)',
  'JavaScript://%0aalert(1)',
  'javascript://localhost:8080/%0aalert(1)',
  'data:text/html,<script>alert(1)</script>',
  'data:text/html;base64,PHNjcmlwdD4=',
  'vbscript:msgbox',
  'file:///etc/passwd',
  'about:blank',
  'blob:https://claude.ai/1',
  'view-source:https://claude.ai/',
  'ws://localhost:8080/callback',
  'myapp://callback',
  'com.example.app:/callback',
  'urn:ietf:wg:oauth:2.0:oob',
  'http://*:8080/callback',
  'http://localhost:*/callback',
  'https://*.example.com/callback',
  '*',
  'http://localhost:8080/callback#',
  'http://localhost:8080/callback#fragment',
  'http://user@localhost:8080/callback',
  'http://user:pass@127.0.0.1:8080/callback',
  'http://localhost:8080@evil.example/callback',
  'http://localhost.evil.example/callback',
  'http://evil.example/callback',
  'https://evil.example/callback',
  'http://0.0.0.0:8080/callback',
  'http://127.1:8080/callback',
  'http://169.254.169.254/latest',
  'http://localhost:8080/../callback',
  'http://localhost:8080/%2e%2e/callback',
  'http://localhost:8080\\@evil.example/',
  'http://localhost:8080/callback\r\nSet-Cookie: a=b',
  'http://localhost:8080/callback\u0000',
  'http://localhost:8080/"><script>alert(1)</script>',
  ' http://localhost:8080/callback',
  `${publicUrl}/oauth/callback`,
  `${publicUrl}:443/`,
  'https://MCP.example.com/',
  '',
  'callback',
  `http://localhost:8080/${'a'.repeat(2000)}`,
]

test('with no acceptable redirect URI it is refused, with the setting that would help', () => {
  for (const uri of hostileUris) {
    const refused = refusal(JSON.stringify({ redirect_uris: [uri] }))
    assert.equal(refused?.error, 'invalid_redirect_uri', uri)
    assert.match(refused?.message ?? '', /sign_in\.redirect_uris/)
    assert.match(refused?.message ?? '', /^[\x20-\x7e]{1,400}$/, 'printable, short')
  }
})

test('our own origin is refused in every spelling, even where it is allowed by mistake', () => {
  const own = [`${publicUrl}/cb`, 'https://mcp.example.com:443/cb', 'https://MCP.EXAMPLE.COM/cb']
  for (const uri of own) refusal(JSON.stringify({ redirect_uris: [uri] }), [uri])
  const local = 'http://localhost:8080'
  const allows = redirectUriRule(['loopback'], local)
  const body = (port: number) => `{"redirect_uris":["http://127.0.0.1:${port}/cb"]}`
  assert.throws(() => register(body(8080), { ...rules([]), publicUrl: local, allows }, now))
  assert.ok(register(body(8081), { ...rules([]), publicUrl: local, allows }, now))
})

test('the refusal names the preset that the first redirect URI is in', () => {
  const refused = refusal('{"redirect_uris":["https://claude.ai/api/mcp/auth_callback"]}')
  assert.match(refused?.message ?? '', /the preset "claude" has this one/)
  const unknown = refusal('{"redirect_uris":["https://app.contoso.test/cb"]}')
  assert.doesNotMatch(unknown?.message ?? '', /preset/)
})

test('redirect_uris must be a list with a text in it', () => {
  for (const uris of [undefined, null, [], {}, 7, loopback, [7], [null], [[]], [{}]]) {
    const refused = refusal(JSON.stringify({ redirect_uris: uris, client_name: 'x' }))
    assert.equal(refused?.error, 'invalid_redirect_uri', JSON.stringify(uris))
    assert.match(refused?.message ?? '', /must be a list/)
  }
})

test('a body that is no JSON object is refused', () => {
  const bodies = [
    '',
    ' ',
    'null',
    '7',
    '"x"',
    'true',
    '[]',
    `[{"redirect_uris":["${loopback}"]}]`,
    '{',
    `{"redirect_uris":["${loopback}"]}x`,
    `{"redirect_uris":["${loopback}"],}`,
    `redirect_uris=${loopback}`,
    '<xml/>',
    '\uFEFF{}',
    '['.repeat(8_000),
    '[]'.repeat(8_000),
  ]
  for (const body of bodies) assert.equal(refusal(body)?.error, 'invalid_client_metadata', body)
})

test('deep, strange and hostile members are ignored', () => {
  const deep = `${'{"a":'.repeat(2_500)}1${'}'.repeat(2_500)}`
  const body = `{"redirect_uris":["${loopback}"],"x":${deep},"__proto__":{"redirect_uris":[]},"constructor":1,"client_id":"holmes","client_secret":"mine","client_id_issued_at":1,"skip_consent":true,"toString":null}`
  const answer = register(body, rules(['loopback']), now)
  assert.deepEqual(Object.keys(answer).sort(), [
    'client_id',
    'client_id_issued_at',
    'grant_types',
    'redirect_uris',
    'response_types',
    'token_endpoint_auth_method',
  ])
  assert.notEqual(answer.client_id, 'holmes')
})

test('whatever kind of client authentication is asked for, the answer is none', () => {
  const methods = [
    'client_secret_basic',
    'client_secret_post',
    'private_key_jwt',
    'tls_client_auth',
  ]
  for (const method of [...methods, 'x', '', 7, null, undefined]) {
    const answer = registered({ redirect_uris: [loopback], token_endpoint_auth_method: method })
    assert.equal(answer.token_endpoint_auth_method, 'none')
    assert.ok(!Object.keys(answer).some((name) => name.includes('secret')))
  }
})

test('what grants and scope are asked for is ours to say', () => {
  const grants = [undefined, [], ['authorization_code'], ['client_credentials'], 'x', null]
  for (const grant of grants) {
    const answer = registered({ redirect_uris: [loopback], grant_types: grant, scope: grant })
    assert.deepEqual(answer.grant_types, ['authorization_code', 'refresh_token'])
  }
})

test('redirect URIs that are too long together are refused', () => {
  const long = (count: number) =>
    Array.from({ length: count }, (_, index) => {
      const noise = deriveKeys([]).for('client id')[0].toString('hex')
      return `http://localhost:${1000 + index}/${noise}`
    })
  assert.equal(registered({ redirect_uris: long(8) }).redirect_uris.length, 8)
  assert.match(
    refusal(JSON.stringify({ redirect_uris: long(40) }))?.message ?? '',
    /register fewer/,
  )
})

test('16 KiB of redirect URIs are judged within a moment', () => {
  const body = JSON.stringify({
    redirect_uris: Array.from({ length: 600 }, () => 'https://a.b/cd'),
  })
  const began = performance.now()
  refusal(body)
  assert.ok(performance.now() - began < 500)
})

test('an id brings back the registration, unless it was altered, is of another issuer or of other keys', () => {
  const answer = registered({ redirect_uris: [loopback], client_name: 'Zoë’s client' })
  const { client_id: id } = answer
  assert.deepEqual(openClientId(id, { issuer, keys }), {
    issuedAt: Math.floor(now / 1000),
    redirectUris: [loopback],
    name: 'Zoë’s client',
  })
  assert.equal(openClientId(id, { issuer: `${publicUrl}/oauth/stage`, keys }), undefined)
  assert.equal(openClientId(id, { issuer, keys: key() }), undefined)
  assert.equal(
    openClientId(id, { issuer, keys: deriveKeys([]).for('transaction') }),
    undefined,
    'another purpose',
  )
})

test('no id with one character changed, added or left out is one of ours', () => {
  const { client_id: id } = registered({ redirect_uris: [loopback], client_name: 'x' })
  const scope = { issuer, keys }
  assert.ok(openClientId(id, scope))
  for (let at = 0; at < id.length; at += 1) {
    for (const other of ['A', 'B', '-', '_', '.', '=', '', `${id[at]}A`, ' ', '\n', 'é']) {
      const altered = id.slice(0, at) + other + id.slice(at + 1)
      if (altered !== id) assert.equal(openClientId(altered, scope), undefined, altered)
    }
  }
  for (const text of [
    '',
    'rc1',
    'rc1..',
    `rc1..${'A'.repeat(32)}`,
    `${id}=`,
    `${id}\n`,
    ` ${id}`,
  ]) {
    assert.equal(openClientId(text, scope), undefined, text)
  }
  assert.equal(openClientId(`rc1.${'A'.repeat(1_000_000)}.${'A'.repeat(32)}`, scope), undefined)
})

test('an id that an older sealing key signed is still good; new ones are signed with the newest', () => {
  const [older, newer] = [key(), key()]
  const both = [newer[0], older[0]] as const
  const body = JSON.stringify({ redirect_uris: [loopback] })
  const before = register(body, rules(['loopback'], { keys: older }), now).client_id
  const after = register(body, rules(['loopback'], { keys: both }), now).client_id
  assert.ok(openClientId(before, { issuer, keys: both }))
  assert.ok(openClientId(after, { issuer, keys: newer }))
  assert.equal(openClientId(after, { issuer, keys: older }), undefined)
})

const names: Readonly<Record<string, readonly [unknown, string | undefined]>> = {
  'a plain name': ['Claude Code', 'Claude Code'],
  'letters of any script': ['Клод 克劳德 كلود कर्सर', 'Клод 克劳德 كلود कर्सर'],
  'accents, written either way': ['Zoe\u0308', 'Zoë'],
  'an emoji, but for its joiners': ['👩\u200d💻 dev', '👩💻 dev'],
  'control characters': ['a\u0000\u0007\u001b[31mb', 'a[31mb'],
  'lines and tabs': [' a\r\nb\tc\u2028d\u2029e ', 'a b c d e'],
  'text that turns around': ['abc\u202edcba\u2066\u2069\u200f', 'abcdcba'],
  'what cannot be seen': ['a\u200b\u2060\u00ad\ufeff\u3164\u115f\u2800b\u{e0041}', 'ab'],
  'variation selectors and a heap of marks': ['x\ufe0f\u0301\u0301\u0301\u0301', 'x\u0301\u0301'],
  'private use and unpaired surrogates': ['a\ue000\ud800b\udfff', 'ab'],
  'nothing but white space': ['  \u3000\n', undefined],
  'nothing but what cannot be seen': ['\u200b\u3164', undefined],
  'nothing but marks': ['\u0301\u0301', undefined],
  'no text': [7, undefined],
  'nothing at all': [undefined, undefined],
  'markup, which the page must escape': ['<b>"x"</b>', '<b>"x"</b>'],
}

for (const [what, [value, shown]] of Object.entries(names)) {
  test(`a client's name: ${what}`, () => {
    assert.equal(shownName(value), shown)
  })
}

test("a client's name is cut between characters, at 80 of them and 120 bytes", () => {
  assert.equal(shownName('x'.repeat(1_000_000)), 'x'.repeat(80))
  assert.equal(shownName(`${'x'.repeat(79)} y`), 'x'.repeat(79))
  assert.equal(shownName('克'.repeat(80)), '克'.repeat(40))
  assert.equal(shownName('💻'.repeat(80)), '💻'.repeat(30))
})

test('a name alone cannot make an id long', () => {
  for (const name of ['x', '克', '💻', '\u0301a', 'é']) {
    const noise = Array.from({ length: 80 }, (_, index) =>
      String.fromCodePoint((name.codePointAt(0) ?? 0) + index * 7),
    )
    const answer = registered({ redirect_uris: [loopback], client_name: noise.join('') })
    assert.ok(answer.client_id.length < 255, String(answer.client_id.length))
  }
})
