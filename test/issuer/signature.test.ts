import assert from 'node:assert/strict'
import { constants, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { test } from 'node:test'
import { CompactSign, compactVerify } from 'jose'
import { ALGORITHMS, isSignedBy, keyKindOf } from '../../src/issuer/signature.ts'
import { rsaKeyPair } from '../support/rsa-keys.ts'

interface Pair {
  readonly publicKey: KeyObject
  readonly privateKey: KeyObject
}

const PAIRS: Readonly<Record<string, Pair>> = {
  RSA: rsaKeyPair('signature'),
  'EC P-256': generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  'EC P-384': generateKeyPairSync('ec', { namedCurve: 'P-384' }),
  'EC P-521': generateKeyPairSync('ec', { namedCurve: 'P-521' }),
  'OKP Ed25519': generateKeyPairSync('ed25519'),
}

/** Signatures that are wrong, or right in another spelling. */
type Change = (signature: Buffer, signed: Buffer, key: KeyObject) => Buffer

const CHANGES: Readonly<Record<string, Change>> = {
  'as it is': (signature) => signature,
  'one bit flipped': (signature) =>
    Buffer.from(signature.map((byte, i) => (i === 5 ? byte ^ 1 : byte))),
  'a byte short': (signature) => signature.subarray(1),
  'a zero before it': (signature) => Buffer.concat([Buffer.of(0), signature]),
  'a zero behind it': (signature) => Buffer.concat([signature, Buffer.of(0)]),
  'nothing but zeros': (signature) => Buffer.alloc(signature.length),
  'a single byte': () => Buffer.of(1),
  'of another text': (_, __, key) => sign(hashOf(key), Buffer.from('another'), key),
  'as node writes it by default: PKCS #1, DER': (_, signed, key) => sign(hashOf(key), signed, key),
  'with another hash': (_, signed, key) => sign(hashOf(key) && 'sha1', signed, key),
  'PSS with a salt of another length': (signature, signed, key) =>
    key.asymmetricKeyType === 'rsa'
      ? sign('sha256', signed, { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 20 })
      : signature,
}

function hashOf(key: KeyObject): string | null {
  return key.asymmetricKeyType === 'ed25519' ? null : 'sha256'
}

for (const algorithm of ALGORITHMS) {
  const pair = PAIRS[keyKindOf(algorithm) ?? '']
  for (const [name, change] of Object.entries(CHANGES)) {
    test(`${algorithm}, a signature ${name}: judged as jose judges it`, async () => {
      assert.ok(pair)
      const made = await new CompactSign(Buffer.from('{"sub":"alice"}'))
        .setProtectedHeader({ alg: algorithm })
        .sign(pair.privateKey)
      const end = made.lastIndexOf('.')
      const signature = Buffer.from(made.slice(end + 1), 'base64url')
      const changed = change(signature, Buffer.from(made.slice(0, end)), pair.privateKey)
      const compact = `${made.slice(0, end)}.${changed.toString('base64url')}`
      const byJose = await compactVerify(compact, pair.publicKey, { algorithms: [algorithm] }).then(
        () => true,
        () => false,
      )
      assert.equal(isSignedBy(compact, pair.publicKey, algorithm), byJose)
      if (name === 'as it is') assert.equal(byJose, true)
    })
  }
}

test('no signature holds by an algorithm that is not here', () => {
  const compact = 'e30.e30.AA'
  for (const algorithm of ['HS256', 'none', 'ES256K', 'constructor', '']) {
    assert.equal(isSignedBy(compact, rsaKeyPair('signature').publicKey, algorithm), false)
    assert.equal(keyKindOf(algorithm), undefined)
  }
})

test('a key that cannot serve the algorithm makes no signature, and no error', () => {
  for (const algorithm of ALGORITHMS) {
    for (const [kind, { publicKey }] of Object.entries(PAIRS)) {
      if (kind !== keyKindOf(algorithm)) {
        assert.equal(isSignedBy('e30.e30.AAAA', publicKey, algorithm), false)
      }
    }
  }
})
