import { createHash, type KeyObject, X509Certificate } from 'node:crypto'
import { decodeJwt, decodeProtectedHeader, errors, type JWTPayload, jwtVerify } from 'jose'
import type { Client } from './directory.ts'
import { EntraError } from './errors.ts'
import type { Parameters } from './parameters.ts'
import { type MockState, nowOf } from './state.ts'

const jwtBearer = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
/** Seconds; Entra's documentation asks for 5 to 10 minutes. */
const longestLifetime = 600
/** Seconds by which clocks may differ; MSAL's own assertions begin up to half a second from now. */
const clockTolerance = 300

/**
 * Checks a client assertion (RFC 7523 §3): one that the client signed with the key of a certificate
 * of its own, told by a thumbprint in the header, or a token of another issuer that a federated
 * credential names. As with Entra, an assertion may be used again until it expires.
 *
 * @throws EntraError 900144, 700027, 700024, 700213
 */
export async function checkClientAssertion(
  state: MockState,
  client: Client,
  parameters: Parameters,
): Promise<void> {
  if (parameters.get('client_assertion_type') !== jwtBearer) {
    throw new EntraError(900144, { parameter: 'client_assertion_type' })
  }
  const assertion = parameters.get('client_assertion') ?? ''
  const { header, claims } = takeApart(assertion)
  const isOwn = 'x5t#S256' in header || 'x5t' in header
  const known = isOwn ? ownKey(client, header) : federatedKey(client, claims)
  const audience = isOwn ? audiencesOf(state) : known.audience
  const { payload } = await jwtVerify(assertion, known.key, {
    algorithms: isOwn ? ['PS256', 'RS256', 'ES256'] : ['RS256'],
    issuer: known.issuer,
    subject: known.subject,
    audience: [...audience],
    requiredClaims: ['exp', ...(isOwn ? ['jti', 'nbf'] : [])],
    clockTolerance,
    currentDate: new Date(nowOf(state)),
  }).catch((error: unknown) => {
    throw new EntraError(isAboutTime(error) ? 700024 : 700027)
  })
  const { exp = 0, nbf = 0 } = payload
  if (isOwn && exp - nbf > longestLifetime) throw new EntraError(700024)
}

interface KnownKey {
  readonly key: KeyObject
  readonly issuer: string
  readonly subject: string
  readonly audience: readonly string[]
}

/** The key of the registered certificate that the header names. */
function ownKey(client: Client, header: Readonly<Record<string, unknown>>): KnownKey {
  const certificate = (client.certificates ?? [])
    .map((pem) => new X509Certificate(pem))
    .find(({ raw }) =>
      header['x5t#S256'] === undefined
        ? header['x5t'] === thumbprint('sha1', raw)
        : header['x5t#S256'] === thumbprint('sha256', raw),
    )
  if (!certificate) throw new EntraError(700027)
  const { client_id: id } = client
  return { key: certificate.publicKey, issuer: id, subject: id, audience: [] }
}

function thumbprint(algorithm: 'sha1' | 'sha256', der: Buffer): string {
  return createHash(algorithm).update(der).digest('base64url')
}

/** The key of the federated credential whose three texts are the token's, letter for letter. */
function federatedKey(client: Client, claims: JWTPayload): KnownKey {
  const credential = client.federated_credentials?.find(
    ({ issuer, subject, audience }) =>
      claims.iss === issuer && claims.sub === subject && [claims.aud].flat().includes(audience),
  )
  if (!credential) throw new EntraError(700213, { subject: String(claims.sub).slice(0, 200) })
  return { ...credential, audience: [credential.audience] }
}

function audiencesOf({ origin, tenantId }: MockState): readonly string[] {
  const base = `${origin}/${tenantId}`
  return [`${base}/oauth2/v2.0/token`, `${base}/v2.0`]
}

function takeApart(assertion: string) {
  try {
    return { header: decodeProtectedHeader(assertion), claims: decodeJwt(assertion) }
  } catch {
    throw new EntraError(700027)
  }
}

function isAboutTime(error: unknown): boolean {
  if (error instanceof errors.JWTExpired) return true
  return error instanceof errors.JWTClaimValidationFailed && error.claim === 'nbf'
}
