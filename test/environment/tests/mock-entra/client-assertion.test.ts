import assert from 'node:assert/strict'
import { createPrivateKey } from 'node:crypto'
import { after, before, test } from 'node:test'
import { type JWTPayload, SignJWT } from 'jose'
import {
  createWorkload,
  rsaCertificate,
  sha256Thumbprint,
} from '../../../support/client-credentials.ts'
import { firstKeys } from '../../../support/first-keys.ts'
import type { IssuedCertificate } from '../../certificates.ts'
import { type Client, holmes, publicClient } from '../../mock-entra/directory.ts'
import { type MockEntra, startMockEntra } from '../../mock-entra/mock-entra.ts'
import { type Change, json, token } from './code-flow.ts'

const { client_secret: _, ...withoutSecret } = holmes
const workload = createWorkload()
let own: IssuedCertificate
let foreign: IssuedCertificate
let mock: MockEntra
before(async () => {
  ;[own, foreign] = await Promise.all([rsaCertificate(), rsaCertificate()])
  const client: Client = {
    ...withoutSecret,
    certificates: [own.certificate],
    federated_credentials: [workload.credential],
  }
  mock = await startMockEntra({ firstKeys: await firstKeys(), clients: [client, publicClient] })
})
after(() => mock.close())

interface Assertion {
  readonly header?: { readonly alg?: string; readonly thumbprintOf?: () => string }
  readonly claims?: JWTPayload
  readonly key?: () => string
}

/** An assertion as Entra's documentation has it, changed. */
function assertion({ header = {}, claims = {}, key }: Assertion = {}): Promise<string> {
  const { alg = 'PS256', thumbprintOf = () => own.certificate } = header
  const thumbprint = Buffer.from(sha256Thumbprint(thumbprintOf()), 'hex').toString('base64url')
  const now = Math.floor(Date.now() / 1000)
  const client = holmes.client_id
  const standard = {
    iss: client,
    sub: client,
    aud: `${mock.origin}/${mock.tenantId}/oauth2/v2.0/token`,
    jti: 'one',
    nbf: now,
    exp: now + 300,
  }
  return new SignJWT({ ...standard, ...claims })
    .setProtectedHeader({ alg, typ: 'JWT', 'x5t#S256': thumbprint })
    .sign(createPrivateKey(key?.() ?? own.key))
}

const jwtBearer = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'

/** A refresh with a token that is unknown: only an accepted client is told so. */
async function codeOf(text: string, change: Change = {}): Promise<unknown> {
  const answer = await token(mock, {
    grant_type: 'refresh_token',
    refresh_token: 'unknown',
    client_id: holmes.client_id,
    client_assertion: text,
    client_assertion_type: jwtBearer,
    ...change,
  })
  return (await json(answer))['error_codes']
}

const accepted = [9002313]
const now = Math.floor(Date.now() / 1000)

const certificateCases: readonly (readonly [string, Assertion, readonly number[]])[] = [
  ['PS256', {}, accepted],
  ['RS256', { header: { alg: 'RS256' } }, accepted],
  ['an algorithm that is not one of those', { header: { alg: 'PS384' } }, [700027]],
  ['the key of another certificate', { key: () => foreign.key }, [700027]],
  [
    'a certificate that is not registered',
    { header: { thumbprintOf: () => foreign.certificate }, key: () => foreign.key },
    [700027],
  ],
  ['another audience', { claims: { aud: 'https://login.microsoftonline.com/x' } }, [700027]],
  ['another issuer', { claims: { iss: publicClient.client_id } }, [700027]],
  ['another subject', { claims: { sub: publicClient.client_id } }, [700027]],
  ['an end in the past', { claims: { nbf: now - 900, exp: now - 400 } }, [700024]],
  ['a beginning to come', { claims: { nbf: now + 400, exp: now + 700 } }, [700024]],
  ['an hour to live', { claims: { exp: now + 3600 } }, [700024]],
]

for (const [name, change, codes] of certificateCases) {
  test(`an assertion by certificate with ${name}: ${codes}`, async () => {
    assert.deepEqual(await codeOf(await assertion(change)), codes)
  })
}

for (const [name, code] of Object.entries({ exp: 700027, jti: 700027, nbf: 700024 })) {
  test(`an assertion by certificate without ${name} is refused`, async () => {
    const claims = { [name]: undefined } as JWTPayload
    assert.deepEqual(await codeOf(await assertion({ claims })), [code])
  })
}

const workloadCases: readonly (readonly [string, object, readonly number[]])[] = [
  ['as registered', {}, accepted],
  ['of another issuer', { iss: 'https://oidc.example.test/cluster' }, [700213]],
  ['of another subject', { sub: 'system:serviceaccount:holmes:Rolecall' }, [700213]],
  ['for another audience', { aud: 'api://azureadtokenexchange' }, [700213]],
  ['that has ended', { nbf: now - 7200, exp: now - 3600 }, [700024]],
]

for (const [name, change, codes] of workloadCases) {
  test(`the token of a workload ${name}: ${codes}`, async () => {
    assert.deepEqual(await codeOf(await workload.token(change)), codes)
  })
}

test('the token of a workload that its issuer did not sign is refused', async () => {
  assert.deepEqual(await codeOf(await createWorkload('another cluster').token()), [700027])
})

test('an assertion without its type, or that is none, is refused', async () => {
  const text = await assertion()
  assert.deepEqual(await codeOf(text, { client_assertion_type: undefined }), [900144])
  assert.deepEqual(await codeOf('none'), [700027])
})

test('a public client may not assert', async () => {
  assert.deepEqual(await codeOf(await assertion(), { client_id: publicClient.client_id }), [700025])
})

test('a client without a secret may not show one', async () => {
  const secret = { client_assertion: undefined, client_secret: 'any' }
  assert.deepEqual(await codeOf('', secret), [7000215])
})
