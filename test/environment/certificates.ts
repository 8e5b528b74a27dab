import './metadata-reflection.ts'
import { KeyObject, webcrypto } from 'node:crypto'
import { isIP } from 'node:net'
import * as x509 from '@peculiar/x509'

/** A certificate with its private key, both PEM. The certificate's chain is not in it. */
export interface IssuedCertificate {
  readonly certificate: string
  readonly key: string
}

/** For a server: DNS names and IP addresses. For a client: its name, and the groups it is in. */
export type CertificateRequest = (
  | { readonly names: readonly string[] }
  | { readonly clientName: string; readonly groups?: readonly string[] }
) & {
  /** For how long it is good; default: 7. */
  readonly days?: number
}

/** A certificate authority for tests and the demo. Its key never leaves the process. */
export interface Authority {
  /** PEM, to be trusted by whoever calls the servers. */
  readonly certificate: string
  /** Issues an ECDSA P-256 certificate. */
  issue(request: CertificateRequest): Promise<IssuedCertificate>
}

/** What a server on this machine is called. */
export const loopbackNames: readonly string[] = ['localhost', '127.0.0.1', '::1']

const day = 24 * 60 * 60 * 1000
const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }

x509.cryptoProvider.set(webcrypto as Crypto)

/**
 * Makes a certificate authority (ECDSA P-256, seven days).
 *
 * @param name its common name, letters and spaces
 */
export async function createAuthority(name: string): Promise<Authority> {
  const keys = await generateKeys()
  const authority = await x509.X509CertificateGenerator.createSelfSigned({
    name: [{ CN: [name] }],
    keys,
    ...validity(),
    signingAlgorithm: algorithm,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(
        x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign,
        true,
      ),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  })
  const certificate = authority.toString('pem')
  return { certificate, issue: (request) => issue(authority, keys.privateKey, request) }
}

async function issue(
  authority: x509.X509Certificate,
  signingKey: webcrypto.CryptoKey,
  request: CertificateRequest,
): Promise<IssuedCertificate> {
  const keys = await generateKeys()
  const issued = await x509.X509CertificateGenerator.create({
    subject: subjectOf(request),
    issuer: authority.subjectName,
    publicKey: keys.publicKey,
    signingKey,
    ...validity(request.days),
    signingAlgorithm: algorithm,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      await x509.AuthorityKeyIdentifierExtension.create(authority),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      ...usageOf(request),
    ],
  })
  return { certificate: issued.toString('pem'), key: await privateKeyPem(keys.privateKey) }
}

function subjectOf(request: CertificateRequest): x509.JsonName {
  if ('names' in request) return [{ CN: [request.names[0] ?? 'server'] }]
  const groups = (request.groups ?? []).map((group) => ({ O: [group] }))
  return [...groups, { CN: [request.clientName] }]
}

function usageOf(request: CertificateRequest): x509.Extension[] {
  if ('clientName' in request) {
    return [new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.clientAuth])]
  }
  const names = request.names.map((value): x509.JsonGeneralName => {
    return { type: isIP(value) === 0 ? 'dns' : 'ip', value }
  })
  return [
    new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
    new x509.SubjectAlternativeNameExtension(names),
  ]
}

/** Begins a day early, for machines whose clocks differ. */
function validity(days = 7): { notBefore: Date; notAfter: Date } {
  const now = Date.now()
  return { notBefore: new Date(now - day), notAfter: new Date(now + days * day) }
}

function generateKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
}

async function privateKeyPem(key: webcrypto.CryptoKey): Promise<string> {
  return x509.PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', key), 'PRIVATE KEY')
}

/** An RSA key as an identity provider signs with, and a certificate of its own for it. */
export interface SigningCertificate {
  readonly certificate: Buffer
  readonly privateKey: KeyObject
}

/**
 * Makes an RSA key and a self-signed certificate (DER) over it.
 *
 * @param name its common name
 * @param modulusLength bits
 */
export async function createSigningCertificate(
  name: string,
  modulusLength = 2048,
): Promise<SigningCertificate> {
  const rsa = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' }
  const parameters = { ...rsa, modulusLength, publicExponent: new Uint8Array([1, 0, 1]) }
  const keys = await webcrypto.subtle.generateKey(parameters, true, ['sign', 'verify'])
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: [{ CN: [name] }],
    keys,
    ...validity(),
    signingAlgorithm: rsa,
  })
  return {
    certificate: Buffer.from(certificate.rawData),
    privateKey: KeyObject.from(keys.privateKey),
  }
}
