import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loadWith, tenant, warningsOf } from '../../support/configuration.ts'

const v1 = `https://sts.windows.net/${tenant}/`
const v2 = `https://login.microsoftonline.com/${tenant}/v2.0`
const other = '99999999-2222-4333-8444-555555555555'

type Row = readonly [name: string, issuers: readonly string[], words: RegExp, all: boolean]

const rows: readonly Row[] = [
  [
    'a v1 issuer without its slash',
    [v1.slice(0, -1)],
    /character by character.*windows\.net\/1/s,
    true,
  ],
  ['a v2.0 issuer with a slash', [`${v2}/`], /character by character.*v2\.0"/s, true],
  ['another tenant', [v1.replace(tenant, other)], /another tenant/, true],
  ['another cloud, v1', [`https://sts.chinacloudapi.cn/${tenant}/`], /another cloud/, true],
  ['another cloud, v2', [`https://login.microsoftonline.us/${tenant}/v2.0`], /another cloud/, true],
  ['one wrong beside a right one', [v1, `${v2}/`], /token_issuers\[1\] is not written/, false],
]
for (const [name, token_issuers, words, all] of rows) {
  test(`${name} is told, and whether it keeps everybody out`, () => {
    const warnings = warningsOf(loadWith({ 'resource.0.token_issuers': token_issuers }))
    assert.equal(warnings.length, 1, JSON.stringify(warnings))
    const [{ key, message, remedy, excludesAll } = assert.fail()] = warnings
    assert.match(`${key} ${message} ${remedy}`, words)
    assert.equal(excludesAll ?? false, all)
  })
}

test('the issuers of the tenant and those of others than Entra are not told', () => {
  for (const token_issuers of [[v1], [v2], [v1, v2], ['https://proxy.test/']]) {
    assert.deepEqual(warningsOf(loadWith({ 'resource.0.token_issuers': token_issuers })), [])
  }
  const usgov = { 'identity_provider.cloud': 'usgov', 'resource.0.token_issuers': [v1] }
  assert.deepEqual(warningsOf(loadWith(usgov)), [])
})

test('an api:// audience is never that of a v2.0 token', () => {
  const changes = { 'resource.0.token_issuers': [v2], 'resource.0.audiences': ['api://mine'] }
  const [warning] = warningsOf(loadWith(changes))
  assert.equal(warning?.excludesAll, true)
  assert.match(warning?.message ?? '', /always a GUID/)
  const both = { ...changes, 'resource.0.token_issuers': [v1, v2] }
  assert.deepEqual(warningsOf(loadWith(both)), [])
})
