import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Config } from '../../../src/config/config.ts'
import { configOf, type Given, loadGiven, loadWith } from '../../support/configuration.ts'

const tenant = 'abcdef01-2345-4678-9abc-def012345678'
const id = 'fedcba98-7654-4321-8fed-cba987654321'
const capitals = id.toUpperCase()

/** Where a GUID may stand, how it is written there, and as what it is read. */
const places: readonly (readonly [
  key: string,
  written: string,
  read: string,
  of: (config: Config) => unknown,
])[] = [
  [
    'identity_provider.tenant_id',
    tenant.toUpperCase(),
    tenant,
    ({ identity_provider: it }) => it.kind === 'entra' && it.tenant_id,
  ],
  ['identity_provider.client_id', capitals, id, (config) => config.identity_provider.client_id],
  ['resource.0.audiences', capitals, id, ofResource('audiences')],
  ['resource.0.audiences', `api://${capitals}`, `api://${id}`, ofResource('audiences')],
  ['resource.0.audiences', `api://${capitals}/K8S`, `api://${id}/K8S`, ofResource('audiences')],
  ['resource.0.audiences', `spn:${capitals}`, `spn:${id}`, ofResource('audiences')],
  [
    'resource.0.audiences',
    `api://Contoso/${capitals}`,
    `api://Contoso/${id}`,
    ofResource('audiences'),
  ],
  [
    'resource.0.request_scopes',
    `${capitals}/.default`,
    `${id}/.default`,
    ofResource('request_scopes'),
  ],
  [
    'resource.0.request_scopes',
    `api://${capitals}/User.Read`,
    `api://${id}/User.Read`,
    ofResource('request_scopes'),
  ],
  [
    'resource.0.required_scopes',
    `api://${capitals}/Read`,
    `api://${id}/Read`,
    ofResource('required_scopes'),
  ],
  ['resource.0.required_groups', capitals, id, ofResource('required_groups')],
  ['resource.0.allowed_clients', capitals, id, ofResource('allowed_clients')],
  [
    'resource.0.token_issuers',
    `https://sts.windows.net/${capitals}/`,
    `https://sts.windows.net/${id}/`,
    ofResource('token_issuers'),
  ],
  ['resource_defaults.required_groups', capitals, id, ofResource('required_groups')],
]

function ofResource(
  key:
    | 'audiences'
    | 'request_scopes'
    | 'required_scopes'
    | 'required_groups'
    | 'allowed_clients'
    | 'token_issuers',
) {
  return ({ resources }: Config) => resources[0]?.[key]?.at(0)
}

const off = { 'sign_in.mode': 'off', 'identity_provider.tenant_id': tenant }
const flagOf: Readonly<Record<string, string>> = { audiences: 'audience', tenant_id: 'tenant' }

for (const [key, written, read, of] of places) {
  const list = key.startsWith('resource')
  const last = key.split('.').at(-1) ?? ''
  test(`Entra's GUIDs are read in lower case: ${key} = ${written}, from a file`, () => {
    assert.equal(of(configOf(loadWith({ ...off, [key]: list ? [written] : written }))), read)
  })
  test(`and from the environment: ${key} = ${written}`, () => {
    const name = `ROLECALL__${key.replaceAll('.', '__').toUpperCase()}`
    assert.equal(of(configOf(loadWith(off, { environment: { [name]: written } }))), read)
  })
  if (!list && last !== 'tenant_id') continue
  if (key.startsWith('resource_defaults')) continue
  test(`and from a flag: ${key} = ${written}`, () => {
    const flags = { [flagOf[last] ?? last.replaceAll('_', '-')]: written }
    assert.equal(of(configOf(loadWith(off, { flags }))), read)
  })
}

test('a tenant in capitals in an issuer, drop-in keys and their audience', () => {
  const url = `https://login.microsoftonline.com/${tenant.toUpperCase()}/v2.0`
  const given: Given = {
    flags: { config: '/c.toml' },
    files: {
      '/c.toml': `upstream = "http://kms/mcp"\nauthorization_url = "${url}"\noauth_audience = "${capitals}"\nissuer_url = "https://sts.windows.net/${tenant.toUpperCase()}/"\n`,
    },
  }
  const config = configOf(loadGiven(given))
  assert.ok(config.identity_provider.kind === 'entra')
  assert.equal(config.identity_provider.tenant_id, tenant)
  assert.deepEqual(config.resources[0]?.audiences, [id])
  assert.deepEqual(config.resources[0]?.request_scopes[0], `${id}/.default`)
  assert.deepEqual(config.resources[0]?.token_issuers, [`https://sts.windows.net/${tenant}/`])
})

test('the default of allowed_clients is the client_id in lower case', () => {
  const changes = {
    ...off,
    'identity_provider.client_id': capitals,
    'resource.0.allowed_clients': [],
  }
  assert.deepEqual(configOf(loadWith(changes)).resources[0]?.allowed_clients, [id])
})

test('what only looks like a GUID, and ids of another provider, stay as they are', () => {
  const longer = `A${capitals}`
  const entra = configOf(loadWith({ ...off, 'resource.0.audiences': [longer, 'API://K8S'] }))
  assert.deepEqual(entra.resources[0]?.audiences, [longer, 'API://K8S'])
  const oidc = { kind: 'oidc', issuer: 'https://idp.example.com', client_id: capitals }
  const other = configOf(
    loadWith({
      'sign_in.mode': 'off',
      identity_provider: oidc,
      'resource.0.audiences': [capitals],
    }),
  )
  assert.equal(other.identity_provider.client_id, capitals)
  assert.deepEqual(other.resources[0]?.audiences, [capitals])
})
