import type { Cloud } from '../../config/config.ts'
import { readCertificates } from '../../config/sources/pem.ts'
import { ValueError } from '../../config/value-error.ts'
import { texts } from '../../oauth/claims.ts'
import { readJwt } from '../../oauth/jwt.ts'
import { printable } from '../../oauth/printable.ts'

/** Until when a credential is good, as far as it says so itself. */
export type CredentialEnd =
  | { readonly kind: 'good'; readonly sentence: string }
  | { readonly kind: 'soon' | 'unusable'; readonly words: Words }

interface Words {
  readonly sentence: string
  readonly remedy: string
}

/** A certificate in PEM, or the token of a workload with the cloud that it is for. */
export type DatedCredential =
  | { readonly kind: 'certificate'; readonly pem: string }
  | { readonly kind: 'token'; readonly token: string; readonly cloud: Cloud | undefined }

const DAY_MS = 86_400_000
const SOON_DAYS = 30

/** What Entra demands as audience of a federated token, by cloud. */
const FEDERATED_AUDIENCES: Readonly<Record<Cloud, string>> = {
  public: 'api://AzureADTokenExchange',
  usgov: 'api://AzureADTokenExchangeUSGov',
  china: 'api://AzureADTokenExchangeChina',
}

/**
 * Reads when a credential ends from itself, and of a federated token its audience. A secret says
 * nothing. Nothing is verified: the provider does that.
 *
 * @param now milliseconds since the epoch
 * @returns nothing where it does not say
 */
export function credentialEnd(credential: DatedCredential, now: number): CredentialEnd | undefined {
  return credential.kind === 'certificate'
    ? certificateEnd(credential.pem, now)
    : tokenEnd(credential, now)
}

function certificateEnd(pem: string, now: number): CredentialEnd | undefined {
  const certificates = readCertificates(pem)
  const [first] = certificates instanceof ValueError ? [] : certificates
  if (first === undefined) return undefined
  const days = Math.floor((Date.parse(first.validTo) - now) / DAY_MS)
  const remedy =
    'Make a new pair, register the certificate at the provider beside the old one, and replace the files of client_certificate_file and client_key_file.'
  if (days < 0) {
    const sentence = `The certificate of client_certificate_file ended on ${dayOf(first.validTo)}.`
    return { kind: 'unusable', words: { sentence, remedy } }
  }
  const sentence = `The certificate ends in ${days} days.`
  return days < SOON_DAYS
    ? { kind: 'soon', words: { sentence, remedy } }
    : { kind: 'good', sentence }
}

function tokenEnd(
  { token, cloud }: Extract<DatedCredential, { kind: 'token' }>,
  now: number,
): CredentialEnd | undefined {
  const claims = readJwt(token.trim())?.claims
  if (claims === undefined) return undefined
  const wanted = cloud === undefined ? undefined : FEDERATED_AUDIENCES[cloud]
  const audiences = texts(claims, 'aud')
  if (wanted !== undefined && audiences.length > 0 && !audiences.includes(wanted)) {
    const sentence = `The token of federated_token_file is for ${printable(audiences.join(', '))}, and this cloud takes ${wanted}.`
    const remedy =
      'Let the platform project a token for that audience: with AKS workload identity the pod has the label azure.workload.identity/use = "true", and federated_token_file is the path in AZURE_FEDERATED_TOKEN_FILE, not the ServiceAccount\'s own token.'
    return { kind: 'unusable', words: { sentence, remedy } }
  }
  const { exp } = claims
  if (typeof exp !== 'number' || exp * 1000 > now) return undefined
  const sentence = `The token of federated_token_file ended ${Math.round((now / 1000 - exp) / 60)} minutes ago.`
  const remedy =
    'See that the platform renews that file: it is a projected token, mounted as a folder and not by subPath; then the clock of this machine.'
  return { kind: 'unusable', words: { sentence, remedy } }
}

function dayOf(date: string): string {
  return new Date(date).toISOString().slice(0, 10)
}
