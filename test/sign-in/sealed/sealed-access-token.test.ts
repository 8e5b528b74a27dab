import assert from 'node:assert/strict'
import { randomBytes, randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { inspect } from 'node:util'
import { deflateRawSync } from 'node:zlib'
import type { TokenSession } from '../../../src/access/token-opener.ts'
import { deriveKeys, type KeyRing } from '../../../src/sealing/derived-keys.ts'
import { seal, sealBytes } from '../../../src/sealing/sealed-value.ts'
import {
  audienceDigest,
  compressJwt,
  decompressJwt,
} from '../../../src/sign-in/sealed/jwt-compression.ts'
import {
  OpenedTokens,
  type SealedFor,
  sealAccessToken,
} from '../../../src/sign-in/sealed/sealed-access-token.ts'
import { packSession } from '../../../src/sign-in/sealed/session-bytes.ts'
import { familyDigest } from '../../../src/sign-in/sessions/family-digest.ts'
import { SimulatedClock } from '../../support/clock.ts'

const prod: SealedFor = { name: 'prod', url: 'https://mcp.example.com/mcp' }
const dev: SealedFor = { name: 'dev', url: 'https://mcp.example.com/dev' }
const newKey = () => randomBytes(32).toString('base64url')
const ringOf = (...keys: string[]): KeyRing => deriveKeys(keys).for('access token')
const encoded = (text: string | Uint8Array) => Buffer.from(text).toString('base64url')

/** A token whose signature is random, as one looks to everybody without the key. */
function token(claims: object, { header = {}, signature = 256 } = {}): string {
  const head = { typ: 'JWT', alg: 'RS256', kid: 'dAdcQ9pSGdUwXIh3O0QbmjdUwks', ...header }
  const texts = [head, claims].map((part) => encoded(JSON.stringify(part)))
  return [...texts, encoded(randomBytes(signature))].join('.')
}

const hour = 3600
const clock = new SimulatedClock()
const seconds = clock.now() / 1000
const claims = { sub: 'alice', exp: seconds + hour }
const opened = (keys: KeyRing, at = clock) => new OpenedTokens(keys, at)
const goesOn = () => undefined
/** The token inside, as one resource opens it. */
const insideAt = (tokens: OpenedTokens, resource: SealedFor) => {
  const opener = tokens.openerFor(resource, goesOn)
  return {
    recall: (sealed: string) => opener.recall(sealed)?.token,
    open: (sealed: string) => opener.open(sealed)?.token,
  }
}
const session: TokenSession = {
  family: familyDigest('a family'),
  began: clock.now(),
  client: { id: 'holmes' },
}
const handOut = (inside: string, audience: readonly SealedFor[], keys: KeyRing) =>
  sealAccessToken({ token: inside, audience, session }, keys)

test('what was sealed opens to the character, and shows nothing of itself', async () => {
  const keys = ringOf(newKey())
  const inside = token({ ...claims, upn: 'zoë@contoso.test' })
  const sealed = await handOut(inside, [prod], keys)
  assert.equal(insideAt(opened(keys), prod).open(sealed), inside)
  const readable = sealed.split('.').map((part) => Buffer.from(part, 'base64url').toString())
  for (const word of ['alice', 'contoso', 'prod', 'example', ...inside.split('.')]) {
    assert.ok(![sealed, ...readable].join().includes(word), word)
  }
})

test('it says in which session it was handed out, first opened and then remembered', async () => {
  const keys = ringOf(newKey())
  const opener = opened(keys).openerFor(prod, goesOn)
  for (const client of [{ id: 'holmes' }, { id: 'rc1.x.y', name: 'Zoë’s client \u0000' }]) {
    const began = Date.parse('2026-02-28T23:59:59.123Z')
    const of = { family: familyDigest('another'), began, client }
    const sealed = await sealAccessToken(
      { token: token(claims), audience: [prod], session: of },
      keys,
    )
    assert.deepEqual(opener.open(sealed)?.session, of)
    assert.deepEqual(opener.recall(sealed)?.session, of)
  }
})

test('every text of a JWT comes back as it was: spaces, other scripts, a byte order mark', () => {
  const texts = [
    '{ "exp" :\n1 }',
    '{"a":"\u2028漢字\u{1F600}"}',
    '\uFEFF{"exp":1}',
    `{"a":"\\u0000${'x'.repeat(5000)}"}`,
  ]
  for (const text of texts) {
    for (const length of [1, 64, 70, 256, 512]) {
      const inside = `${encoded('{"alg":"ES256"}')}.${encoded(text)}.${encoded(randomBytes(length))}`
      const audience = ['prod https://mcp.example.com/mcp']
      assert.deepEqual(decompressJwt(compressJwt({ token: inside, audience, note: text })), {
        token: inside,
        audience: new Set(audience.map(audienceDigest)),
        note: text,
      })
    }
  }
})

test('it opens at the resources that it is for and at no other', async () => {
  const keys = ringOf(newKey())
  const inside = token(claims)
  const tokens = opened(keys)
  const sealed = await handOut(inside, [prod], keys)
  const both = await handOut(inside, [prod, dev], keys)
  const renamed: SealedFor = { ...prod, name: 'other' }
  const moved: SealedFor = { ...prod, url: 'https://elsewhere.example.com/mcp' }
  // Twice: first opened, then remembered by the one memory that all resources share.
  for (let i = 0; i < 2; i += 1) {
    assert.equal(insideAt(tokens, prod).open(sealed), inside)
    for (const other of [dev, renamed, moved]) {
      assert.equal(insideAt(tokens, other).recall(sealed), undefined)
      assert.equal(insideAt(tokens, other).open(sealed), undefined)
    }
    for (const meant of [prod, dev]) {
      assert.equal(insideAt(tokens, meant).open(both), inside)
    }
    assert.equal(insideAt(tokens, renamed).open(both), undefined)
  }
})

test('what was sealed for another purpose or with another key does not open', async () => {
  const key = newKey()
  const keys = deriveKeys([key])
  const opener = insideAt(opened(keys.for('access token')), prod)
  const inside = token(claims)
  const note = JSON.stringify(session.client)
  const compressed = compressJwt({ token: inside, audience: [`${prod.name} ${prod.url}`], note })
  const packed = Buffer.concat([packSession(session), compressed])
  assert.equal(opener.open(await sealBytes(packed, keys.for('access token'))), inside)
  for (const purpose of ['refresh token', 'mcp session id', 'authorization code'] as const) {
    assert.equal(opener.open(await sealBytes(packed, keys.for(purpose))), undefined)
  }
  assert.equal(opener.open(await sealBytes(packed, ringOf(newKey()))), undefined)
})

test('what is sealed for this purpose and is no packed token opens as nothing', async () => {
  const keys = ringOf(newKey())
  const opener = insideAt(opened(keys), prod)
  assert.equal(opener.open(await seal({ token: token(claims) }, keys)), undefined)
  const bombs = [
    new Uint8Array(),
    Uint8Array.of(0),
    Uint8Array.of(255, 255, 1),
    packSession(session),
    Buffer.concat([packSession(session), Uint8Array.of(0, 0, 0, 0)]),
    Buffer.concat([
      packSession(session),
      Uint8Array.of(0, 0, 0, 0),
      deflateRawSync(Buffer.alloc(2_000_000)),
    ]),
    // A token that names no client.
    Buffer.concat([
      packSession(session),
      compressJwt({
        token: token(claims),
        audience: [`${prod.name} ${prod.url}`],
        note: '{"id":1}',
      }),
    ]),
  ]
  for (const bytes of bombs) {
    assert.equal(opener.open(await sealBytes(bytes, keys)), undefined)
  }
})

test('a changed character or another spelling opens as nothing, before and after the true one', async () => {
  const keys = ringOf(newKey())
  const opener = insideAt(opened(keys), prod)
  const sealed = await handOut(token(claims), [prod], keys)
  const spellings = [`${sealed}=`, `${sealed}.`, sealed.replace('..', '.AA.'), sealed.toLowerCase()]
  for (let i = 0; i < sealed.length; i += 41) {
    const letter = sealed[i] === 'A' ? 'B' : 'A'
    spellings.push(sealed.slice(0, i) + letter + sealed.slice(i + 1))
  }
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  const last = alphabet.indexOf(sealed.at(-1) ?? '')
  for (let bits = 1; bits < 16; bits += 1)
    spellings.push(sealed.slice(0, -1) + alphabet[last ^ bits])
  for (let i = 0; i < 2; i += 1) {
    for (const spelling of spellings) {
      assert.equal(opener.recall(spelling), undefined)
      assert.equal(opener.open(spelling), undefined)
    }
    assert.notEqual(opener.open(sealed), undefined)
  }
})

test('a key is replaced without ending a token: the first seals, all open', async () => {
  const [before, after] = [newKey(), newKey()]
  const inside = token(claims)
  const sealed = await handOut(inside, [prod], ringOf(before))
  assert.equal(insideAt(opened(ringOf(after, before)), prod).open(sealed), inside)
  assert.equal(insideAt(opened(ringOf(after)), prod).open(sealed), undefined)
})

test('it is remembered once opened, until the token inside ends, and still opens then', async () => {
  const keys = ringOf(newKey())
  const time = new SimulatedClock()
  const opener = insideAt(opened(keys, time), prod)
  const inside = token({ exp: time.now() / 1000 + hour })
  const sealed = await handOut(inside, [prod], keys)
  assert.equal(opener.recall(sealed), undefined)
  opener.open(sealed)
  await time.advance(hour * 1000 - 1)
  assert.equal(opener.recall(sealed), inside)
  await time.advance(1)
  assert.equal(opener.recall(sealed), undefined)
  // The refusal of an ended token is that of the token inside: it has to be seen.
  assert.equal(opener.open(sealed), inside)
  assert.equal(opener.recall(sealed), undefined)
})

test('what never ends, or has ended, is not remembered', async () => {
  const keys = ringOf(newKey())
  const opener = insideAt(opened(keys), prod)
  for (const exp of [undefined, 'soon', seconds, 0]) {
    const sealed = await handOut(token({ exp }), [prod], keys)
    assert.notEqual(opener.open(sealed), undefined)
    assert.equal(opener.recall(sealed), undefined)
  }
})

test('what is remembered is bounded in bytes: the one that was not used for longest goes', async () => {
  const keys = ringOf(newKey())
  const opener = insideAt(opened(keys), prod)
  const wide = () => token({ ...claims, pad: 'x'.repeat(750_000) })
  const inside = wide()
  const first = await handOut(inside, [prod], keys)
  const second = await handOut(wide(), [prod], keys)
  for (const sealed of [first, second]) opener.open(sealed)
  for (let i = 0; i < 70; i += 1) {
    assert.equal(opener.recall(first), inside)
    opener.open(await handOut(wide(), [prod], keys))
  }
  assert.equal(opener.recall(second), undefined)
})

test('printing what is remembered shows no token', async () => {
  const keys = ringOf(newKey())
  const tokens = opened(keys)
  const inside = token(claims)
  const sealed = await handOut(inside, [prod], keys)
  insideAt(tokens, prod).open(sealed)
  const output = inspect([tokens, tokens.openerFor(prod, goesOn)], { depth: 20, showHidden: true })
  for (const text of [inside, sealed]) assert.ok(!output.includes(text.slice(-40)))
})

/** As Entra writes them; ids are random, so that nothing is small because it is alike. */
const entraClaims = (groups: number) => ({
  aud: randomUUID(),
  iss: `https://sts.windows.net/${randomUUID()}/`,
  iat: seconds,
  nbf: seconds,
  exp: seconds + hour,
  aio: encoded(randomBytes(33)),
  appid: randomUUID(),
  groups: Array.from({ length: groups }, () => randomUUID()),
  ipaddr: '203.0.113.7',
  name: 'Alice Archer',
  oid: randomUUID(),
  rh: encoded(randomBytes(24)),
  scp: 'user_impersonation',
  sub: encoded(randomBytes(32)),
  tid: randomUUID(),
  unique_name: 'alice@contoso.test',
  upn: 'alice@contoso.test',
  uti: encoded(randomBytes(16)),
  ver: '1.0',
})

const keycloakClaims = {
  exp: seconds + 300,
  iat: seconds,
  jti: randomUUID(),
  iss: 'https://idp.example.com/realms/a',
  aud: ['kubernetes', 'account'],
  sub: randomUUID(),
  typ: 'Bearer',
  azp: 'rolecall',
  sid: randomUUID(),
  scope: 'openid profile',
  preferred_username: 'alice',
}

/** As little as a provider says: that of oidc-provider. */
const smallClaims = {
  jti: encoded(randomBytes(16)),
  sub: 'alice',
  iat: seconds,
  exp: seconds + 300,
  scope: 'openid offline_access',
  client_id: 'rolecall',
  iss: 'http://localhost:34567',
  aud: 'kubernetes',
}

test('a token for twenty resources is not longer than the token inside either', async () => {
  const keys = ringOf(newKey())
  const clusters = Array.from({ length: 20 }, (_, i) => ({
    name: `cluster-${i}`,
    url: `https://mcp.contoso.example/clusters/cluster-${i}/mcp`,
  }))
  for (const groups of [0, 5, 40]) {
    const inside = token(entraClaims(groups))
    const sealed = await handOut(inside, clusters, keys)
    assert.ok(sealed.length <= inside.length, `${sealed.length} for ${inside.length}`)
  }
})

test('a sealed token is never longer than the token inside, and 200 groups stay far below 16 KiB', async () => {
  const keys = ringOf(newKey())
  const inside = [
    ...[0, 5, 40, 200].map((groups) => token(entraClaims(groups))),
    token(keycloakClaims),
    token(keycloakClaims, { header: { alg: 'ES256' }, signature: 64 }),
    token(smallClaims),
    token(smallClaims, { header: { alg: 'ES256' }, signature: 64 }),
    token(smallClaims, { header: { alg: 'EdDSA' }, signature: 64 }),
  ]
  for (const one of inside) {
    const sealed = await handOut(one, [prod], keys)
    assert.ok(sealed.length <= one.length, `${sealed.length} for ${one.length}`)
    assert.ok(sealed.length < 8192, `${sealed.length}`)
  }
})
