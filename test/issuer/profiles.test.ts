import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Cloud, EntraConfig } from '../../src/config/config.ts'
import { entraProfile, isEntraIssuer } from '../../src/issuer/entra.ts'
import { oidcProfile } from '../../src/issuer/oidc.ts'
import { ENTRA_DEFAULTS, OIDC_DEFAULTS } from '../support/defaults.ts'

const tid = '11111111-2222-3333-4444-555555555555'
const entra: EntraConfig = { ...ENTRA_DEFAULTS, tenant_id: tid }

const clouds: [Cloud, string, string][] = [
  ['public', 'https://login.microsoftonline.com', 'https://sts.windows.net'],
  ['usgov', 'https://login.microsoftonline.us', 'https://sts.windows.net'],
  ['china', 'https://login.partner.microsoftonline.cn', 'https://sts.chinacloudapi.cn'],
]

for (const [cloud, login, tokens] of clouds) {
  test(`Entra ${cloud}: the tenant's v2 and v1 issuers, known before discovery`, () => {
    const profile = entraProfile({ ...entra, cloud })
    const v2 = `${login}/${tid}/v2.0`
    assert.equal(profile.discoveryUrl, `${v2}/.well-known/openid-configuration`)
    assert.deepEqual(profile.tokenIssuers(undefined), [v2, `${tokens}/${tid}/`])
    assert.equal(profile.configuredIssuer, v2)
    assert.equal(profile.tenant, tid)
    assert.equal(profile.acceptsIssuer(v2), true)
    assert.equal(profile.acceptsIssuer(`${v2}/`), false)
    assert.equal(profile.acceptsIssuer(`${login}/{tenantid}/v2.0`), false)
    assert.equal(profile.acceptsIssuer(`${tokens}/${tid}/`), false)
  })
}

test('Entra with an authority: the v2 issuer is the discovered one, the v1 issuer the cloud’s', () => {
  const authority = 'http://127.0.0.1:9000'
  const profile = entraProfile({ ...entra, cloud: 'china', authority })
  const discovered = `https://login.partner.microsoftonline.cn/${tid}/v2.0`
  assert.equal(profile.discoveryUrl, `${authority}/${tid}/v2.0/.well-known/openid-configuration`)
  assert.equal(profile.configuredIssuer, `${authority}/${tid}/v2.0`)
  assert.equal(profile.acceptsIssuer(discovered), true)
  assert.equal(profile.acceptsIssuer('https://login.microsoftonline.com/{tenantid}/v2.0'), false)
  assert.equal(profile.acceptsIssuer('https://login.microsoftonline.com/other/v2.0'), false)
  const v1 = `https://sts.chinacloudapi.cn/${tid}/`
  assert.deepEqual(profile.tokenIssuers(discovered), [discovered, v1])
  assert.deepEqual(profile.tokenIssuers(undefined), [v1])
})

const issuer = `https://login.microsoftonline.com/${tid}/v2.0`
const template = 'https://login.microsoftonline.com/{tenantid}/v2.0'
const discovery = { issuer, cloud_instance_name: 'microsoftonline.com' }
const key = { kty: 'RSA', cloud_instance_name: 'microsoftonline.com', issuer: template }

const keys: [string, object, object, boolean][] = [
  ['of this cloud with the template', key, discovery, true],
  ['with the tenant spelled out', { ...key, issuer }, discovery, true],
  ['without issuer (v1 key set)', { kty: 'RSA' }, discovery, true],
  ['of another cloud', { ...key, cloud_instance_name: 'microsoftonline.us' }, discovery, false],
  [
    'whose cloud the metadata does not name',
    { ...key, cloud_instance_name: 'x' },
    { issuer },
    true,
  ],
  [
    'of personal accounts',
    { ...key, issuer: template.replace('{tenantid}', '9188040d-6c67-4c5b-b112-36a304b66dad') },
    discovery,
    false,
  ],
  ['whose issuer is not text', { ...key, issuer: 7 }, discovery, false],
]

const external = `https://${tid}.ciamlogin.com/${tid}/v2.0`
keys.push([
  'of External ID, whose template names the tenant twice',
  { kty: 'RSA', issuer: 'https://{tenantid}.ciamlogin.com/{tenantid}/v2.0' },
  { issuer: external },
  true,
])

for (const [name, candidate, metadata, expected] of keys) {
  test(`Entra, a key ${name}: ${expected ? 'counts' : 'does not count'}`, () => {
    const { acceptsKey } = entraProfile(entra)
    assert.equal(acceptsKey({ ...candidate }, { ...metadata }), expected)
  })
}

test('the issuers of Entra are known by their hosts', () => {
  for (const one of [issuer, template, external, `https://sts.windows.net/${tid}/`]) {
    assert.equal(isEntraIssuer(one), true, one)
  }
  for (const other of [
    'http://sts.windows.net/x/',
    'https://sts.windows.net.example/x/',
    'https://ciamlogin.com.example/',
    'urn:x',
    '',
  ]) {
    assert.equal(isEntraIssuer(other), false, other)
  }
})

const issuers: [string, string][] = [
  ['https://idp.example', 'https://idp.example/.well-known/openid-configuration'],
  ['https://idp.example/', 'https://idp.example/.well-known/openid-configuration'],
  ['https://idp.example/realms/a', 'https://idp.example/realms/a/.well-known/openid-configuration'],
]

for (const [configured, discoveryUrl] of issuers) {
  test(`oidc ${configured}: compared character by character`, () => {
    const profile = oidcProfile({ ...OIDC_DEFAULTS, issuer: configured })
    assert.equal(profile.discoveryUrl, discoveryUrl)
    assert.deepEqual(profile.tokenIssuers(undefined), [configured])
    assert.equal(profile.tenant, undefined)
    assert.equal(profile.acceptsIssuer(configured), true)
    const others = [
      configured.endsWith('/') ? configured.slice(0, -1) : `${configured}/`,
      configured.replace('idp.example', 'IDP.example'),
      configured.replace('idp.example', 'idp.example:443'),
      configured.replace('https', 'http'),
    ]
    for (const other of others) assert.equal(profile.acceptsIssuer(other), false, other)
  })
}

test('discovery_url is where the document is, and where plain http may stay within the cluster', () => {
  const url = 'http://keycloak:8080/realms/a/.well-known/openid-configuration'
  const issuer = 'https://idp.example/realms/a'
  const profile = oidcProfile({ ...OIDC_DEFAULTS, issuer, discovery_url: url })
  assert.equal(profile.discoveryUrl, url)
  assert.equal(profile.plainHttp, 'cluster-internal')
  assert.equal(profile.acceptsIssuer(issuer), true)
  assert.equal(profile.acceptsIssuer('http://keycloak:8080/realms/a'), false)
  assert.deepEqual(profile.tokenIssuers(undefined), [issuer])
  assert.equal(oidcProfile({ ...OIDC_DEFAULTS, issuer }).plainHttp, 'loopback')
  assert.equal(entraProfile(entra).plainHttp, 'loopback')
})

test('a user is named by upn, else oid (Entra), preferred_username, else sub (oidc), or as configured', () => {
  assert.deepEqual(entraProfile(entra).userClaims, ['upn', 'oid'])
  assert.deepEqual(entraProfile({ ...entra, user_claim: 'email' }).userClaims, ['email'])
  const oidc = { ...OIDC_DEFAULTS, issuer: 'https://idp.example' }
  assert.deepEqual(oidcProfile(oidc).userClaims, ['preferred_username', 'sub'])
  assert.deepEqual(oidcProfile({ ...oidc, user_claim: 'email' }).userClaims, ['email'])
})
