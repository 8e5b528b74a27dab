import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assertProblem, configOf, loadGiven, loadToml } from '../../support/configuration.ts'

const entra = 'https://login.microsoftonline.com/11111111-2222-4333-8444-555555555555'

/** What people copy for an issuer, and the issuer that it belongs to. */
const mistaken: readonly (readonly [url: string, issuer: string])[] = [
  [`${entra}/v2.0/.well-known/openid-configuration`, `${entra}/v2.0`],
  [`${entra}/oauth2/v2.0/authorize`, `${entra}/v2.0`],
  [`${entra}/oauth2/v2.0/token`, `${entra}/v2.0`],
  [`${entra}/oauth2/authorize`, `${entra}/v2.0`],
  [`${entra}/discovery/v2.0/keys`, `${entra}/v2.0`],
  ['https://kc.example/realms/a/.well-known/openid-configuration', 'https://kc.example/realms/a'],
  ['https://kc.example/realms/a/protocol/openid-connect/auth', 'https://kc.example/realms/a'],
  [
    'https://kc.example/auth/realms/a/protocol/openid-connect/certs',
    'https://kc.example/auth/realms/a',
  ],
  ['https://a.okta.com/oauth2/default/v1/authorize', 'https://a.okta.com/oauth2/default'],
  ['https://a.okta.com/oauth2/v1/authorize', 'https://a.okta.com'],
  ['https://accounts.google.com/o/oauth2/v2/auth', 'https://accounts.google.com'],
  ['https://a.eu.auth0.com/authorize', 'https://a.eu.auth0.com/'],
  ['https://gitlab.example/oauth/authorize', 'https://gitlab.example'],
  ['https://z.zitadel.cloud/oauth/v2/authorize', 'https://z.zitadel.cloud'],
  ['https://id.example/connect/authorize', 'https://id.example'],
  ['https://a.example/.well-known/oauth-authorization-server/x', 'https://a.example/x'],
]
for (const [url, issuer] of mistaken) {
  test(`is told with the right issuer: ${url}`, () => {
    const words = `not an issuer Write "${issuer}".`
    const right = new RegExp(words.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&'))
    const upstream = 'http://kms/mcp'
    const file = `[identity_provider]\nkind = "oidc"\nissuer = "${url}"\n[[resource]]\nupstream = "${upstream}"\naudiences = ["a"]\n`
    assertProblem(loadToml(file), 'identity_provider.issuer', right)
    const flags = { issuer: url, upstream, audience: 'a' }
    assertProblem(loadGiven({ flags }), '--issuer', right)
    const dropIn = `upstream = "${upstream}"\nauthorization_url = "${url}"\noauth_audience = "a"\n`
    assertProblem(loadToml(dropIn), 'authorization_url', right)
  })
}

const issuers = [
  'https://kc.example/realms/a',
  'https://kc.example/auth/realms/auth',
  'https://dex.example/dex',
  'https://a.example/auth',
  'https://a.example/oauth2',
  'https://a.okta.com/oauth2/default',
  'https://a.example/token-service',
  'https://oidc.eks.eu-west-1.amazonaws.com/id/ABCDEF',
  'https://authorize.example',
]
for (const issuer of issuers) {
  test(`is an issuer: ${issuer}`, () => {
    const flags = { issuer, upstream: 'http://kms/mcp', audience: 'a' }
    const { identity_provider: provider } = configOf(loadGiven({ flags }))
    assert.equal(provider.kind === 'oidc' && provider.issuer, issuer)
  })
}

test('an issuer of Entra without its version is its tenant', () => {
  for (const issuer of [entra, `${entra}/`, `${entra}/v2.0/`]) {
    const flags = { issuer, upstream: 'http://kms/mcp', audience: 'a' }
    const { identity_provider: provider } = configOf(loadGiven({ flags }))
    assert.ok(provider.kind === 'entra', issuer)
    assert.equal(provider.tenant_id, '11111111-2222-4333-8444-555555555555')
  }
})
