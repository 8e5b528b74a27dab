import assert from 'node:assert/strict'
import { type KeyObject, X509Certificate } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { before, type TestContext, test } from 'node:test'
import { inspect } from 'node:util'
import { jwtVerify } from 'jose'
import type { ServerMetadata } from 'openid-client'
import { systemClock } from '../../../src/clock.ts'
import type { ProviderCredential } from '../../../src/config/config.ts'
import {
  CredentialError,
  type CredentialUse,
  clientAuthentication,
} from '../../../src/issuer/token-endpoint/client-credential.ts'
import { createAuthority, type IssuedCertificate } from '../../environment/certificates.ts'
import {
  createWorkload,
  rsaCertificate,
  sha256Thumbprint,
} from '../../support/client-credentials.ts'
import { SimulatedClock } from '../../support/clock.ts'

const server: ServerMetadata = {
  issuer: 'https://idp.example',
  token_endpoint: 'https://idp.example/token',
  token_endpoint_auth_methods_supported: ['client_secret_post', 'client_secret_basic'],
}
const clientId = '401e5000-0000-4000-8000-00000000a991'

interface Sent {
  readonly body: Readonly<Record<string, string>>
  readonly authorization: string | null
}

/** What one token request carries of a credential. */
async function sent(
  credential: ProviderCredential,
  change: Partial<CredentialUse> & { readonly metadata?: ServerMetadata } = {},
): Promise<Sent> {
  const use = { clock: systemClock, metadata: server, ...change }
  const authenticate = await clientAuthentication(credential, use)
  assert.doesNotMatch(inspect(authenticate, { depth: 9, showHidden: true }), /SECRET|PRIVATE/)
  const body = new URLSearchParams({ grant_type: 'refresh_token' })
  const headers = new Headers()
  await authenticate(use.metadata, { client_id: clientId }, body, headers)
  body.delete('grant_type')
  return { body: Object.fromEntries(body), authorization: headers.get('authorization') }
}

/** Files in memory, by path; what is not there cannot be read. */
function files(contents: Record<string, string>) {
  const readText = async (path: string) => {
    const text = contents[path]
    if (text === undefined) throw Object.assign(new Error(path), { code: 'ENOENT' })
    return text
  }
  return { contents, readText }
}

function refuses(message: RegExp) {
  return (error: unknown) => {
    assert.ok(error instanceof CredentialError, String(error))
    assert.match(error.message, message)
    assert.match(error.remedy, /^[a-z].*\.$/)
    assert.doesNotMatch(inspect(error), /SECRET|PRIVATE KEY/)
    assert.equal(error.cause, undefined)
    return true
  }
}

const post = { body: { client_id: clientId, client_secret: 'SECRET' }, authorization: null }
const basic = {
  body: {},
  authorization: `Basic ${Buffer.from(`${clientId}:SECRET`).toString('base64')}`,
}
const secret: ProviderCredential = { kind: 'secret', secret: 'SECRET' }
const { token_endpoint_auth_methods_supported: _, ...silent } = server
const offers = (...methods: string[]): ServerMetadata => ({
  ...silent,
  token_endpoint_auth_methods_supported: methods,
})

const methodCases: readonly (readonly [string, 'post' | 'basic' | undefined, object, Sent])[] = [
  ['both are offered', undefined, server, post],
  ['post alone is offered', undefined, offers('client_secret_post'), post],
  ['basic alone is offered', undefined, offers('private_key_jwt', 'client_secret_basic'), basic],
  ['neither is offered', undefined, offers('private_key_jwt'), post],
  ['nothing is said, which means basic', undefined, silent, basic],
  [
    'something odd is said',
    undefined,
    { ...silent, token_endpoint_auth_methods_supported: 7 },
    post,
  ],
  ['post is configured', 'post', offers('client_secret_basic'), post],
  ['basic is configured', 'basic', offers('client_secret_post'), basic],
]

for (const [name, method, metadata, expected] of methodCases) {
  const how = expected === post ? 'in the body' : 'in the header'
  test(`the secret goes ${how} when ${name}`, async () => {
    const credential: ProviderCredential = { ...secret, ...(method && { method }) }
    assert.deepEqual(await sent(credential, { metadata: metadata as ServerMetadata }), expected)
  })
}

test('both halves of basic are form-encoded, and no more than they have to be', async () => {
  const credential = { kind: 'secret', secret: 'a:b c+d%é~.-_*', method: 'basic' } as const
  const { authorization } = await sent(credential)
  const text = Buffer.from(authorization?.slice('Basic '.length) ?? '', 'base64').toString()
  assert.equal(text, `${clientId}:a%3Ab+c%2Bd%25%C3%A9%7E.-_*`)
  const form = new URLSearchParams(`secret=${text.slice(clientId.length + 1)}`)
  assert.equal(form.get('secret'), credential.secret)
})

test('a public client sends its id alone', async () => {
  assert.deepEqual(await sent({ kind: 'none' }), {
    body: { client_id: clientId },
    authorization: null,
  })
})

test('a secret file is read for every use, without the line break at its end', async () => {
  const { contents, readText } = files({ '/secret': 'first SECRET\n' })
  const credential = { kind: 'secret', secret: 'as it was at start', file: '/secret' } as const
  assert.equal((await sent(credential, { readText })).body['client_secret'], 'first SECRET')
  contents['/secret'] = ' second SECRET \r\n'
  assert.equal((await sent(credential, { readText })).body['client_secret'], ' second SECRET ')
})

const secretFile = { kind: 'secret', secret: 'old SECRET', file: '/secret' } as const

test('a secret file that is gone or empty is named, and the old secret is not sent', async () => {
  const gone = files({})
  const name = 'identity_provider.client_secret_file'
  await assert.rejects(
    sent(secretFile, gone),
    refuses(new RegExp(`^${name} cannot be read \\(ENO`)),
  )
  const empty = files({ '/secret': '\n' })
  await assert.rejects(sent(secretFile, empty), refuses(new RegExp(`^${name} is empty$`)))
})

test('a file that does not come within a second is one that cannot be read', async () => {
  const clock = new SimulatedClock()
  const readText = () => new Promise<string>(() => undefined)
  const outcome = assert.rejects(
    sent(secretFile, { clock, readText }),
    refuses(/client_secret_file cannot be read \(ETIMEDOUT\)$/),
  )
  await clock.advance(1_000)
  await outcome
})

let rsa: IssuedCertificate
let otherRsa: IssuedCertificate
before(async () => {
  ;[rsa, otherRsa] = await Promise.all([rsaCertificate(), rsaCertificate()])
})

const certificateFiles = { certificate_file: '/tls.crt', key_file: '/tls.key' } as const

function certificateCredential(pair: IssuedCertificate): ProviderCredential {
  return { kind: 'certificate', ...pair, ...certificateFiles }
}

function filesOf({ certificate, key }: IssuedCertificate) {
  return files({ '/tls.crt': certificate, '/tls.key': key })
}

async function assertionOf(pair: IssuedCertificate, using = filesOf(pair)) {
  const { body, authorization } = await sent(certificateCredential(pair), using)
  assert.equal(authorization, null)
  assert.equal(body['client_id'], clientId)
  assert.equal(
    body['client_assertion_type'],
    'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
  )
  return body['client_assertion'] ?? ''
}

function publicKeyOf({ certificate }: IssuedCertificate): KeyObject {
  return new X509Certificate(certificate).publicKey
}

test('a certificate signs an assertion as Entra asks for: PS256, x5t#S256, a few minutes', async () => {
  const assertion = await assertionOf(rsa)
  const { protectedHeader, payload } = await jwtVerify(assertion, publicKeyOf(rsa))
  const thumbprint = Buffer.from(sha256Thumbprint(rsa.certificate), 'hex').toString('base64url')
  assert.deepEqual(protectedHeader, { alg: 'PS256', typ: 'JWT', 'x5t#S256': thumbprint })
  const { jti, iat = 0, nbf = 0, exp = 0, ...names } = payload
  assert.deepEqual(names, { aud: server.token_endpoint, iss: clientId, sub: clientId })
  const now = Date.now() / 1000
  assert.ok(nbf <= now && iat <= now && exp > now)
  assert.ok(exp - iat <= 300 && exp - nbf <= 300)
  assert.ok((jti ?? '').length >= 22)
})

test('no two assertions have the same id', async () => {
  const using = filesOf(rsa)
  const ids = await Promise.all(
    Array.from({ length: 5 }, async () => {
      const { payload } = await jwtVerify(await assertionOf(rsa, using), publicKeyOf(rsa))
      return payload.jti
    }),
  )
  assert.equal(new Set(ids).size, 5)
})

test('an EC certificate signs with ES256', async () => {
  const authority = await createAuthority('Test')
  const pair = await authority.issue({ clientName: 'rolecall' })
  const { protectedHeader } = await jwtVerify(await assertionOf(pair), publicKeyOf(pair))
  assert.equal(protectedHeader.alg, 'ES256')
})

test('the certificate of a chain that counts is its first', async () => {
  const chain = { ...rsa, certificate: `${rsa.certificate}\n${otherRsa.certificate}` }
  await jwtVerify(await assertionOf(chain), publicKeyOf(rsa))
})

test('a renewed certificate signs from the next use on', async () => {
  const using = filesOf(rsa)
  await jwtVerify(await assertionOf(rsa, using), publicKeyOf(rsa))
  Object.assign(using.contents, filesOf(otherRsa).contents)
  await jwtVerify(await assertionOf(rsa, using), publicKeyOf(otherRsa))
})

test('a renewal between the two reads is no error', async () => {
  const using = filesOf({ certificate: rsa.certificate, key: otherRsa.key })
  let reads = 0
  const readText = async (path: string) => {
    reads += 1
    if (reads === 3) using.contents['/tls.crt'] = otherRsa.certificate
    return using.readText(path)
  }
  await jwtVerify(await assertionOf(rsa, { ...using, readText }), publicKeyOf(otherRsa))
  assert.equal(reads, 4)
})

const badPairs: readonly (readonly [string, () => Partial<Record<string, string>>, RegExp])[] = [
  ['no certificate', () => ({ '/tls.crt': undefined }), /client_certificate_file cannot be read/],
  ['no key', () => ({ '/tls.key': undefined }), /client_key_file cannot be read \(ENOENT\)$/],
  ['a text for a certificate', () => ({ '/tls.crt': 'SECRET' }), /certificate_file holds no PEM/],
  ['a text for a key', () => ({ '/tls.key': 'SECRET' }), /client_key_file holds no PEM key$/],
  [
    'a key that is cut off',
    () => ({ '/tls.key': rsa.key.slice(0, 300) }),
    /client_key_file holds a key that cannot be parsed$/,
  ],
  ['the key of another', () => ({ '/tls.key': otherRsa.key }), /client_key_file is not the key of/],
]

for (const [name, change, message] of badPairs) {
  test(`a certificate that cannot be used is named by its setting: ${name}`, async () => {
    const contents = { ...filesOf(rsa).contents, ...change() } as Record<string, string>
    const using = files(contents)
    await assert.rejects(sent(certificateCredential(rsa), using), refuses(message))
  })
}

test('the token of a workload goes out trimmed and is read for every use', async () => {
  const workload = createWorkload()
  const [first, second] = [await workload.token(), await workload.token({ jti: 'second' })]
  const { contents, readText } = files({ '/token': ` ${first}\n` })
  const credential: ProviderCredential = { kind: 'federated_token', file: '/token' }
  assert.deepEqual(await sent(credential, { readText }), {
    body: {
      client_id: clientId,
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: first,
    },
    authorization: null,
  })
  contents['/token'] = second
  assert.equal((await sent(credential, { readText })).body['client_assertion'], second)
})

for (const content of ['', 'SECRET', '-----BEGIN PRIVATE KEY-----']) {
  test(`a file that holds no token is not sent to anybody: "${content}"`, async () => {
    const credential: ProviderCredential = { kind: 'federated_token', file: '/token' }
    const wrong = refuses(/^identity_provider\.federated_token_file holds no token$/)
    await assert.rejects(sent(credential, files({ '/token': content })), wrong)
  })
}

async function inFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'rolecall-credential-'))
  t.after(() => rm(folder, { recursive: true }))
  return folder
}

test('files are read from the file system', async (t) => {
  const file = join(await inFolder(t), 'secret')
  const credential = { kind: 'secret', secret: 'old', file } as const
  await assert.rejects(sent(credential), refuses(/client_secret_file cannot be read \(ENOENT\)$/))
  await writeFile(file, 'new SECRET\n')
  assert.equal((await sent(credential)).body['client_secret'], 'new SECRET')
})

test('a key too short to sign with is told before it is used', async () => {
  const pair = await rsaCertificate(1024)
  const wrong = refuses(/^identity_provider\.client_key_file holds a key that cannot sign$/)
  await assert.rejects(sent(certificateCredential(pair), filesOf(pair)), wrong)
})
