import assert from 'node:assert/strict'
import { createHash, X509Certificate } from 'node:crypto'
import { after, afterEach, before, test } from 'node:test'
import { firstKeys } from '../../../support/first-keys.ts'
import { type MockEntra, startMockEntra } from '../../mock-entra/mock-entra.ts'
import { authorize, json } from './code-flow.ts'

let mock: MockEntra
before(async () => {
  mock = await startMockEntra({ firstKeys: await firstKeys() })
})
afterEach(() => mock.reset())
after(() => mock.close())

const discovery = '/.well-known/openid-configuration'
const get = (path: string) => fetch(`${mock.origin}${path}`, { redirect: 'manual' })

const documents: readonly {
  what: string
  path: (tenant: string) => string
  issuer: (origin: string, tenant: string) => string
  keys: (tenant: string) => string
}[] = [
  {
    what: 'the v2.0 document of the tenant',
    path: (tenant) => `/${tenant}/v2.0${discovery}`,
    issuer: (origin, tenant) => `${origin}/${tenant}/v2.0`,
    keys: (tenant) => `/${tenant}/discovery/v2.0/keys`,
  },
  {
    what: 'the v1.0 document of the tenant',
    path: (tenant) => `/${tenant}${discovery}`,
    issuer: (_, tenant) => `https://sts.windows.net/${tenant}/`,
    keys: () => '/common/discovery/keys',
  },
  {
    what: 'the v2.0 document of common',
    path: () => `/common/v2.0${discovery}`,
    issuer: (origin) => `${origin}/{tenantid}/v2.0`,
    keys: () => '/common/discovery/v2.0/keys',
  },
  {
    what: 'the v1.0 document of common',
    path: () => `/common${discovery}`,
    issuer: () => 'https://sts.windows.net/{tenantid}/',
    keys: () => '/common/discovery/keys',
  },
]
for (const { what, path, issuer, keys } of documents) {
  test(`${what} names its issuer and keys, and no PKCE methods`, async () => {
    const response = await get(path(mock.tenantId))
    const document = await json(response)
    assert.equal(document['issuer'], issuer(mock.origin, mock.tenantId))
    assert.equal(document['jwks_uri'], `${mock.origin}${keys(mock.tenantId)}`)
    assert.equal(document['code_challenge_methods_supported'], undefined)
    assert.equal(response.headers.get('cache-control'), 'max-age=86400, private')
    assert.equal((await get(keys(mock.tenantId))).status, 200)
  })
}

for (const version of [1, 2] as const) {
  test(`the v${version}.0 key set is marked as the mock's and has keys as Entra's`, async () => {
    const path = version === 1 ? '/common/discovery/keys' : `/${mock.tenantId}/discovery/v2.0/keys`
    const set = (await json(await get(path))) as {
      rolecall_mock_idp: unknown
      keys: (Record<string, unknown> & { x5c: string[] })[]
    }
    assert.equal(set.rolecall_mock_idp, true)
    assert.ok(set.keys.length >= 2)
    for (const { kid, x5t, alg, use, issuer, x5c } of set.keys) {
      const certificate = Buffer.from(x5c[0] ?? '', 'base64')
      assert.equal(kid, createHash('sha1').update(certificate).digest('base64url'))
      assert.match(new X509Certificate(certificate).subject, /accounts.accesscontrol.windows.net/)
      assert.deepEqual([x5t, alg, use], [kid, undefined, 'sig'])
      assert.equal(issuer, version === 2 ? `${mock.origin}/{tenantid}/v2.0` : undefined)
    }
  })
}

test('the RFC 8414 path is not found, or empty where that is switched on', async () => {
  const path = `/.well-known/oauth-authorization-server/${mock.tenantId}/v2.0`
  assert.equal((await get(path)).status, 404)
  mock.rfc8414('empty')
  const response = await get(path)
  assert.deepEqual([response.status, await response.text()], [200, ''])
})

test('another tenant is AADSTS90002', async () => {
  const response = await get(`/00000000-0000-0000-0000-000000000001/v2.0${discovery}`)
  assert.deepEqual([response.status, (await json(response))['error_codes']], [400, [90002]])
})

test('the account page offers everybody, may be framed by nobody and runs no script of others', async () => {
  const response = await authorize(mock)
  const policy = response.headers.get('content-security-policy') ?? ''
  assert.match(policy, /default-src 'none'.*frame-ancestors 'none'/)
  assert.equal(response.headers.get('cross-origin-opener-policy'), 'same-origin')
  const page = await response.text()
  for (const { username } of mock.people.people) assert.ok(page.includes(`value="${username}"`))
})

test('a hostile state is text on the account page', async () => {
  const page = await (await authorize(mock, { state: '"><script>alert(1)</script>' })).text()
  assert.ok(!page.includes('<script>alert'))
})

for (const [mode, pattern] of [
  ['query', /\?code=.*&state=the-state$/],
  ['fragment', /callback#code=.*&state=the-state$/],
] as const) {
  test(`response mode ${mode} answers there`, async () => {
    mock.signInAs('alice')
    const response = await authorize(mock, { response_mode: mode })
    assert.match(response.headers.get('location') ?? '', pattern)
  })
}

test('response mode form_post answers with a form that sends itself', async () => {
  mock.signInAs('alice')
  const page = await (await authorize(mock, { response_mode: 'form_post' })).text()
  assert.match(page, /action="http:\/\/localhost:8400\/oauth\/callback"/)
  assert.match(page, /name="code" value="[^"]+"/)
})

test('a browser that has a session is not asked again, unless by prompt', async () => {
  const url = new URL(`${mock.origin}/${mock.tenantId}/login`)
  const first = await authorize(mock)
  const query = /name="query" value="([^"]+)"/.exec(await first.text())?.[1] ?? ''
  const body = new URLSearchParams({ query: query.replaceAll('&#38;', '&'), username: 'bob' })
  const picked = await fetch(url, { method: 'POST', body, redirect: 'manual' })
  const cookie = (picked.headers.get('set-cookie') ?? '').split(';')[0] ?? ''
  const authorizeUrl = `${mock.origin}/${mock.tenantId}/oauth2/v2.0/authorize?${body.get('query')}`
  const again = (extra: string) =>
    fetch(authorizeUrl + extra, { headers: { cookie }, redirect: 'manual' })
  assert.match((await again('')).headers.get('location') ?? '', /[?&]code=/)
  assert.match((await again('&prompt=none')).headers.get('location') ?? '', /[?&]code=/)
  for (const prompt of ['login', 'select_account', 'consent']) {
    assert.equal((await again(`&prompt=${prompt}`)).status, 200, prompt)
  }
})

test('a mock that asks again offers the account of the session among all others', async (t) => {
  const asking = await startMockEntra({ firstKeys: await firstKeys(), asksAgain: true })
  t.after(() => asking.close())
  const headers = { cookie: 'mock-entra-session=bob' }
  const page = await (await authorize(asking, {}, headers)).text()
  const accounts = page.split('<li>').slice(1)
  const [alice = '', bob = '', carol = ''] = accounts
  assert.match(bob, /signed in[\s\S]*in team-b/)
  assert.match(alice, /in team-a/)
  assert.match(carol, /in no group/)
  assert.doesNotMatch(alice + carol, /signed in/)
  assert.match(page, /This is a mock/)
  const silent = await authorize(asking, { prompt: 'none' }, headers)
  assert.match(silent.headers.get('location') ?? '', /[?&]code=/)
})

test('faults take effect at once, are counted, and end with reset', async () => {
  const path = `/${mock.tenantId}/v2.0${discovery}`
  mock.outage('503')
  assert.equal((await get(path)).status, 503)
  mock.outage('reset')
  await assert.rejects(get(path))
  mock.outage('none')
  mock.wrongIssuer('https://evil.example')
  assert.equal((await json(await get(path)))['issuer'], 'https://evil.example')
  mock.answer(path, { status: 302, headers: { location: 'https://evil.example/' } })
  assert.equal((await get(path)).status, 302)
  assert.equal(mock.requests(path), 4)
  mock.reset()
  assert.equal((await json(await get(path)))['issuer'], `${mock.origin}/${mock.tenantId}/v2.0`)
  assert.equal(mock.requests(), 1)
})

test('the controls answer over HTTP, and say what is wrong with a request', async () => {
  const post = (name: string, body: object) =>
    fetch(`${mock.origin}/_mock/${name}`, {
      method: 'POST',
      body: JSON.stringify(body),
      headers: { 'content-type': 'application/json' },
    })
  assert.match(await (await get('/_mock/token?person=alice')).text(), /^eyJ[^.]+\.[^.]+\.[^.]+$/)
  assert.equal((await post('outage', { mode: '503' })).status, 200)
  assert.equal((await get(`/${mock.tenantId}${discovery}`)).status, 503)
  assert.equal((await post('reset', {})).status, 200)
  for (const [name, body] of [
    ['outage', { mode: 'x' }],
    ['revoke', { person: 'nobody' }],
    ['retire-key', { kid: 'none' }],
    ['fail', { at: 'token', code: 1 }],
    ['mint', { kid: 'none' }],
  ] as const) {
    const response = await post(name, body)
    assert.equal(response.status, 400, name)
    assert.equal(typeof (await json(response))['error'], 'string')
  }
})
