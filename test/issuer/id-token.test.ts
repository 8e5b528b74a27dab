import assert from 'node:assert/strict'
import { createHash, generateKeyPairSync } from 'node:crypto'
import { type TestContext, test } from 'node:test'
import { exportJWK, SignJWT } from 'jose'
import type { IdTokenFlaw, IdTokenVerdict } from '../../src/issuer/id-token.ts'
import { asJwt, type SigningKey, signingKey, signToken } from '../support/issuer-server.ts'
import { type Simulation, simulate, simulateWarm } from '../support/simulated-provider.ts'

const CLIENT = 'rolecall'
const NONCE = 'nonce-of-this-sign-in'
const ACCESS_TOKEN = 'access.token.text'

const configured = { configure: () => ({ client_id: CLIENT }) }
const half = (text: string) =>
  createHash('sha256').update(text).digest().subarray(0, 16).toString('base64url')

type Claims = Readonly<Record<string, unknown>>

function goodClaims({ server, now }: Simulation): Claims {
  const second = Math.floor(now())
  return {
    iss: server.issuer,
    aud: CLIENT,
    sub: 'alice',
    nonce: NONCE,
    iat: second,
    exp: second + 300,
  }
}

interface Row {
  /** `undefined` takes a claim away. */
  readonly claims?: Claims | ((good: Claims) => Claims)
  readonly header?: Readonly<Record<string, string>>
  readonly signer?: 'other'
  readonly accessToken?: string
  readonly nonce?: string
}

async function verdictOn(t: TestContext, row: Row): Promise<IdTokenVerdict> {
  const simulation = await simulateWarm(t, configured)
  const good = goodClaims(simulation)
  const changes = typeof row.claims === 'function' ? row.claims(good) : (row.claims ?? {})
  const { key, provider } = simulation
  const signer: SigningKey = row.signer ? { ...(await signingKey('other')), kid: key.kid } : key
  const { compact } = await signToken(signer, { ...good, ...changes }, row.header)
  assert.ok(provider.verifyIdToken)
  return provider.verifyIdToken({
    idToken: compact,
    nonce: row.nonce ?? NONCE,
    accessToken: row.accessToken ?? ACCESS_TOKEN,
  })
}

const valid: Readonly<Record<string, Row>> = {
  'an ID token of this sign-in is valid': {},
  'one with further audiences is, when azp is this client': {
    claims: { aud: ['kubernetes', CLIENT], azp: CLIENT },
  },
  'one with the hash of the access token is': { claims: { at_hash: half(ACCESS_TOKEN) } },
  'one of a clock that is 29 s ahead is': { claims: ({ iat }) => ({ iat: Number(iat) + 29 }) },
}

for (const [rule, row] of Object.entries(valid)) {
  test(rule, async (t) => {
    const verdict = await verdictOn(t, row)
    assert.ok(verdict.kind === 'valid', JSON.stringify(verdict))
    assert.equal(verdict.claims['sub'], 'alice')
  })
}

const invalid: Readonly<Record<string, Row & { flaw: IdTokenFlaw; words: RegExp }>> = {
  'signed by a key that is not the provider’s': {
    signer: 'other',
    flaw: 'signature',
    words: /not signed by a key of the identity provider; .*jwks_uri/,
  },
  'of another issuer': {
    claims: ({ iss }) => ({ iss: `${iss}/` }),
    flaw: 'issuer',
    words: /is from issuer http.*\/ and not from http/,
  },
  'of no issuer': { claims: { iss: undefined }, flaw: 'issuer', words: /from issuer none/ },
  'for another client': {
    claims: { aud: 'grafana' },
    flaw: 'audience',
    words: /is for grafana and not for rolecall; .*identity_provider\.client_id/,
  },
  'for nobody': { claims: { aud: [] }, flaw: 'audience', words: /is for none/ },
  'for several and issued to another': {
    claims: { aud: [CLIENT, 'grafana'], azp: 'grafana' },
    flaw: 'authorized_party',
    words: /issued to client grafana \(azp\)/,
  },
  'for several and issued to nobody': {
    claims: { aud: [CLIENT, 'grafana'] },
    flaw: 'authorized_party',
    words: /issued to client none/,
  },
  'issued to another client': {
    claims: { azp: 'grafana' },
    flaw: 'authorized_party',
    words: /issued to client grafana/,
  },
  'of nobody': { claims: { sub: '' }, flaw: 'subject', words: /no subject \(sub\)/ },
  'that ends in this second': {
    claims: ({ iat }) => ({ exp: iat }),
    flaw: 'expired',
    words: /clocks/,
  },
  'that never ends': { claims: { exp: undefined }, flaw: 'expired', words: /has no exp/ },
  'from the future': {
    claims: ({ iat }) => ({ iat: Number(iat) + 31 }),
    flaw: 'not_yet_valid',
    words: /not valid yet/,
  },
  'that was issued at no time': {
    claims: { iat: undefined },
    flaw: 'not_yet_valid',
    words: /has no iat/,
  },
  'that is not valid before later': {
    claims: ({ iat }) => ({ nbf: Number(iat) + 31 }),
    flaw: 'not_yet_valid',
    words: /clocks/,
  },
  'of another sign-in': { nonce: 'another', flaw: 'nonce', words: /another sign-in/ },
  'without a nonce': { claims: { nonce: undefined }, flaw: 'nonce', words: /another sign-in/ },
  'with the hash of another access token': {
    claims: { at_hash: half('another') },
    flaw: 'access_token_hash',
    words: /another access token/,
  },
  'with a hash that is none': {
    claims: { at_hash: 7 },
    flaw: 'access_token_hash',
    words: /at_hash/,
  },
}

for (const [rule, row] of Object.entries(invalid)) {
  test(`an ID token ${rule} is not valid`, async (t) => {
    const verdict = await verdictOn(t, row)
    assert.ok(verdict.kind === 'invalid', JSON.stringify(verdict))
    assert.equal(verdict.flaw, row.flaw)
    assert.match(verdict.description, row.words)
    assert.match(verdict.description, /^The ID token [\x20-\x7e]+\.$/)
  })
}

test('an ID token may be signed with what discovery offers, also where access tokens are not', async (t) => {
  const simulation = await simulateWarm(t, {
    configure: () => ({ client_id: CLIENT, signing_algorithms: ['RS256'] }),
  })
  const { clock, provider, server } = simulation
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const elliptic = { ...(await exportJWK(publicKey)), kid: 'elliptic' }
  const { body } = server.keys as { body: { keys: object[] } }
  server.keys = { body: { keys: [...body.keys, elliptic] } }
  const verdict = async () => {
    const idToken = await new SignJWT({ ...goodClaims(simulation) })
      .setProtectedHeader({ alg: 'ES256', kid: 'elliptic' })
      .sign(privateKey)
    // Never as an access token, whose algorithms are those of the API server.
    const asAccessToken = await provider.verifier.verify(asJwt(idToken))
    assert.equal(asAccessToken.kind, 'bad_signature')
    return provider.verifyIdToken?.({ idToken, nonce: NONCE })
  }
  await clock.advance(3_600_000)
  const before = await verdict()
  assert.ok(before?.kind === 'invalid')
  assert.match(before.description, /signed with ES256, and taken are RS256 /)
  const discovery = server.discovery as { body: object }
  const offered = { id_token_signing_alg_values_supported: ['none', 'HS256', 'ES256'] }
  server.discovery = { body: { ...discovery.body, ...offered } }
  await clock.advance(3_600_000)
  assert.equal((await verdict())?.kind, 'valid')
  assert.deepEqual([provider.status().keyCount, provider.status().algorithms], [1, ['RS256']])
})

test('what is not signed by a public key is told with the algorithms that are taken', async (t) => {
  const simulation = await simulateWarm(t, configured)
  const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url')
  const claims = encode(goodClaims(simulation))
  for (const alg of ['HS256', 'none', 'ES256']) {
    const idToken = `${encode({ alg })}.${claims}.c2lnbmF0dXJl`
    const verdict = await simulation.provider.verifyIdToken?.({ idToken, nonce: NONCE })
    assert.ok(verdict?.kind === 'invalid')
    assert.equal(verdict.flaw, 'algorithm')
    assert.match(verdict.description, new RegExp(`signed with ${alg}, and taken are RS256 `))
  }
})

test('what is no JWT is told so', async (t) => {
  const { provider } = await simulateWarm(t, configured)
  const verdict = await provider.verifyIdToken?.({ idToken: 'a.b.c.d.e', nonce: NONCE })
  assert.ok(verdict?.kind === 'invalid')
  assert.equal(verdict.flaw, 'not_a_jwt')
})

test('no nonce is looked for where none was sent', async (t) => {
  const simulation = await simulateWarm(t, configured)
  const { compact } = await signToken(simulation.key, {
    ...goodClaims(simulation),
    nonce: undefined,
  })
  const verdict = await simulation.provider.verifyIdToken?.({ idToken: compact })
  assert.equal(verdict?.kind, 'valid')
})

test('without keys nothing is decided', async (t) => {
  const simulation = await simulate(t, configured)
  const { compact } = await signToken(simulation.key, goodClaims(simulation))
  const verdict = await simulation.provider.verifyIdToken?.({ idToken: compact, nonce: NONCE })
  assert.ok(verdict?.kind === 'unavailable')
  assert.ok(verdict.retryAfter >= 1)
})

test('nobody verifies ID tokens without a client_id', async (t) => {
  const { provider } = await simulateWarm(t)
  assert.equal(provider.verifyIdToken, undefined)
})
