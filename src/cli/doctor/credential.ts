import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { Config, ProviderCredential } from '../../config/config.ts'
import type { GrantOutcome } from '../../issuer/token-endpoint/provider-grants.ts'
import { callbackUrl } from '../../sign-in/broker-context.ts'
import { type CredentialEnd, credentialEnd } from './credential-end.ts'
import type { ExaminedProvider } from './provider.ts'
import { explanationWords, isDiscovered, needsDiscovery } from './provider-documents.ts'
import type { DoctorCheck, Finding } from './report.ts'

const name = 'credential'

/**
 * Tries rolecall's own credential by use: a code that nobody made is redeemed. A provider that knows
 * the client turns down the code, one that does not turns down the client (RFC 6749 §5.2).
 *
 * Not shown: a credential that is wrong at a provider which looks at the code first.
 *
 * @param now milliseconds since the epoch
 */
export async function credentialChecks(
  config: Config,
  examined: ExaminedProvider,
  now: number,
): Promise<readonly DoctorCheck[]> {
  const { grants } = examined.provider
  if (config.sign_in.mode === 'off' || grants === undefined) return []
  const end = await endOf(config, now)
  if (end?.kind === 'unusable') return [{ name, verdict: 'failed', ...end.words }]
  if (!isDiscovered(examined)) return [needsDiscovery(name)]
  const outcome = await grants.redeemCode({
    code: `made-up-by-doctor-${randomBytes(16).toString('base64url')}`,
    redirectUri: callbackUrl(config),
    codeVerifier: randomBytes(32).toString('base64url'),
    scope: config.resources[0]?.request_scopes ?? [],
  })
  const finding = credentialFinding(outcome)
  if (finding.verdict !== 'ok') return [{ name, ...finding }]
  if (end?.kind === 'soon') return [{ name, verdict: 'warning', ...end.words }]
  const ends = end?.kind === 'good' ? end.sentence : whenUnknown(config)
  const tried = `The provider took ${taken[config.identity_provider.credential.kind]} and turned down a made-up code, as it should.`
  return [{ name, verdict: 'ok', sentence: `${tried} ${ends}`.trim() }]
}

const taken: Readonly<Record<ProviderCredential['kind'], string>> = {
  none: 'the public client',
  secret: 'the client secret',
  certificate: 'the certificate',
  federated_token: 'the federated token',
}

function whenUnknown({ identity_provider: provider }: Config): string {
  if (provider.credential.kind !== 'secret' || provider.kind !== 'entra') return ''
  return `When the secret ends, only Entra tells: az ad app credential list --id ${provider.client_id ?? ''}.`
}

async function endOf(
  { identity_provider: { credential, ...provider } }: Config,
  now: number,
): Promise<CredentialEnd | undefined> {
  if (credential.kind === 'certificate') {
    return credentialEnd({ kind: 'certificate', pem: credential.certificate }, now)
  }
  if (credential.kind !== 'federated_token') return undefined
  // One that cannot be read is told by its use.
  const token = await readFile(credential.file, 'utf8').catch(() => undefined)
  const cloud = provider.kind === 'entra' ? provider.cloud : undefined
  return token === undefined ? undefined : credentialEnd({ kind: 'token', token, cloud }, now)
}

/** What the answer to a made-up code says of who asked. */
export function credentialFinding(outcome: GrantOutcome): Finding {
  switch (outcome.kind) {
    case 'tokens':
      return {
        verdict: 'failed',
        sentence: 'The provider gave tokens for a made-up code: anybody is anybody there.',
        remedy: 'Configure the real identity provider.',
      }
    case 'misconfigured':
      return { verdict: 'failed', ...explanationWords(outcome.explanation) }
    case 'unavailable':
      return {
        verdict: 'not reached',
        sentence: `It could not be tried: ${outcome.reason}.`,
        remedy:
          'Check that this machine can reach the token endpoint that the discovery document names.',
      }
    case 'refused':
      return refusedFinding(outcome)
  }
}

/** Errors that are about the code: dex and Entra have other words for it than RFC 6749. */
const ABOUT_CODE: readonly string[] = ['invalid_grant', 'invalid_request', 'access_denied']

function refusedFinding(outcome: Extract<GrantOutcome, { kind: 'refused' }>): Finding {
  const { error, explanation } = outcome
  const numbered = explanation.code !== undefined
  const mended = explanation.whose === 'operator' || explanation.whose === 'administrator'
  const fault = numbered ? mended && error !== 'invalid_grant' : !ABOUT_CODE.includes(error)
  if (!fault) return { verdict: 'ok', sentence: 'The provider turned down a made-up code.' }
  return { verdict: 'failed', ...explanationWords(explanation) }
}
