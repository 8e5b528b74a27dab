import assert from 'node:assert/strict'
import { createHmac, sign } from 'node:crypto'
import { type TestContext, test } from 'node:test'
import { exportJWK, exportSPKI, importJWK } from 'jose'
import type { OidcConfig } from '../../src/config/config.ts'
import type { TokenVerifier, Verification } from '../../src/issuer/token-verifier.ts'
import type { Jwt } from '../../src/oauth/jwt.ts'
import { asJwt, type SigningKey, signingKey, signToken } from '../support/issuer-server.ts'
import { type SimulationOptions, simulateWarm } from '../support/simulated-provider.ts'

const second = 1_000
const hour = 3_600_000

async function warm(t: TestContext, options: SimulationOptions = {}) {
  const simulation = await simulateWarm(t, options)
  const { verifier } = simulation.provider
  return { ...simulation, verifier }
}

function encode(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}

/** The token with another header, or another signature, and everything else as it was. */
function edited(jwt: Jwt, change: { header?: object; claims?: object; signature?: string }): Jwt {
  const [header, claims, signature] = jwt.compact.split('.')
  const parts = [
    change.header ? encode(change.header) : header,
    change.claims ? encode(change.claims) : claims,
    change.signature ?? signature,
  ]
  return asJwt(parts.join('.'))
}

function otherSignature(jwt: Jwt): string {
  const bytes = Buffer.from(jwt.compact.split('.')[2] ?? '', 'base64url')
  bytes[0] = (bytes[0] ?? 0) ^ 1
  return bytes.toString('base64url')
}

function publish(...keys: SigningKey[]) {
  return { body: { keys: keys.map((key) => key.jwk) } }
}

/** From then on it is remembered. */
async function verifyTwice(verifier: TokenVerifier, jwt: Jwt): Promise<void> {
  for (let i = 0; i < 2; i += 1) assert.equal((await verifier.verify(jwt)).kind, 'signed')
}

test('a token that came twice is recalled by its exact text, the same object', async (t) => {
  const { verifier, key, now } = await warm(t)
  const jwt = await signToken(key, { iat: now(), sub: 'alice' })
  assert.equal(verifier.recall(jwt.compact), undefined)
  await verifier.verify(jwt)
  assert.equal(verifier.recall(jwt.compact), undefined)
  const verification = await verifier.verify(jwt)
  assert.ok(verification.kind === 'signed')
  assert.equal(verifier.recall(jwt.compact), verification.token)
  assert.deepEqual(verification.token.jwt, jwt)
})

test('a cached token with an edited signature is neither recalled nor verified', async (t) => {
  const { verifier, key, now } = await warm(t)
  const jwt = await signToken(key, { iat: now() })
  await verifyTwice(verifier, jwt)
  const forged = edited(jwt, { signature: otherSignature(jwt) })
  assert.equal(verifier.recall(forged.compact), undefined)
  assert.deepEqual(await verifier.verify(forged), { kind: 'bad_signature' })
  assert.ok(verifier.recall(jwt.compact))
})

test('what is handed on is what was signed, whatever claims stand beside the text', async (t) => {
  const { verifier, key, now } = await warm(t)
  const jwt = await signToken(key, { iat: now(), sub: 'bob' })
  const verification = await verifier.verify({ ...jwt, claims: { ...jwt.claims, sub: 'alice' } })
  assert.ok(verification.kind === 'signed')
  assert.equal(verification.token.jwt.claims['sub'], 'bob')
})

test('the same token verified many times at once costs one signature check', async (t) => {
  const { verifier, key, now } = await warm(t)
  const jwt = await signToken(key, { iat: now() })
  const all = await Promise.all(Array.from({ length: 50 }, () => verifier.verify(jwt)))
  assert.equal(new Set(all.slice(1).map((it) => it.kind === 'signed' && it.token)).size, 1)
  assert.equal(all[0]?.kind, 'signed')
  assert.equal(verifier.cachedTokens(), 1)
})

const refused: Record<string, (jwt: Jwt, key: SigningKey) => Promise<Jwt> | Jwt> = {
  'HS256 with the public key (PEM) as the secret': async (jwt, key) => {
    const pem = await exportSPKI((await importJWK(key.jwk, 'RS256')) as CryptoKey)
    return hmac(jwt, pem, key)
  },
  'HS256 with the public key (JWK) as the secret': (jwt, key) =>
    hmac(jwt, JSON.stringify(key.jwk), key),
  'alg none': (jwt, key) => edited(jwt, { header: { alg: 'none', kid: key.kid } }),
  'an algorithm that is not allowed, though the key fits': (jwt, key) =>
    signToken(key, jwt.claims, { alg: 'RS512' }),
  'no alg': (jwt, key) => edited(jwt, { header: { kid: key.kid } }),
  'a kid that is not text': (jwt, key) => signedWith(key, { alg: 'RS256', kid: 7 }, jwt),
  'a good signature over crit': (jwt, key) =>
    signedWith(key, { alg: 'RS256', kid: key.kid, crit: ['b64'], b64: true }, jwt),
  'a good signature over b64 without crit': (jwt, key) =>
    signedWith(key, { alg: 'RS256', kid: key.kid, b64: true }, jwt),
  'edited claims': (jwt) => edited(jwt, { claims: { ...jwt.claims, sub: 'root' } }),
}

/** A right RS256 signature over any header. */
function signedWith(key: SigningKey, header: object, jwt: Jwt): Jwt {
  const input = `${encode(header)}.${encode(jwt.claims)}`
  return asJwt(
    `${input}.${sign('sha256', Buffer.from(input), key.privateKey).toString('base64url')}`,
  )
}

test('a right signature over a plain header made the same way is taken', async (t) => {
  const { verifier, key, now } = await warm(t)
  const jwt = await signToken(key, { iat: now() })
  const plain = signedWith(key, { alg: 'RS256', kid: key.kid }, jwt)
  assert.equal((await verifier.verify(plain)).kind, 'signed')
})

function hmac(jwt: Jwt, secret: string, key: SigningKey): Jwt {
  const input = `${encode({ alg: 'HS256', kid: key.kid })}.${jwt.compact.split('.')[1]}`
  return asJwt(`${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`)
}

for (const [name, change] of Object.entries(refused)) {
  test(`${name}: bad_signature, without a fetch`, async (t) => {
    const { verifier, key, now, server } = await warm(t)
    const jwt = await signToken(key, { iat: now(), sub: 'alice' })
    assert.deepEqual(await verifier.verify(await change(jwt, key)), { kind: 'bad_signature' })
    assert.equal(server.requests.keys, 1)
  })
}

test('HS256 never passes, not even when signing_algorithms names it and the set has the secret', async (t) => {
  const algorithms = ['RS256', 'HS256'] as readonly string[] as OidcConfig['signing_algorithms']
  const configure = () => ({ signing_algorithms: algorithms })
  const { verifier, key, server, clock, now } = await warm(t, { configure })
  const secret = Buffer.alloc(32, 1)
  const oct = { kty: 'oct', kid: 'shared', k: secret.toString('base64url') }
  server.keys = { body: { keys: [key.jwk, oct] } }
  await clock.advance(hour)
  const input = `${encode({ alg: 'HS256', kid: 'shared' })}.${encode({ iat: now() - 10 })}`
  const mac = createHmac('sha256', secret).update(input).digest('base64url')
  assert.notEqual((await verifier.verify(asJwt(`${input}.${mac}`))).kind, 'signed')
})

test('keys and addresses in the header are never used', async (t) => {
  const { verifier, server, now } = await warm(t)
  const own = await signingKey('own')
  const jwk = await exportJWK(own.privateKey)
  const header = {
    jwk: { kty: 'RSA', n: jwk.n, e: jwk.e },
    jku: `${server.origin}/other`,
    x5u: `${server.origin}/other`,
    x5c: ['AAAA'],
  } as object
  const jwt = await signToken(own, { iat: now() - 10 }, header)
  assert.deepEqual(await verifier.verify(jwt), { kind: 'unknown_key' })
  assert.equal(server.requests.keys, 1)
})

test('a token without kid is verified with the keys that fit', async (t) => {
  const { verifier, key, server, clock, now } = await warm(t)
  const second = await signingKey('second')
  server.keys = publish(key, second)
  await clock.advance(hour)
  const { kid: _kid, ...rest } = (await signToken(second, { iat: now() })).header
  const jwt = await signToken(second, { iat: now() }, { ...rest, kid: undefined } as object)
  assert.equal('kid' in jwt.header, false)
  assert.equal((await verifier.verify(jwt)).kind, 'signed')
})

test('a key that left the key set is refused from the next fetch on, cached tokens too', async (t) => {
  const { verifier, key, server, clock, now } = await warm(t)
  const jwt = await signToken(key, { iat: now() })
  await verifyTwice(verifier, jwt)
  server.keys = publish(await signingKey('second'))
  await clock.advance(hour - second)
  assert.ok(verifier.recall(jwt.compact))
  await clock.advance(second)
  assert.equal(verifier.recall(jwt.compact), undefined)
  assert.deepEqual(await verifier.verify(jwt), { kind: 'unknown_key' })
})

test('a new key is fetched once for a token that is younger than the key set', async (t) => {
  const { verifier, key, server, clock, now, events } = await warm(t)
  const next = await signingKey('next')
  server.keys = publish(key, next)
  await clock.advance(2 * second)
  const tokens = await Promise.all(
    Array.from({ length: 20 }, (_, index) => signToken(next, { iat: now(), index })),
  )
  const verifications = await Promise.all(tokens.map((jwt) => verifier.verify(jwt)))
  assert.ok(verifications.every((it) => it.kind === 'signed'))
  assert.equal(server.requests.keys, 2)
  assert.equal(events.filter((event) => event.kind === 'keys_changed').length, 2)
})

test('an unknown key is 401 when the set was fetched after iat or there is no finite iat', async (t) => {
  const { verifier, server, now } = await warm(t)
  const stranger = await signingKey('stranger')
  for (const claims of [{ iat: now() - 1 }, {}, { iat: 'now' as unknown as number }]) {
    const jwt = await signToken(stranger, claims)
    assert.deepEqual(await verifier.verify(jwt), { kind: 'unknown_key' })
  }
  assert.equal(server.requests.keys, 1)
})

test('a key set fetched within the second of iat does not decide, one fetched a second later does', async (t) => {
  const { verifier, server, clock, now } = await warm(t)
  const stranger = await signingKey('stranger')
  const jwt = await signToken(stranger, { iat: now() })
  const pending = { kind: 'unavailable', reason: 'key_fetch_pending', retryAfter: 30 }
  assert.deepEqual(await verifier.verify(jwt), pending)
  assert.equal(server.requests.keys, 2)
  await clock.advance(29_500)
  assert.deepEqual(await verifier.verify(jwt), { ...pending, retryAfter: 1 })
  assert.equal(server.requests.keys, 2)
  await clock.advance(500)
  assert.deepEqual(await verifier.verify(jwt), { kind: 'unknown_key' })
  assert.equal(server.requests.keys, 3)
})

test('a flood of unknown keys costs one fetch in 30 s and no good token anything', async (t) => {
  const { verifier, key, server, clock, now } = await warm(t)
  const stranger = await signingKey('stranger')
  for (let step = 0; step < 60; step += 1) {
    const flood = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        signToken(stranger, { iat: now() + 60 }, { kid: `${step}.${index}` }),
      ),
    )
    const good = await signToken(key, { iat: now(), step })
    const [verified, ...others] = await Promise.all(
      [good, ...flood].map((jwt) => verifier.verify(jwt)),
    )
    assert.equal(verified?.kind, 'signed')
    assert.ok(others.every((it) => it.kind === 'unavailable' && it.retryAfter <= 30))
    await clock.advance(second)
  }
  assert.equal(server.requests.keys, 1 + 2)
})

test('a failing provider is asked once in 30 s for unknown keys, and not more in the background', async (t) => {
  const { verifier, server, clock, now } = await warm(t)
  const stranger = await signingKey('stranger')
  server.keys = { status: 503, body: {} }
  const kinds: Verification['kind'][] = []
  for (let step = 0; step < 60; step += 1) {
    kinds.push((await verifier.verify(await signToken(stranger, { iat: now() }))).kind)
    await clock.advance(second)
  }
  assert.deepEqual(new Set(kinds), new Set(['unavailable']))
  assert.equal(server.requests.keys, 1 + 2)
})

test('a fetch under way when a key is unknown is waited for and followed by one of its own', async (t) => {
  const { verifier, key, server, clock, now } = await warm(t)
  const next = await signingKey('next')
  const held: (() => void)[] = []
  const asked = new Promise<void>((resolve) => {
    server.keys = (_request, response) => {
      held.push(() => response.end(JSON.stringify(publish(key).body)))
      resolve()
    }
  })
  clock.settleWith(() => new Promise((resolve) => setImmediate(resolve)))
  await clock.advance(hour)
  await asked
  const verification = verifier.verify(await signToken(next, { iat: now() }))
  server.keys = publish(key, next)
  for (const answer of held) answer()
  assert.equal((await verification).kind, 'signed')
})

async function crowded(t: TestContext) {
  const simulation = await warm(t)
  const { verifier, key, now } = simulation
  const padding = 'x'.repeat(1_500_000)
  const tokens: Jwt[] = []
  for (let index = 0; index < 12; index += 1) {
    tokens.push(await signToken(key, { iat: now(), index, padding }))
  }
  for (const jwt of tokens) await verifyTwice(verifier, jwt)
  const [first, last] = [tokens.at(0), tokens.at(-1)]
  assert.ok(first && last)
  return { ...simulation, first, last }
}

test('tokens that come once push none out that is used', async (t) => {
  const { verifier, last, key, now } = await crowded(t)
  const padding = 'y'.repeat(1_500_000)
  for (let index = 0; index < 12; index += 1) {
    await verifier.verify(await signToken(key, { iat: now(), index, padding }))
  }
  assert.notEqual(verifier.recall(last.compact), undefined)
})

test('the token cache is bounded by size: the tokens longest unused go first', async (t) => {
  const { verifier, first, last } = await crowded(t)
  assert.equal(verifier.recall(first.compact), undefined)
  assert.notEqual(verifier.recall(last.compact), undefined)
})

test('tokens that ended make room for the next', async (t) => {
  const { verifier, clock, key, now } = await warm(t)
  const lasting = async (seconds: number) => {
    const jwt = await signToken(key, { iat: now(), exp: now() + seconds, nonce: seconds })
    await verifyTwice(verifier, jwt)
    return () => verifier.recall(jwt.compact) !== undefined
  }
  const kept = [await lasting(10), await lasting(20), await lasting(30), await lasting(500)]
  await clock.advance(60 * second)
  kept.push(await lasting(100))
  assert.deepEqual(
    kept.map((isKept) => isKept()),
    [false, false, true, true, true],
  )
})

test('a signature is remembered for longer than its token', async (t) => {
  const { verifier, first } = await crowded(t)
  assert.equal(verifier.cachedTokens(), 12)
  assert.equal((await verifier.verify(first)).kind, 'signed')
  assert.deepEqual(verifier.recall(first.compact)?.jwt, first)
})

test('a signature that is remembered counts no more once its key is gone', async (t) => {
  const { verifier, first, server, clock } = await crowded(t)
  server.keys = publish(await signingKey('second'))
  await clock.advance(hour)
  assert.equal(verifier.recall(first.compact), undefined)
  assert.deepEqual(await verifier.verify(first), { kind: 'unknown_key' })
})

test('a verification under way while its key goes away ends in no signed token', async (t) => {
  const { verifier, key, server, clock, now } = await warm(t)
  const jwt = await signToken(key, { iat: now() - 10 })
  server.keys = publish(await signingKey('second'))
  let over = false
  const advancing = clock.advance(hour).then(() => {
    over = true
  })
  while (!over) {
    await verifier.verify(jwt)
    await new Promise((resolve) => setImmediate(resolve))
  }
  await advancing
  assert.equal(verifier.recall(jwt.compact), undefined)
  assert.deepEqual(await verifier.verify(jwt), { kind: 'unknown_key' })
})
