import { type KeyObject, webcrypto, type X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import {
  type ClientAuth,
  ClientSecretPost,
  modifyAssertion,
  None,
  PrivateKeyJwt,
  type ServerMetadata,
} from 'openid-client'
import type { Clock } from '../../clock.ts'
import type { ProviderCredential } from '../../config/config.ts'
import { keyMatches, readCertificates, readPrivateKey } from '../../config/sources/pem.ts'
import { ValueError } from '../../config/value-error.ts'
import { errorCode } from '../../net/error-code.ts'
import { readJwt } from '../../oauth/jwt.ts'
import { sha256 } from '../../sealing/digest.ts'

/** Reads a text file. */
export type ReadText = (path: string) => Promise<string>

/** A credential that cannot be used. The message names the setting and never what is in it. */
export class CredentialError extends Error {
  override readonly name = 'CredentialError'
  /** What to do, beginning in lower case. */
  readonly remedy: string

  constructor(message: string, remedy: string) {
    super(message)
    this.remedy = remedy
  }
}

/** One use of a credential. */
export interface CredentialUse {
  readonly clock: Clock
  /** What discovery says of the provider. */
  readonly metadata: ServerMetadata
  /** In place of the file system; for tests. */
  readonly readText?: ReadText
}

type Secret = Extract<ProviderCredential, { kind: 'secret' }>
type Certificate = Extract<ProviderCredential, { kind: 'certificate' }>

/** Milliseconds for one file: a network file system that hangs must not hang a sign-in. */
export const READ_TIMEOUT_MS = 1_000
/** Seconds. Enough for clocks that differ, too few to be worth stealing. */
const ASSERTION_LIFETIME_SECONDS = 300
const WEAKEST_RSA_BITS = 2048

const settings = {
  secret: 'identity_provider.client_secret',
  secretFile: 'identity_provider.client_secret_file',
  certificate: 'identity_provider.client_certificate_file',
  key: 'identity_provider.client_key_file',
  token: 'identity_provider.federated_token_file',
} as const

/**
 * How rolecall proves itself in one token request (RFC 6749 §2.3, RFC 7523 §2.2, OpenID Connect
 * Core §9). Files are read for this one use, so that what replaces them counts from the next on.
 * What is returned is a function: printing it shows nothing.
 *
 * Not checked: whether a certificate or a token is still valid; the provider tells.
 *
 * @throws CredentialError when a file cannot be read or used
 */
export async function clientAuthentication(
  credential: ProviderCredential,
  use: CredentialUse,
): Promise<ClientAuth> {
  switch (credential.kind) {
    case 'none':
      return None()
    case 'secret':
      return withSecret(credential, use)
    case 'certificate':
      return withCertificate(credential, use)
    case 'federated_token':
      return withFederatedToken(credential.file, use)
  }
}

async function withSecret(credential: Secret, use: CredentialUse): Promise<ClientAuth> {
  const { file, method } = credential
  const setting = file === undefined ? settings.secret : settings.secretFile
  const text = file === undefined ? credential.secret : await readSetting(setting, file, use)
  // The line break that editors put at the end; the configuration takes the same one off.
  const secret = file === undefined ? text : text.replace(/\r?\n$/, '')
  if (secret === '') throw new CredentialError(`${setting} is empty`, 'write the secret into it.')
  return (method ?? methodOffered(use.metadata)) === 'basic'
    ? clientSecretBasic(secret)
    : ClientSecretPost(secret)
}

/** A document that does not say offers `client_secret_basic` alone (OpenID Connect Discovery §3). */
function methodOffered(metadata: ServerMetadata): 'post' | 'basic' {
  const { token_endpoint_auth_methods_supported: offered = ['client_secret_basic'] } = metadata
  if (!Array.isArray(offered) || offered.includes('client_secret_post')) return 'post'
  return offered.includes('client_secret_basic') ? 'basic' : 'post'
}

/**
 * RFC 6749 §2.3.1. openid-client's own also escapes `-`, `.` and `_`: the same to providers that
 * decode, but a wrong client id, every GUID for one, to those that do not.
 */
function clientSecretBasic(secret: string): ClientAuth {
  return (_server, client, _body, headers) => {
    const credentials = `${formEncoded(client.client_id)}:${formEncoded(secret)}`
    headers.set('authorization', `Basic ${Buffer.from(credentials).toString('base64')}`)
  }
}

function formEncoded(text: string): string {
  return new URLSearchParams([['', text]]).toString().slice(1)
}

async function withFederatedToken(file: string, use: CredentialUse): Promise<ClientAuth> {
  const token = (await readSetting(settings.token, file, use)).trim()
  if (!readJwt(token)) {
    throw new CredentialError(
      `${settings.token} holds no token`,
      'name the file that the platform writes, on AKS AZURE_FEDERATED_TOKEN_FILE.',
    )
  }
  return (_server, client, body) => {
    body.set('client_id', client.client_id)
    body.set('client_assertion_type', 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer')
    body.set('client_assertion', token)
  }
}

async function withCertificate(credential: Certificate, use: CredentialUse): Promise<ClientAuth> {
  const { certificate, key } = await readPair(credential, use)
  const thumbprint = sha256(certificate.raw)
  const tokenEndpoint = use.metadata.token_endpoint ?? use.metadata.issuer
  return PrivateKeyJwt(await signingKey(key), {
    [modifyAssertion](header, payload) {
      header['typ'] = 'JWT'
      header['x5t#S256'] = thumbprint
      payload['aud'] = tokenEndpoint
      payload['exp'] = Number(payload['iat']) + ASSERTION_LIFETIME_SECONDS
    },
  })
}

interface Pair {
  readonly certificate: X509Certificate
  readonly key: KeyObject
}

/** A renewal may fall between the two reads: a pair that does not match is read once more. */
async function readPair(credential: Certificate, use: CredentialUse): Promise<Pair> {
  const pair = (await readPairOnce(credential, use)) ?? (await readPairOnce(credential, use))
  if (pair) return pair
  throw new CredentialError(
    `${settings.key} is not the key of ${settings.certificate}`,
    'give the two files of one certificate.',
  )
}

async function readPairOnce(
  { certificate_file: certificateFile, key_file: keyFile }: Certificate,
  use: CredentialUse,
): Promise<Pair | undefined> {
  const [certificatePem, keyPem] = await Promise.all([
    readSetting(settings.certificate, certificateFile, use),
    readSetting(settings.key, keyFile, use),
  ])
  const certificates = usable(settings.certificate, readCertificates(certificatePem))
  const key = usable(settings.key, readPrivateKey(keyPem))
  const [certificate] = certificates
  return certificate && keyMatches(certificates, key) ? { certificate, key } : undefined
}

function usable<T>(setting: string, value: T | ValueError): T {
  if (!(value instanceof ValueError)) return value
  throw new CredentialError(`${setting} ${value.message}`, 'give a PEM file, not encrypted.')
}

const curves: Readonly<Record<string, string>> = {
  prime256v1: 'P-256',
  secp384r1: 'P-384',
  secp521r1: 'P-521',
}

/** PS256 for RSA, which Entra asks for in place of RS256; the curve's own algorithm for EC keys. */
async function signingKey(key: KeyObject): Promise<webcrypto.CryptoKey> {
  const { modulusLength = 0, namedCurve = '' } = key.asymmetricKeyDetails ?? {}
  const der = key.export({ type: 'pkcs8', format: 'der' })
  if (key.asymmetricKeyType === 'rsa' && modulusLength >= WEAKEST_RSA_BITS) {
    const algorithm = { name: 'RSA-PSS', hash: 'SHA-256' }
    return webcrypto.subtle.importKey('pkcs8', der, algorithm, false, ['sign'])
  }
  const curve = curves[namedCurve]
  if (key.asymmetricKeyType === 'ec' && curve !== undefined) {
    const algorithm = { name: 'ECDSA', namedCurve: curve }
    return webcrypto.subtle.importKey('pkcs8', der, algorithm, false, ['sign'])
  }
  throw new CredentialError(
    `${settings.key} holds a key that cannot sign`,
    'give an RSA key of 2048 bits or more, or an EC key on P-256.',
  )
}

async function readSetting(setting: string, file: string, use: CredentialUse): Promise<string> {
  const { clock, readText = readUtf8 } = use
  let cancel: () => void = () => undefined
  const late = new Promise<never>((_resolve, reject) => {
    cancel = clock.after(READ_TIMEOUT_MS, () => reject(new CodedError('ETIMEDOUT')))
  })
  try {
    return await Promise.race([readText(file), late])
  } catch (error) {
    throw new CredentialError(
      `${setting} cannot be read (${errorCode(error)})`,
      'see that the file is there and readable; it is read for every use.',
    )
  } finally {
    cancel()
  }
}

function readUtf8(path: string): Promise<string> {
  return readFile(path, 'utf8')
}

class CodedError extends Error {
  readonly code: string

  constructor(code: string) {
    super(code)
    this.code = code
  }
}
