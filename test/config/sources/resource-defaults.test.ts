import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ResourceConfig } from '../../../src/config/config.ts'
import {
  aks,
  assertProblem,
  assertWarning,
  configOf,
  type Given,
  loadGiven,
  loadToml,
  tenant,
} from '../../support/configuration.ts'

const provider = `[identity_provider]\ntenant_id = "${tenant}"\n`
const resources = `
[[resource]]
name = "one"
path = "/one/mcp"
upstream = "http://one:8080/mcp"

[[resource]]
name = "two"
path = "/two/mcp"
upstream = "http://two:8080/mcp"
audiences = ["api://two"]
required_groups = []
connect_timeout = "1s"
`
const defaults = `
[resource_defaults]
audiences = ["${aks}"]
allowed_clients = ["*"]
required_groups = ["ops"]
connect_timeout = "2s"
description = "Europe"
allow = [{ hint = "read_only" }]
`
const load = (more: string, given: Given = {}) => loadToml(`${provider}${more}${resources}`, given)

function each(key: keyof ResourceConfig, more: string = defaults, given: Given = {}) {
  return configOf(load(more, given)).resources.map((resource) => resource[key])
}

const readOnly = [{ tools: ['*'], hint: 'read_only', groups: [], clients: [] }]

const taken: readonly (readonly [key: keyof ResourceConfig, values: readonly unknown[]])[] = [
  ['audiences', [[aks], ['api://two']]],
  ['allowed_clients', ['any', 'any']],
  ['required_groups', [['ops'], []]],
  ['connect_timeout', [2000, 1000]],
  ['description', ['Europe', 'Europe']],
  ['allow', [readOnly, readOnly]],
  [
    'request_scopes',
    [aks, 'api://two'].map((it) => [`${it}/.default`, 'openid', 'profile', 'offline_access']),
  ],
  ['response_timeout', [300_000, 300_000]],
]
for (const [key, values] of taken) {
  test(`a resource takes ${key} of resource_defaults unless it says otherwise`, () => {
    assert.deepEqual(each(key), values)
  })
}

test('defaults come from the environment, too, and stand below what a resource says', () => {
  const environment = { ROLECALL__RESOURCE_DEFAULTS__CONNECT_TIMEOUT: '3s' }
  assert.deepEqual(each('connect_timeout', defaults, { environment }), [3000, 1000])
})

test('a resource of the environment takes them', () => {
  const environment = {
    ROLECALL__RESOURCE__0__UPSTREAM: 'http://kms/mcp',
    ROLECALL__RESOURCE_DEFAULTS__AUDIENCES: 'a,b',
    ROLECALL__RESOURCE_DEFAULTS__ALLOWED_CLIENTS: '*',
    ROLECALL__IDENTITY_PROVIDER__TENANT_ID: tenant,
  }
  assert.deepEqual(configOf(loadGiven({ environment })).resources[0]?.audiences, ['a', 'b'])
})

test('--tenant guesses no audience that the defaults name', () => {
  const loaded = loadGiven({
    flags: { tenant, upstream: 'http://kms/mcp', 'allowed-clients': '*' },
    environment: { ROLECALL__RESOURCE_DEFAULTS__AUDIENCES: 'api://own' },
  })
  assert.deepEqual(configOf(loaded).resources[0]?.audiences, ['api://own'])
})

const wrong: readonly (readonly [line: string, key: string, words: RegExp])[] = [
  ['name = "x"', 'resource_defaults.name', /\[\[resource\]\]/],
  ['path = "/x"', 'resource_defaults.path', /\[\[resource\]\]/],
  ['upstream = "http://x/mcp"', 'resource_defaults.upstream', /\[\[resource\]\]/],
  ['audience = ["x"]', 'resource_defaults.audience', /"audiences"/],
  ['response_timeout = 5', 'resource_defaults.response_timeout', /"5s"/],
  ['request_scopes = ["a b"]', 'resource_defaults.request_scopes', /item of its own/],
  ['upstream_identity = "own"', 'resource_defaults.upstream_identity', /unsafe_upstream_identity/],
]
for (const [line, key, words] of wrong) {
  test(`a problem with a default is told once, by the name in the file: ${line}`, () => {
    assertProblem(load(`${defaults}${line}\n`), key, words)
  })
}

test('so is a warning', () => {
  const loaded = load(`${defaults}unsafe_upstream_tls_unverified = true\n`)
  assertWarning(loaded, 'resource_defaults.unsafe_upstream_tls_unverified', /is on/)
})

test('a default that every resource overrides is judged all the same', () => {
  const only = resources.slice(resources.indexOf('[[resource]]\nname = "two"'))
  const file = `${provider}[resource_defaults]\nallowed_clients = ["*"]\nconnect_timeout = 1\n${only}`
  assertProblem(loadToml(file), 'resource_defaults.connect_timeout', /"1s"/)
})
