import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ErrorAnswer } from '../../../src/oauth/error-answer.ts'
import { readTokenRequest } from '../../../src/sign-in/token/token-request.ts'

const verifier = 'a-code-verifier-that-is-long-enough-for-rfc-7636'
const redirectUri = 'https://platform.robusta.dev/oauth/callback.html'

type Fields = Readonly<Record<string, string | undefined>>

function form(fields: Fields): string {
  const entries = Object.entries(fields).filter(([, value]) => value !== undefined)
  return new URLSearchParams(entries as [string, string][]).toString()
}

const code = (change: Fields = {}) =>
  form({
    grant_type: 'authorization_code',
    code: 'the-code',
    redirect_uri: redirectUri,
    client_id: 'holmes',
    code_verifier: verifier,
    ...change,
  })
const refresh = (change: Fields = {}) =>
  form({ grant_type: 'refresh_token', refresh_token: 'r', client_id: 'holmes', ...change })

function refusal(body: string, authorization: readonly string[] = []): ErrorAnswer {
  try {
    readTokenRequest(body, authorization)
  } catch (error) {
    assert.ok(error instanceof ErrorAnswer, String(error))
    return error
  }
  return assert.fail('it was read')
}

function assertRefused(body: string, error: string, words: RegExp): void {
  const { status, error: code, message } = refusal(body)
  assert.deepEqual([status, code], [400, error], body)
  assert.match(message, words)
}

test('a code grant is read as it came', () => {
  assert.deepEqual(readTokenRequest(code({ resource: 'https://mcp.example/mcp' }), []), {
    client: { ids: ['holmes'], secrets: [], byHeader: false },
    grant: { type: 'authorization_code', code: 'the-code', redirectUri, codeVerifier: verifier },
    resources: ['https://mcp.example/mcp'],
  })
})

test('a refresh is read with an empty client_id, and without one', () => {
  const read = {
    client: { ids: [], secrets: [], byHeader: false },
    grant: { type: 'refresh_token', refreshToken: 'r' },
    resources: [],
  }
  assert.deepEqual(readTokenRequest(refresh({ client_id: '' }), []), read)
  assert.deepEqual(readTokenRequest(refresh({ client_id: undefined, resource: '' }), []), read)
})

test('the redirect URI may be left out of what is read: each mode judges it', () => {
  const { grant } = readTokenRequest(code({ redirect_uri: undefined }), [])
  assert.deepEqual(grant, { type: 'authorization_code', code: 'the-code', codeVerifier: verifier })
})

test('parameters that mean nothing here are ignored', () => {
  const plain = readTokenRequest(code(), [])
  const more = { scope: 'a b', state: 's', nonce: 'n', audience: 'x', __proto: '1', toString: 'x' }
  assert.deepEqual(readTokenRequest(code(more), []), plain)
})

const needed: Readonly<Record<string, readonly [string, string]>> = {
  grant_type: [code({ grant_type: undefined }), code({ grant_type: '' })],
  code: [code({ code: undefined }), code({ code: '' })],
  code_verifier: [code({ code_verifier: undefined }), code({ code_verifier: '' })],
  refresh_token: [refresh({ refresh_token: undefined }), refresh({ refresh_token: '' })],
}
for (const [name, bodies] of Object.entries(needed)) {
  test(`${name} missing or empty is invalid_request and named`, () => {
    for (const body of bodies) {
      assertRefused(body, 'invalid_request', new RegExp(`The parameter ${name} is missing`))
    }
  })
}

test('nothing at all is invalid_request', () => {
  for (const body of ['', '&', '&&=&', '=', '{"grant_type":"refresh_token"}', '\0', '%', '%00=%']) {
    assert.equal(refusal(body).error, 'invalid_request', body)
  }
})

test('a parameter that is there twice is invalid_request, whatever it is', () => {
  const names = ['grant_type', 'code', 'redirect_uri', 'client_id', 'code_verifier', 'x', 'state']
  for (const name of names) {
    const twice = `${code({ x: '1', state: 's' })}&${name}=other`
    assertRefused(twice, 'invalid_request', /there twice/)
    assertRefused(`${name}=&${code({ x: '1', state: 's' })}`, 'invalid_request', /there twice/)
  }
  assertRefused(`${refresh()}&refresh_token=r`, 'invalid_request', /there twice/)
  assertRefused(`${refresh()}&refresh%5Ftoken=r`, 'invalid_request', /there twice/)
})

test('every resource is read, in its order, and one without a value is none', () => {
  const one = 'resource=https%3A%2F%2Fmcp.example%2Fmcp'
  const read = 'https://mcp.example/mcp'
  for (const [more, values] of [
    [one, [read, read]],
    ['resource=', [read]],
    ['resource=x', [read, 'x']],
    ['resourc%65=x', [read, 'x']],
  ] as const) {
    assert.deepEqual(readTokenRequest(`${code()}&${one}&${more}`, []).resources, values, more)
  }
})

const grants = [
  'client_credentials',
  'password',
  'implicit',
  'device_code',
  'urn:ietf:params:oauth:grant-type:device_code',
  'urn:ietf:params:oauth:grant-type:jwt-bearer',
  'urn:ietf:params:oauth:grant-type:saml2-bearer',
  'urn:ietf:params:oauth:grant-type:token-exchange',
  'urn:openid:params:grant-type:ciba',
  'Authorization_Code',
  'authorization_code ',
  'REFRESH_TOKEN',
  'authorization_code refresh_token',
  'constructor',
  '__proto__',
]
for (const grant of grants) {
  test(`the grant ${grant} is unsupported_grant_type, with whatever beside it`, () => {
    const beside = { username: 'alice', password: 'x', assertion: 'x', device_code: 'x' }
    for (const body of [code({ grant_type: grant }), refresh({ grant_type: grant, ...beside })]) {
      assertRefused(body, 'unsupported_grant_type', /authorization_code or refresh_token/)
    }
  })
}

test('an access token in the form is invalid_request', () => {
  for (const body of [code({ access_token: 'x' }), refresh({ access_token: 'x' })]) {
    assertRefused(body, 'invalid_request', /access token has no place/)
  }
})

test('a verifier of 43 to 128 unreserved characters is read', () => {
  for (const text of ['a'.repeat(43), 'Z'.repeat(128), `${'0'.repeat(40)}-._~`]) {
    const { grant } = readTokenRequest(code({ code_verifier: text }), [])
    assert.equal(grant.type === 'authorization_code' && grant.codeVerifier, text)
  }
})

const badVerifiers = [
  'a'.repeat(42),
  'a'.repeat(129),
  'a'.repeat(60_000),
  `${'a'.repeat(43)} `,
  `${'a'.repeat(43)}\n`,
  `\0${'a'.repeat(43)}`,
  `${'a'.repeat(43)}+`,
  `${'a'.repeat(43)}/`,
  `${'a'.repeat(43)}=`,
  `${'a'.repeat(43)}é`,
  'undefined',
  'null',
]
test('any other verifier is invalid_request and is not repeated', () => {
  for (const text of badVerifiers) {
    const body = code({ code_verifier: text })
    assertRefused(body, 'invalid_request', /code_verifier is not 43 to 128/)
    assert.ok(!refusal(body).message.includes(text))
  }
})

test('Authorization counts, and a wrong one is told before the grant is read', () => {
  const { client } = readTokenRequest(code(), ['Basic aG9sbWVzOnNlY3JldA=='])
  assert.deepEqual(client, { ids: ['holmes'], secrets: ['secret'], byHeader: true })
  assert.equal(refusal(code({ code: undefined }), ['Bearer x']).error, 'invalid_client')
})

test('broken percent signs and bytes are read as text and harm nothing', () => {
  const { grant } = readTokenRequest('grant_type=refresh_token&refresh_token=%ff%zz%E2%82', [])
  assert.equal(grant.type, 'refresh_token')
})
