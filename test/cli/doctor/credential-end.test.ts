import assert from 'node:assert/strict'
import { test } from 'node:test'
import { credentialEnd } from '../../../src/cli/doctor/credential-end.ts'
import { createAuthority } from '../../environment/certificates.ts'

const now = Date.now()

for (const [days, kind, words] of [
  [365, 'good', /ends in 36\d days/],
  [20, 'soon', /ends in \d+ days/],
  [-0.5, 'unusable', /ended on \d{4}-\d\d-\d\d/],
] as const) {
  test(`a certificate of ${days} days: ${kind}`, async () => {
    const authority = await createAuthority('Ends')
    const { certificate: pem } = await authority.issue({ clientName: 'rolecall', days })
    const end = credentialEnd({ kind: 'certificate', pem }, now)
    assert.equal(end?.kind, kind)
    assert.match(JSON.stringify(end), words)
  })
}

function tokenWith(claims: object): string {
  const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url')
  return `${encode({ alg: 'RS256' })}.${encode(claims)}.${Buffer.from('signature').toString('base64url')}`
}

const exchange = 'api://AzureADTokenExchange'
const later = Math.floor(now / 1000) + 600
const rows: readonly (readonly [
  string,
  object,
  'public' | 'usgov' | undefined,
  RegExp | undefined,
])[] = [
  ['a good one', { aud: [exchange], exp: later }, 'public', undefined],
  ['one that is over', { aud: exchange, exp: later - 1200 }, 'public', /ended 10 minutes ago/],
  [
    'one for the API server',
    { aud: ['https://kubernetes.default.svc'], exp: later },
    'public',
    /takes api:\/\/AzureADTokenExchange\b/,
  ],
  ['one for another cloud', { aud: [exchange], exp: later }, 'usgov', /AzureADTokenExchangeUSGov/],
  ['any audience at another provider', { aud: ['x'], exp: later }, undefined, undefined],
  ['one without an end', { aud: [exchange] }, 'public', undefined],
]
for (const [name, claims, cloud, words] of rows) {
  test(`a federated token: ${name}`, () => {
    const end = credentialEnd({ kind: 'token', token: `${tokenWith(claims)}\n`, cloud }, now)
    if (words === undefined) assert.equal(end, undefined)
    else {
      assert.equal(end?.kind, 'unusable')
      assert.match(JSON.stringify(end), words)
    }
  })
}

test('what is no token says nothing: its use tells', () => {
  assert.equal(credentialEnd({ kind: 'token', token: 'x', cloud: 'public' }, now), undefined)
})
