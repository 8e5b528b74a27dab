import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { parse } from 'smol-toml'
import { z } from 'zod'
import { referencePage } from '../../../src/config/reference.ts'
import { formatProblems } from '../../../src/config/report/problem.ts'
import { jsonSchema, settings } from '../../../src/config/schema/settings.ts'
import { environmentName } from '../../../src/config/sources/environment.ts'
import { flags } from '../../../src/config/sources/flags.ts'
import { configOf, fileWith, loadGiven, tenant } from '../../support/configuration.ts'

const deploy = (name: string) =>
  readFileSync(new URL(`../../../deploy/${name}`, import.meta.url), 'utf8')

test('deploy/configuration.md is what the schema says: npm run -s schema -- --reference', () => {
  assert.equal(deploy('configuration.md'), referencePage())
})

test('deploy/config.schema.json is what the schema says: npm run -s schema', () => {
  assert.deepEqual(JSON.parse(deploy('config.schema.json')), jsonSchema())
})

const fromJsonSchema = z.fromJSONSchema(JSON.parse(deploy('config.schema.json')))

test('the JSON Schema takes a valid file and the drop-in fixture', () => {
  const fixture = readFileSync(new URL('../../fixtures/drop-in.toml', import.meta.url), 'utf8')
  for (const file of [fileWith(), parse(fixture)]) {
    assert.deepEqual(fromJsonSchema.safeParse(file).error?.issues, undefined)
  }
})

test('the JSON Schema refuses an unknown key, a wrong type and a wrong choice', () => {
  for (const wrong of [{ lisen: 'x' }, { listen: 8080 }, { 'identity_provider.kind': 'x' }]) {
    assert.equal(fromJsonSchema.safeParse(fileWith(wrong)).success, false, JSON.stringify(wrong))
  }
})

test('every setting has a description, and none appears twice', () => {
  const paths = settings.map(({ path }) => path.join('.'))
  assert.equal(new Set(paths).size, paths.length)
  for (const { path, node } of settings) assert.ok(node.description, path.join('.'))
})

test('every secret has its _file beside it', () => {
  const paths = settings.map(({ path }) => path.join('.'))
  const secrets = settings.filter(({ node }) => node.writeOnly === true)
  assert.deepEqual(
    secrets.map(({ path }) => path.join('.')),
    [
      'sealing_keys',
      'identity_provider.client_secret',
      'store.redis_url',
      'store.redis_password',
      'sign_in.client.*.client_secret',
    ],
  )
  for (const { path } of secrets)
    assert.ok(paths.includes(`${path.join('.')}_file`), path.join('.'))
})

test('every setting has an environment name of its own, every flag its own name', () => {
  const names = settings.map(environmentName)
  assert.equal(new Set(names).size, names.length)
  const flagNames = flags.map(({ name }) => name)
  assert.equal(new Set(flagNames).size, flagNames.length)
})

test('no secret is a flag: others can read arguments', () => {
  for (const { setting } of flags) {
    const found = settings.find(({ path }) => path.join('.') === setting?.join('.'))
    assert.notEqual(found?.node.writeOnly, true)
  }
})

test('every setting can come from the environment', () => {
  const example: Readonly<Record<string, string>> = {
    duration: '5s',
    switch: 'true',
    number: '5000',
    list: 'a',
  }
  for (const setting of settings.filter(({ kind }) => kind !== 'texts')) {
    const name = environmentName(setting)
    const value = setting.node.enum?.[0] ?? example[setting.kind] ?? 'x'
    const loaded = loadGiven({ environment: { [name]: value } })
    assert.ok(loaded.kind === 'problems')
    const unknown = loaded.problems.filter(
      ({ key, message }) => key === name && message === 'is not a setting',
    )
    assert.deepEqual(unknown, [], name)
  }
})

/** The examples and defaults of the contract's page; where it has none, nothing. */
const contract: Readonly<Record<string, unknown>> = {
  listen: '127.0.0.1:8080',
  admin_listen: '127.0.0.1:9090',
  internal_hosts: [],
  allowed_origins: [],
  trusted_proxies: [],
  shutdown_delay: '5s',
  shutdown_grace: '20s',
  log_level: 'info',
  keep_alive: '75s',
  'identity_provider.groups_claim': 'groups',
  'identity_provider.signing_algorithms': ['RS256'],
  'identity_provider.stale_for': '24h',
  'identity_provider.authorize_parameters': {},
  'limits.header_bytes': 32768,
  'limits.body_bytes': 4194304,
  'limits.header_timeout': '15s',
  'limits.body_timeout': '30s',
  'limits.registrations_per_minute': 30,
  'limits.sign_ins_per_minute': 60,
  'limits.batch_messages': 50,
  'limits.calls_per_user': 64,
  'limits.streams_per_user': 64,
  'limits.buffered_bytes': 134217728,
  'limits.connections': 0,
  'audit.before_dispatch': false,
  'audit.arguments': [],
  'sign_in.redirect_uris': ['loopback'],
  'sign_in.registration': true,
  'sign_in.client_metadata_hosts': [],
  'sign_in.consent': 'ask',
  'sign_in.issuer_parameter': true,
  'sign_in.popup_origins': [],
  'sign_in.session_lifetime': '24h',
  'sign_in.client.*.skip_consent': false,
  'resource.*.path': '/mcp',
  'resource.*.upstream_token_header': 'authorization',
  'resource.*.upstream_identity': 'caller',
  'resource.*.connect_timeout': '5s',
  'resource.*.response_timeout': '300s',
  'resource.*.stream_keep_alive': '25s',
  'resource.*.labels': {},
  'resource.*.required_scopes': [],
  'resource.*.required_groups': [],
  'resource.*.allowed_clients': [],
  'resource.*.allow_app_tokens': false,
  'resource.*.token_issuers': [],
  'resource.*.token_kind': 'access_token',
  'resource.*.rules': 'enforce',
  'resource.*.allow.*.tools': ['*'],
  'resource.*.allow.*.groups': [],
  'resource.*.allow.*.clients': [],
}

test('defaults are those of the contract', () => {
  for (const [path, initial] of Object.entries(contract)) {
    const found = settings.find((setting) => setting.path.join('.') === path)
    assert.deepEqual(found?.node.default, initial, path)
  }
})

test('resource_defaults has the keys of a resource but its own, and no default of its own', () => {
  const of = (table: string) =>
    settings.flatMap(({ path, node }) => (path[0] === table ? [[path.at(-1) ?? '', node]] : []))
  const own = ['name', 'path', 'upstream']
  // Keys of an item have their defaults wherever the item stands.
  const ofRules = ['tools', 'hint', 'groups', 'clients']
  const shared = of('resource').filter(([key]) => !own.includes(String(key)))
  assert.deepEqual(
    of('resource_defaults'),
    shared.map(([key, node]) => {
      const { default: _, ...rest } = node as Record<string, unknown>
      return [key, ofRules.includes(String(key)) ? node : rest]
    }),
  )
})

test('no switch is on by itself but those that make nothing unsafe', () => {
  const on = settings.filter(({ node }) => node.default === true).map(({ path }) => path.join('.'))
  assert.deepEqual(on, ['sign_in.registration', 'sign_in.issuer_parameter', 'fleet.fan_out'])
})

test('the configuration of the contract loads, with mode off', () => {
  const text = readFileSync(new URL('../../fixtures/contract.toml', import.meta.url), 'utf8')
  const config = configOf(
    loadGiven({
      flags: { config: '/c.toml' },
      environment: { MCP_OAUTH_CLIENT_SECRET: 'x' },
      files: { '/c.toml': text },
    }),
  )
  assert.equal(config.public_url, 'https://mcp.example.com')
  assert.ok(config.identity_provider.kind === 'entra')
  assert.notEqual(config.identity_provider.tenant_id, tenant)
  assert.equal(config.resources[0]?.name, 'prod')
})

test('problems are paragraphs with the remedy below', () => {
  const problem = { key: 'listen', message: 'is wrong', remedy: 'Write it well.' }
  assert.equal(
    formatProblems([problem, problem], 'error'),
    'error: listen is wrong\n  Write it well.\nerror: listen is wrong\n  Write it well.\n',
  )
  assert.equal(formatProblems([], 'warning'), '')
})
