import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inspect } from 'node:util'
import { pino } from 'pino'
import { authenticate, exactToken, type Principal } from '../../src/access/authenticate.ts'
import { authorize } from '../../src/access/authorize.ts'
import type { Verification } from '../../src/issuer/token-verifier.ts'
import {
  assertRefusal,
  clientId,
  entraClaims,
  entraHeader,
  entraPolicy,
  now,
  oidc,
  oidcClaims,
  oidcPolicy,
  principalOf,
  refusalOf,
  signedToken,
  TrueVerifier,
  tenant,
  without,
} from './judged-tokens.ts'

const policy = entraPolicy()
const good = signedToken(entraHeader, entraClaims)
const at = (time: number) => () => time

for (const [rule, values, reason, status, error] of [
  ['no Authorization', [], 'no_token', 401, 'no_token'],
  ['another scheme', ['Basic YTpi'], 'no_token', 401, 'no_token'],
  [
    'two headers',
    [`Bearer ${good}`, `Bearer ${good}`],
    'more_than_one_authorization',
    400,
    'invalid_request',
  ],
  ['two words', [`Bearer ${good} x`], 'malformed_authorization', 400, 'invalid_request'],
  ['an opaque token', ['Bearer opaque'], 'not_a_jwt', 401, 'invalid_token'],
  ['an encrypted token', ['Bearer e30.a.b.c.d'], 'not_a_jwt', 401, 'invalid_token'],
  ['a token with a comma', [`Bearer ${good},`], 'not_a_jwt', 401, 'invalid_token'],
  ['a padded token', [`Bearer ${good}=`], 'not_a_jwt', 401, 'invalid_token'],
  [
    'a token with a wrong issuer',
    [`Bearer ${signedToken(entraHeader, oidcClaims)}`],
    'wrong_issuer',
    401,
    'invalid_token',
  ],
  [
    'an expired token',
    [`Bearer ${signedToken(entraHeader, { ...entraClaims, exp: 1 })}`],
    'expired',
    401,
    'invalid_token',
  ],
] as const) {
  test(`${rule}: refused at once, before any key is looked at`, () => {
    const verifier = new TrueVerifier()
    const verdict = authenticate(values, { verifier, policy }, at(now))
    assert.ok(!(verdict instanceof Promise))
    assert.ok(verdict.kind === 'refused')
    assert.equal(verifier.verifications, 0)
    assert.equal('claimed' in verdict, false)
    assertRefusal(verdict.refusal, { reason, status, error, description: /./ })
  })
}

test('a request without a token does not even ask the cache', () => {
  const verifier = new TrueVerifier()
  void authenticate([], { verifier, policy }, at(now))
  assert.equal(verifier.recalls, 0)
})

test('a remembered token is judged in the same turn, without its signature', async () => {
  const verifier = new TrueVerifier()
  const access = { verifier, policy }
  await authenticate([`Bearer ${good}`], access, at(now))
  const verdict = authenticate([`bearer ${good}`], access, at(now))
  assert.ok(!(verdict instanceof Promise))
  assert.ok(verdict.kind === 'principal')
  assert.equal(exactToken(verdict.principal), good)
  assert.equal(verifier.verifications, 1)
})

test('a remembered token is refused from its exp on', async () => {
  const access = { verifier: new TrueVerifier(), policy }
  await authenticate([`Bearer ${good}`], access, at(now))
  const end = now + 3_600_000
  const before = await authenticate([`Bearer ${good}`], access, at(end - 1))
  assert.equal(before.kind, 'principal')
  const verdict = await authenticate([`Bearer ${good}`], access, at(end))
  assert.ok(verdict.kind === 'refused')
  assert.equal(verdict.refusal.reason, 'expired')
  assert.equal(verdict.claimed?.user, 'alice@contoso.com')
})

test('a token remembered at one resource is refused at another', async () => {
  const verifier = new TrueVerifier()
  await authenticate([`Bearer ${good}`], { verifier, policy }, at(now))
  const other = entraPolicy({ name: 'dev', audiences: ['api://dev'] })
  const verdict = authenticate([`Bearer ${good}`], { verifier, policy: other }, at(now))
  assert.ok(!(verdict instanceof Promise))
  assert.ok(verdict.kind === 'refused')
  assert.equal(verdict.refusal.reason, 'wrong_audience')
})

test('a remembered token with an edited signature is verified, and refused', async () => {
  const access = { verifier: new TrueVerifier(), policy }
  await authenticate([`Bearer ${good}`], access, at(now))
  const signature = good.lastIndexOf('.') + 1
  const letter = good[signature] === 'A' ? 'B' : 'A'
  const edited = good.slice(0, signature) + letter + good.slice(signature + 1)
  const verdict = await authenticate([`Bearer ${edited}`], access, at(now))
  assert.ok(verdict.kind === 'refused')
  assert.equal(verdict.refusal.reason, 'bad_signature')
  assert.equal('claimed' in verdict, false)
})

test('a memory that answers with another token is not believed', async () => {
  const verifier = new TrueVerifier()
  const bob = signedToken(entraHeader, { ...entraClaims, sub: 'pairwise-bob' })
  await authenticate([`Bearer ${bob}`], { verifier, policy }, at(now))
  const [remembered] = verifier.remembered.values()
  verifier.recall = () => remembered
  const verdict = await authenticate([`Bearer ${good}`], { verifier, policy }, at(now))
  assert.ok(verdict.kind === 'principal')
  assert.equal(verdict.principal.identity.sub, 'pairwise-alice')
  assert.equal(exactToken(verdict.principal), good)
})

test('a verification that answers with another token is not believed', async () => {
  const verifier = new TrueVerifier()
  const bob = signedToken(entraHeader, { ...entraClaims, sub: 'pairwise-bob' })
  await authenticate([`Bearer ${bob}`], { verifier, policy }, at(now))
  const [token] = verifier.remembered.values()
  assert.ok(token)
  verifier.answer = { kind: 'signed', token }
  const verdict = await authenticate([`Bearer ${good}`], { verifier, policy }, at(now))
  assert.ok(verdict.kind === 'refused')
  assert.equal(verdict.refusal.reason, 'bad_signature')
})

test('a token that expires while its signature is verified is refused', async () => {
  let time = now + 3_599_999
  const verdict = authenticate(
    [`Bearer ${good}`],
    { verifier: new TrueVerifier(), policy },
    () => time,
  )
  time += 1
  const settled = await verdict
  assert.ok(settled.kind === 'refused')
  assert.equal(settled.refusal.reason, 'expired')
})

for (const [reason, words] of [
  ['no_keys_yet', 'no keys of the identity provider are there yet'],
  ['keys_too_old', 'the identity provider has been away for longer than stale_for'],
  ['key_fetch_pending', 'the keys of the identity provider may be out of date'],
] as const) {
  test(`${reason} is a 503 with the seconds to wait`, async () => {
    const verifier = new TrueVerifier()
    const answer: Verification = { kind: 'unavailable', reason, retryAfter: 7 }
    verifier.answer = answer
    const verdict = await authenticate([`Bearer ${good}`], { verifier, policy }, at(now))
    assert.ok(verdict.kind === 'refused')
    assert.deepEqual(verdict.refusal, { reason: 'unavailable', cause: reason, retryAfter: 7 })
    assertRefusal(verdict.refusal, {
      reason: 'unavailable',
      status: 503,
      error: 'temporarily_unavailable',
      description: `The token cannot be checked at the moment, because ${words}; try again in 7 seconds.`,
    })
  })
}

test('what a refused token says of its person is told only when its signature held', async () => {
  const access = { verifier: new TrueVerifier(), policy }
  const wrongClient = signedToken(entraHeader, { ...entraClaims, appid: 'other' })
  const signed = await authenticate([`Bearer ${wrongClient}`], access, at(now))
  assert.ok(signed.kind === 'refused')
  assert.equal(signed.claimed?.azp, 'other')
  const unknown = signedToken({ ...entraHeader, kid: 'key-2' }, entraClaims)
  const unsigned = await authenticate([`Bearer ${unknown}`], access, at(now))
  assert.equal('claimed' in unsigned, false)
})

test('a principal of Entra', async () => {
  const principal = await principalOf(good, policy)
  assert.deepEqual(
    { ...principal, tokenDigest: '' },
    {
      identity: {
        iss: `https://sts.windows.net/${tenant}/`,
        sub: 'pairwise-alice',
        oid: '0a0a0a0a-0000-4000-8000-00000000a11c',
        tid: tenant,
        user: 'alice@contoso.com',
        azp: clientId,
        token_id: 'uti-alice',
      },
      resource: 'prod',
      groups: ['group-a', 'group-b'],
      groupsKnown: 'listed',
      groupsFailure: undefined,
      expiresAt: now + 3_600_000,
      userKey: `${tenant}|0a0a0a0a-0000-4000-8000-00000000a11c`,
      tokenDigest: '',
      session: undefined,
    },
  )
  assert.match(principal.tokenDigest, /^[\w-]{43}$/)
  assert.ok(Object.isFrozen(principal))
})

test('a principal of another provider', async () => {
  const principal = await principalOf(signedToken(entraHeader, oidcClaims), oidcPolicy())
  assert.equal(principal.identity.user, 'alice')
  assert.equal(principal.identity.token_id, 'jti-alice')
  assert.equal(principal.userKey, `${oidc.issuer}|5b1c7a52-alice`)
  assert.deepEqual(principal.groups, ['team-a'])
})

for (const [rule, claims, user] of [
  [
    'a guest without upn is called by oid',
    without(entraClaims, 'upn'),
    '0a0a0a0a-0000-4000-8000-00000000a11c',
  ],
  ['without upn and oid the subject remains', without(entraClaims, 'upn', 'oid'), 'pairwise-alice'],
  [
    'a upn that is no text does not count',
    { ...entraClaims, upn: ['x'] },
    '0a0a0a0a-0000-4000-8000-00000000a11c',
  ],
] as const) {
  test(rule, async () => {
    const principal = await principalOf(signedToken(entraHeader, claims), policy)
    assert.equal(principal.identity.user, user)
  })
}

test('user_claim names the person, and an unverified address does not', async () => {
  const byEmail = oidcPolicy({}, { user_claim: 'email' })
  const claims = { ...oidcClaims, email: 'alice@example.com' }
  const verified = await principalOf(signedToken(entraHeader, claims), byEmail)
  assert.equal(verified.identity.user, 'alice@example.com')
  const unverified = signedToken(entraHeader, { ...claims, email_verified: false })
  assert.equal((await principalOf(unverified, byEmail)).identity.user, '5b1c7a52-alice')
})

test('the person key does not follow a name, and differs between people', async () => {
  const renamed = signedToken(entraHeader, { ...entraClaims, upn: 'bob@contoso.com' })
  const other = signedToken(entraHeader, { ...entraClaims, oid: 'another' })
  const noOid = signedToken(entraHeader, without(entraClaims, 'oid'))
  const key = (await principalOf(good, policy)).userKey
  assert.equal((await principalOf(renamed, policy)).userKey, key)
  assert.notEqual((await principalOf(other, policy)).userKey, key)
  assert.equal((await principalOf(noOid, policy)).userKey, `${tenant}|pairwise-alice`)
})

test('a token without uti and jti is named by a hash that is not its digest', async () => {
  const unnamed = signedToken(entraHeader, without(entraClaims, 'uti'))
  const principal = await principalOf(unnamed, policy)
  assert.match(principal.identity.token_id, /^[\w-]{22}$/)
  assert.ok(!principal.tokenDigest.startsWith(principal.identity.token_id))
  assert.equal((await principalOf(unnamed, policy)).identity.token_id, principal.identity.token_id)
})

function printed(value: object): string {
  const lines: string[] = []
  const log = pino({ level: 'trace' }, { write: (line: string) => void lines.push(line) })
  log.info(value)
  log.info({ value }, 'nested %o %j %s', value, value, value)
  return [
    ...lines,
    JSON.stringify(value),
    JSON.stringify({ ...value }),
    inspect(value, { depth: 20, showHidden: true, showProxy: true }),
    String(value),
    JSON.stringify(structuredClone({ ...value })),
  ].join('\n')
}

test('printing or logging a principal or a permit does not show the token', async () => {
  const principal = await principalOf(good, policy)
  const authorization = authorize(principal, policy)
  assert.ok(authorization.kind === 'permit')
  for (const value of [principal, authorization.permit, { principal, authorization }]) {
    const output = printed(value)
    assert.ok(output.includes('pairwise-alice'))
    for (const part of good.split('.')) assert.ok(!output.includes(part.slice(0, 30)), output)
  }
})

test('a claim with control characters does not break a log line', async () => {
  const hostile = signedToken(entraHeader, { ...entraClaims, upn: 'a\r\n{"level":60}\u001b[2J' })
  const principal = await principalOf(hostile, policy)
  const lines: string[] = []
  const log = pino({}, { write: (line: string) => void lines.push(line) })
  log.info(principal)
  assert.equal(lines.length, 1)
  assert.match(lines[0] ?? '', /^[\x20-\x7e]+\n$/)
})

test('what only looks like a principal has no token', async () => {
  const principal = await principalOf(good, policy)
  // @ts-expect-error: a copy is no principal
  const copy: Principal = { ...principal }
  assert.throws(() => exactToken(copy), TypeError)
  // @ts-expect-error: nor is a literal
  const forged: Principal = { iss: 'x', sub: 'y', user: 'z' }
  assert.throws(() => exactToken(forged), TypeError)
})

test('an application that is allowed is called by its object', async () => {
  const app = { ...without(entraClaims, 'scp', 'upn'), idtyp: 'app' }
  const allowing = entraPolicy({ allow_app_tokens: true })
  const principal = await principalOf(signedToken(entraHeader, app), allowing)
  assert.equal(principal.identity.user, '0a0a0a0a-0000-4000-8000-00000000a11c')
  const refusal = await refusalOf(signedToken(entraHeader, app), policy)
  assert.equal(refusal.reason, 'app_token')
})
