import assert from 'node:assert/strict'
import { test } from 'node:test'
import { refreshTokenRemedy } from '../../../src/sign-in/provider/no-refresh-token.ts'

const google = 'https://accounts.google.com'
const entra = 'https://login.microsoftonline.com/tenant/v2.0'
const okta = 'https://example.okta.com/oauth2/default'
const offline = ['openid', 'offline_access']

const remedies: readonly (readonly [
  issuer: string,
  mode: 'broker' | 'relay',
  scopes: readonly string[],
  remedy: RegExp,
])[] = [
  [
    google,
    'broker',
    ['openid'],
    /authorize_parameters = \{ access_type = "offline", prompt = "consent" \}/,
  ],
  [`${google}/`, 'broker', offline, /leave offline_access out/],
  [google, 'relay', ['openid'], /access_type=offline and prompt=consent/],
  ['https://accounts.google.com.evil.example', 'broker', ['openid'], /add "offline_access"/],
  [entra, 'broker', ['openid'], /add "offline_access" to request_scopes of resource prod/],
  [entra, 'relay', ['openid'], /add "offline_access" to request_scopes of resource prod/],
  [okta, 'broker', offline, /allow refresh tokens \(offline access\) to the client/],
  [okta, 'relay', offline, /let the client ask for the scope offline_access/],
]
for (const [issuer, mode, scopes, remedy] of remedies) {
  test(`without a refresh token of ${issuer}, ${mode}, ${scopes.join(' ')}`, () => {
    const resource = { name: 'prod', request_scopes: [...scopes] }
    assert.match(refreshTokenRemedy({ issuer, resource, mode }), remedy)
  })
}
