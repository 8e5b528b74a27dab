import { createHash, createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import { ValueError } from '../value-error.ts'

const blocks = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g

/**
 * Reads the certificates of a PEM text. Validity, names and chain are not checked: the moment and
 * the other side of a connection are not known here.
 *
 * @returns at least one certificate, or why there is none
 */
export function readCertificates(pem: string): readonly X509Certificate[] | ValueError {
  const remedy = 'Give a PEM file with -----BEGIN CERTIFICATE-----.'
  const found = pem.match(blocks) ?? []
  if (found.length === 0) return new ValueError('holds no PEM certificate', remedy)
  try {
    return found.map((block) => new X509Certificate(block))
  } catch {
    return new ValueError('holds a certificate that cannot be parsed', remedy)
  }
}

/** Reads a private key in PEM, without a passphrase. */
export function readPrivateKey(pem: string): KeyObject | ValueError {
  const remedy = 'Give a PEM file with -----BEGIN PRIVATE KEY-----, not encrypted.'
  if (!/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(pem))
    return new ValueError('holds no PEM key', remedy)
  try {
    return createPrivateKey(pem)
  } catch {
    return new ValueError('holds a key that cannot be parsed', remedy)
  }
}

/** Whether a key belongs to a chain's first certificate. */
export function keyMatches(certificates: readonly X509Certificate[], key: KeyObject): boolean {
  return certificates[0]?.checkPrivateKey(key) ?? false
}

/** A line that identifies a PEM text: subject, fingerprint, and how many certificates there are. */
export function describeCertificates(pem: string): string {
  const certificates = readCertificates(pem)
  if (certificates instanceof ValueError) return certificates.message
  const [first] = certificates
  const subject = (first?.subject ?? '').split('\n').join(', ') || 'no subject'
  const fingerprint = createHash('sha256')
    .update(first?.raw ?? '')
    .digest('hex')
  const further = certificates.length > 1 ? `, and ${certificates.length - 1} more` : ''
  return `${subject} (sha256 ${fingerprint.slice(0, 16)}…)${further}`
}
