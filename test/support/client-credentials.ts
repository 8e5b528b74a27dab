import { type KeyObject, X509Certificate } from 'node:crypto'
import { SignJWT } from 'jose'
import { createSigningCertificate, type IssuedCertificate } from '../environment/certificates.ts'
import type { FederatedCredential } from '../environment/mock-entra/directory.ts'
import { rsaKeyPair } from './rsa-keys.ts'

/** A self-signed RSA certificate and its key, PEM, as an app proves itself with. */
export async function rsaCertificate(modulusLength = 2048): Promise<IssuedCertificate> {
  const { certificate, privateKey } = await createSigningCertificate('an app', modulusLength)
  return {
    certificate: new X509Certificate(certificate).toString(),
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  }
}

/** SHA-256 of a PEM certificate, hexadecimal as MSAL wants it. */
export function sha256Thumbprint(certificate: string): string {
  return new X509Certificate(certificate).fingerprint256.replaceAll(':', '')
}

/** A cluster that writes tokens for its workloads. */
export interface Workload {
  readonly credential: FederatedCredential
  /** A token as the platform writes it, changed. */
  token(change?: object): Promise<string>
}

/** A workload of the cluster of this name, which has a key of its own. */
export function createWorkload(cluster = 'a cluster'): Workload {
  const { publicKey, privateKey } = rsaKeyPair(cluster)
  const credential = {
    issuer: 'https://oidc.example.test/cluster/',
    subject: 'system:serviceaccount:holmes:rolecall',
    audience: 'api://AzureADTokenExchange',
    key: publicKey,
  }
  return { credential, token: (change = {}) => workloadToken(credential, privateKey, change) }
}

function workloadToken(
  { issuer, subject, audience }: FederatedCredential,
  key: KeyObject,
  change: object,
): Promise<string> {
  const now = Math.floor(Date.now() / 1000)
  const claims = { iss: issuer, sub: subject, aud: [audience], iat: now, nbf: now, exp: now + 3600 }
  return new SignJWT({ ...claims, ...change })
    .setProtectedHeader({ alg: 'RS256', kid: 'cluster' })
    .sign(key)
}
