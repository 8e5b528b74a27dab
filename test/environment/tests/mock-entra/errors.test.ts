import assert from 'node:assert/strict'
import { request as rawRequest } from 'node:http'
import { after, before, test } from 'node:test'
import { firstKeys } from '../../../support/first-keys.ts'
import { holmes, ownApi, publicClient } from '../../mock-entra/directory.ts'
import type { ErrorCode } from '../../mock-entra/errors.ts'
import { type MockEntra, startMockEntra } from '../../mock-entra/mock-entra.ts'
import {
  aksScope,
  answered,
  authorize,
  type Change,
  codeForm,
  getCode,
  json,
  refreshForm,
  token,
} from './code-flow.ts'

let mock: MockEntra
before(async () => {
  mock = await startMockEntra({ firstKeys: await firstKeys() })
})
after(() => mock.close())

interface TokenCase {
  readonly when: string
  readonly grant: 'code' | 'refresh' | 'app'
  readonly change?: Change
  readonly authorize?: Change
  readonly headers?: Record<string, string>
  readonly code: number
  readonly error: string
  readonly status?: number
}

const spa = 'https://spa.contoso.test/callback'
const tokenCases: readonly TokenCase[] = [
  {
    when: 'without a grant type',
    grant: 'code',
    change: { grant_type: undefined },
    code: 900144,
    error: 'invalid_request',
  },
  {
    when: 'with a grant type that is unknown',
    grant: 'code',
    change: { grant_type: 'password' },
    code: 70003,
    error: 'unsupported_grant_type',
  },
  {
    when: 'without a client',
    grant: 'code',
    change: { client_id: undefined },
    code: 900144,
    error: 'invalid_request',
  },
  {
    when: 'of a client that is unknown',
    grant: 'code',
    change: { client_id: 'nobody' },
    code: 700016,
    error: 'unauthorized_client',
  },
  {
    when: 'with a wrong secret',
    grant: 'code',
    change: { client_secret: 'wrong' },
    code: 7000215,
    error: 'invalid_client',
    status: 401,
  },
  {
    when: 'without the secret',
    grant: 'code',
    change: { client_secret: undefined },
    code: 7000218,
    error: 'invalid_client',
    status: 401,
  },
  {
    when: 'with a secret of a public client',
    grant: 'code',
    change: { client_id: publicClient.client_id },
    code: 700025,
    error: 'invalid_client',
    status: 401,
  },
  {
    when: 'of another client',
    grant: 'code',
    change: { client_id: publicClient.client_id, client_secret: undefined },
    code: 70000,
    error: 'invalid_grant',
  },
  {
    when: "with a code that is nobody's",
    grant: 'code',
    change: { code: 'made-up' },
    code: 9002313,
    error: 'invalid_request',
  },
  {
    when: 'with another verifier',
    grant: 'code',
    change: { code_verifier: 'x'.repeat(43) },
    code: 501481,
    error: 'invalid_grant',
  },
  {
    when: 'without the verifier',
    grant: 'code',
    change: { code_verifier: undefined },
    code: 501481,
    error: 'invalid_grant',
  },
  {
    when: 'with a verifier that no challenge is for',
    grant: 'code',
    authorize: { code_challenge: undefined, code_challenge_method: undefined },
    code: 501481,
    error: 'invalid_grant',
  },
  {
    when: 'with another redirect address',
    grant: 'code',
    change: { redirect_uri: 'http://localhost:1/oauth/callback' },
    code: 500112,
    error: 'invalid_grant',
  },
  {
    when: 'with a resource parameter',
    grant: 'code',
    change: { resource: 'https://mcp.example.com/mcp' },
    code: 9010010,
    error: 'invalid_target',
  },
  {
    when: 'with .default beside a permission',
    grant: 'code',
    change: { scope: `${ownApi.id}/.default api://rolecall/mcp.access` },
    code: 70011,
    error: 'invalid_scope',
  },
  {
    when: 'for a resource that is unknown',
    grant: 'code',
    change: { scope: 'api://unknown/.default' },
    code: 500011,
    error: 'invalid_resource',
  },
  {
    when: 'for a permission that the resource lacks',
    grant: 'code',
    change: { scope: 'api://rolecall/other' },
    code: 650053,
    error: 'invalid_client',
  },
  {
    when: 'for a bare scope that Graph lacks',
    grant: 'code',
    change: { scope: 'mcp' },
    code: 650053,
    error: 'invalid_client',
  },
  {
    when: 'with an Origin',
    grant: 'code',
    headers: { origin: 'https://app.example.com' },
    code: 9002326,
    error: 'invalid_request',
  },
  {
    when: 'of a single-page app from a server',
    grant: 'code',
    authorize: { redirect_uri: spa },
    change: { redirect_uri: spa },
    code: 9002327,
    error: 'invalid_request',
  },
  {
    when: 'of a single-page app without PKCE',
    grant: 'code',
    authorize: { redirect_uri: spa, code_challenge: undefined, code_challenge_method: undefined },
    change: { redirect_uri: spa, code_verifier: undefined },
    headers: { origin: 'https://spa.contoso.test' },
    code: 9002325,
    error: 'invalid_request',
  },
  {
    when: "with a refresh token that is nobody's",
    grant: 'refresh',
    change: { refresh_token: 'made-up' },
    code: 9002313,
    error: 'invalid_request',
  },
  {
    when: 'that refreshes with the scope of the last answer',
    grant: 'refresh',
    change: {
      scope:
        '6dae42f8-4368-4678-94ff-3960e28e3630/user.read 6dae42f8-4368-4678-94ff-3960e28e3630/.default',
    },
    code: 70011,
    error: 'invalid_scope',
  },
  {
    when: 'that refreshes with a resource parameter',
    grant: 'refresh',
    change: { resource: 'https://mcp.example.com/mcp' },
    code: 9010010,
    error: 'invalid_target',
  },
  {
    when: 'for an app without .default',
    grant: 'app',
    change: { scope: 'api://rolecall/mcp.access' },
    code: 1002012,
    error: 'invalid_scope',
  },
  {
    when: 'for an app without a scope',
    grant: 'app',
    change: { scope: undefined },
    code: 900144,
    error: 'invalid_request',
  },
]

const forms = {
  code: (change?: Change) => codeForm(mock, change),
  refresh: () => refreshForm(mock),
  app: async () => ({
    grant_type: 'client_credentials',
    client_id: holmes.client_id,
    client_secret: holmes.client_secret,
    scope: 'api://rolecall/.default',
  }),
}

for (const row of tokenCases) {
  test(`a token request ${row.when} is AADSTS${row.code}`, async () => {
    const form = { ...(await forms[row.grant](row.authorize)), ...row.change }
    const response = await token(mock, form, row.headers)
    const body = await json(response)
    assert.deepEqual(body['error_codes'], [row.code])
    assert.equal(body['error'], row.error)
    assert.equal(response.status, row.status ?? 400)
  })
}

test('every form that the table changes is answered with a token when unchanged', async () => {
  for (const make of Object.values(forms)) {
    assert.equal((await token(mock, await make())).status, 200)
  }
})

test('an error has the members and the text of Entra', async () => {
  const response = await token(mock, {})
  const body = await json(response)
  assert.match(
    String(body['error_description']),
    /^AADSTS900144: The request body .* Trace ID: \S+ Correlation ID: \S+ Timestamp: .*Z$/,
  )
  assert.match(String(body['timestamp']), /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ$/)
  assert.equal(body['error_uri'], `${mock.origin}/error?code=900144`)
  assert.ok(body['trace_id'] && body['correlation_id'])
  assert.equal(response.headers.get('x-ms-clitelem'), '1,900144,0,,')
})

test('a code is good once', async () => {
  const form = await codeForm(mock)
  assert.equal((await token(mock, form)).status, 200)
  assert.deepEqual((await json(await token(mock, form)))['error_codes'], [54005])
})

test('a redemption that fails leaves the code as it was', async () => {
  const form = await codeForm(mock)
  assert.equal((await token(mock, { ...form, code_verifier: 'x'.repeat(43) })).status, 400)
  assert.equal((await token(mock, form)).status, 200)
})

const later: readonly { when: string; form: () => Promise<Change>; days: number; code: number }[] =
  [
    { when: 'a code after ten minutes', form: () => codeForm(mock), days: 0.01, code: 70008 },
    {
      when: 'a refresh token after 90 days',
      form: () => refreshForm(mock),
      days: 90.1,
      code: 700082,
    },
  ]
for (const { when, form, days, code } of later) {
  test(`${when} is AADSTS${code}`, async (t) => {
    const request = await form()
    mock.skew(days * 24 * 60 * 60 * 1000)
    t.after(() => mock.skew(0))
    assert.deepEqual((await json(await token(mock, request)))['error_codes'], [code])
  })
}

test('a refresh token is AADSTS50173 once its person is revoked, and a new sign-in is good', async () => {
  const form = await refreshForm(mock)
  mock.revoke('alice')
  const body = await json(await token(mock, form))
  assert.deepEqual([body['error'], body['error_codes']], ['invalid_grant', [50173]])
  assert.equal((await token(mock, await refreshForm(mock))).status, 200)
})

const ordered: readonly { code: ErrorCode; error: string; suberror?: string; claims?: boolean }[] =
  [
    { code: 50076, error: 'interaction_required', suberror: 'basic_action', claims: true },
    { code: 53003, error: 'interaction_required', suberror: 'message_only', claims: true },
    { code: 65001, error: 'invalid_grant', suberror: 'consent_required' },
    { code: 50105, error: 'invalid_grant' },
  ]
for (const { code, error, suberror, claims } of ordered) {
  test(`AADSTS${code} is answered once when it is ordered`, async () => {
    const form = await refreshForm(mock)
    mock.fail({ at: 'refresh', code, person: 'alice' })
    const body = await json(await token(mock, form))
    assert.deepEqual(
      [body['error_codes'], body['error'], body['suberror']],
      [[code], error, suberror],
    )
    assert.equal(typeof body['claims'], claims ? 'string' : 'undefined')
    assert.equal((await token(mock, form)).status, 200)
  })
}

const pageCases: readonly { when: string; change: Change; code: number }[] = [
  { when: 'a client that is unknown', change: { client_id: 'nobody' }, code: 700016 },
  {
    when: 'an address that is not registered',
    change: { redirect_uri: 'https://evil.example/cb' },
    code: 50011,
  },
  {
    when: 'a registered host and another path',
    change: { redirect_uri: 'http://localhost:8400/other' },
    code: 50011,
  },
  {
    when: 'a port that cannot be',
    change: { redirect_uri: 'http://localhost:99999/oauth/callback' },
    code: 50011,
  },
  { when: 'no address', change: { redirect_uri: undefined }, code: 900971 },
  { when: 'a response mode that is unknown', change: { response_mode: 'x' }, code: 90023 },
]
for (const { when, change, code } of pageCases) {
  test(`authorize with ${when} is a page with AADSTS${code}, never a redirect`, async () => {
    const response = await authorize(mock, change)
    assert.equal(response.status, 400)
    assert.equal(response.headers.get('location'), null)
    assert.match(await response.text(), new RegExp(`AADSTS${code}:`))
  })
}

const redirectCases: readonly { when: string; change: Change; error: string; code: number }[] = [
  { when: 'no scope', change: { scope: undefined }, error: 'invalid_request', code: 900144 },
  {
    when: 'no response type',
    change: { response_type: undefined },
    error: 'invalid_request',
    code: 900144,
  },
  {
    when: 'response type token',
    change: { response_type: 'token' },
    error: 'unsupported_response_type',
    code: 700054,
  },
  {
    when: 'a prompt that is unknown',
    change: { prompt: 'create' },
    error: 'invalid_request',
    code: 90023,
  },
  {
    when: 'prompt none and nobody signed in',
    change: { prompt: 'none' },
    error: 'login_required',
    code: 50058,
  },
  {
    when: "a resource that is not the scope's",
    change: { resource: 'https://mcp.example.com/mcp' },
    error: 'invalid_target',
    code: 9010010,
  },
  {
    when: 'mixed scopes',
    change: { scope: `${aksScope} api://rolecall/mcp.access` },
    error: 'invalid_scope',
    code: 70011,
  },
  {
    when: 'a short challenge',
    change: { code_challenge: 'short' },
    error: 'invalid_request',
    code: 501491,
  },
  {
    when: 'a challenge method that is unknown',
    change: { code_challenge_method: 'S512' },
    error: 'invalid_request',
    code: 90023,
  },
]
for (const { when, change, error, code } of redirectCases) {
  test(`authorize with ${when} goes back to the client with AADSTS${code}`, async () => {
    const values = await answered(await authorize(mock, change))
    assert.equal(values.get('error'), error)
    assert.match(values.get('error_description') ?? '', new RegExp(`^AADSTS${code}:`))
    assert.equal(values.get('state'), 'the-state')
    assert.equal(values.get('iss'), null)
  })
}

test('a resource that is byte for byte what the scope names is good', async () => {
  const scope = `${ownApi.identifiers[1]}/mcp.access`
  await getCode(mock, { scope, resource: ownApi.identifiers[1] })
  await assert.rejects(getCode(mock, { scope, resource: `${ownApi.identifiers[1]}/` }))
})

const hostile: readonly { what: string; body: string; type?: string; status: number }[] = [
  { what: 'a parameter twice', body: 'grant_type=a&grant_type=b', status: 400 },
  { what: 'JSON', body: '{"grant_type":"refresh_token"}', type: 'application/json', status: 400 },
  { what: 'broken JSON', body: '{', type: 'application/json', status: 400 },
  { what: 'XML', body: '<a/>', type: 'text/xml', status: 415 },
  { what: 'a body that is too long', body: `a=${'x'.repeat(300_000)}`, status: 413 },
  { what: 'nothing', body: '', status: 400 },
  { what: 'broken percent escapes', body: 'grant_type=%zz%', status: 400 },
]
for (const { what, body, type, status } of hostile) {
  test(`a token request that is ${what} is ${status} in Entra's shape`, async () => {
    const response = await fetch(`${mock.origin}/${mock.tenantId}/oauth2/v2.0/token`, {
      method: 'POST',
      body,
      headers: { 'content-type': type ?? 'application/x-www-form-urlencoded' },
    })
    assert.equal(response.status, status)
    assert.ok((await json(response))['error_codes'])
  })
}

test('a Basic credential that is not one is AADSTS9002313', async () => {
  for (const basic of ['bm9jb2xvbg==', Buffer.from('a%zz:b').toString('base64'), '????']) {
    const form = { grant_type: 'client_credentials', scope: 'api://rolecall/.default' }
    const response = await token(mock, form, { authorization: `Basic ${basic}` })
    assert.deepEqual((await json(response))['error_codes'], [9002313])
  }
})

test('authorize and login take a repeated parameter and any form for a 400 page', async () => {
  const base = `${mock.origin}/${mock.tenantId}`
  assert.equal((await fetch(`${base}/oauth2/v2.0/authorize?prompt=a&prompt=b`)).status, 400)
  const body = new URLSearchParams({ query: 'x', username: 'alice' })
  assert.equal((await fetch(`${base}/login`, { method: 'POST', body })).status, 400)
})

test('a control is refused to a web page and to another host name', async () => {
  const url = `${mock.origin}/_mock/token`
  const page = await fetch(url, { headers: { origin: 'https://evil.example' } })
  assert.equal(page.status, 403)
  const status = await new Promise((resolve, reject) => {
    rawRequest(url, { headers: { host: 'evil.example' } }, (response) => {
      response.resume()
      resolve(response.statusCode)
    })
      .on('error', reject)
      .end()
  })
  assert.equal(status, 403)
})
