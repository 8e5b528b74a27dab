import { systemClock } from '../../clock.ts'
import type { Config, ResourceConfig } from '../../config/config.ts'
import type { IdentityProvider } from '../../issuer/identity-provider.ts'
import { proveUpstream } from '../../proof/prove-upstream.ts'
import { connectUpstream, type UpstreamConnection } from '../../proof/upstream-connection.ts'
import type { ProofVerdict } from '../../proof/upstream-proof.ts'
import { version } from '../../version.ts'
import { explainFor } from '../explain/explain.ts'
import { refusalWords } from '../explain/explanation-text.ts'
import { whyUnopenable } from '../sealed-token.ts'
import type { DoctorCheck, DoctorVerdict } from './report.ts'

/** What the checks of resources work with. */
export interface Examined {
  readonly config: Config
  readonly provider: IdentityProvider
}

const proofVerdicts: Readonly<Record<ProofVerdict, DoctorVerdict>> = {
  caller: 'ok',
  own: 'failed',
  not_shown: 'warning',
  configured_own: 'warning',
}

/** Asks the upstream as whom it acts. */
export async function identityCheck(
  resource: ResourceConfig,
  { config, provider }: Examined,
): Promise<DoctorCheck> {
  const { tenant } = provider.profile
  const tokens = {
    issuer: provider.tokenIssuers().at(-1) ?? provider.metadataIssuer(),
    algorithm: config.identity_provider.signing_algorithms[0] ?? 'RS256',
    ...(tenant !== undefined && { tenant }),
  }
  const proof = await proveUpstream({ resource, tokens }, { clock: systemClock, version })
  const remedy =
    proof.verdict === 'configured_own'
      ? 'If users are to be told apart, remove upstream_identity = "own" and let the upstream use the token of each request.'
      : proof.remedy
  return {
    name: 'upstream identity',
    resource: resource.name,
    verdict: proofVerdicts[proof.verdict],
    sentence: proof.sentence,
    ...(remedy !== undefined && { remedy }),
  }
}

/** Opens a connection to the upstream. */
export async function connectionCheck(resource: ResourceConfig): Promise<DoctorCheck> {
  const connection = await connectUpstream(resource)
  const about = { name: 'upstream connection', resource: resource.name }
  return { ...about, ...connectionWords(connection, Date.now()) }
}

const DAY_MS = 86_400_000
const SOON_DAYS = 14

/** @param now milliseconds since the epoch */
export function connectionWords(
  connection: UpstreamConnection,
  now: number,
): Pick<DoctorCheck, 'verdict' | 'sentence' | 'remedy'> {
  if (connection.kind === 'plain') return { verdict: 'ok', sentence: 'It answers, in plain http.' }
  if (connection.kind === 'failed') return connectionFailure(connection.code)
  const days = Math.floor((connection.endsAt - now) / DAY_MS)
  if (!connection.verified) {
    return {
      verdict: 'warning',
      sentence:
        'Its certificate is not verified, so that an attacker on the network path can receive tokens.',
      remedy:
        'Name its certificate authority in upstream_certificate_authority_file and remove unsafe_upstream_tls_unverified.',
    }
  }
  const sentence = `TLS is verified; the certificate expires in ${days} days.`
  if (days >= SOON_DAYS) return { verdict: 'ok', sentence }
  return { verdict: 'warning', sentence, remedy: "Renew the upstream's certificate." }
}

function connectionFailure(code: string): Pick<DoctorCheck, 'verdict' | 'sentence' | 'remedy'> {
  if (code === 'CERT_HAS_EXPIRED') {
    const remedy = "Renew the upstream's certificate, or correct the clock of this machine."
    return { verdict: 'failed', sentence: `Its certificate has expired (${code}).`, remedy }
  }
  const tls = /CERT|^UNABLE_TO_|^ERR_TLS|^ERR_SSL|^HOSTNAME_MISMATCH|^EPROTO$/.test(code)
  return {
    verdict: 'failed',
    sentence: tls ? `TLS failed (${code}).` : `It cannot be reached (${code}).`,
    remedy: tls
      ? 'Name the authority of its certificate in upstream_certificate_authority_file, and write a host name in `upstream` that the certificate holds. If it wants a client certificate, set upstream_client_certificate_file.'
      : 'Check that `upstream` has the right name and port, that the server runs, and that network policies let rolecall reach it.',
  }
}

/** Judges one token for every resource. One that fits another resource is only a warning here. */
export async function tokenChecks(token: string, examined: Examined): Promise<DoctorCheck[]> {
  const { resources } = examined.config
  const unopenable = whyUnopenable(token, examined.config)
  if (unopenable) return [{ name: 'token', verdict: 'not reached', ...unopenable }]
  const explained = await Promise.all(
    resources.map(async (resource) => {
      return { resource, explanation: await explainFor(resource, token, examined) }
    }),
  )
  const fits = explained.some(({ explanation }) => explanation.verdict === 'accepted')
  return explained.map(({ resource, explanation }) => {
    const about = { name: 'token', resource: resource.name }
    const words = refusalWords(explanation)
    if (words === undefined) return { ...about, verdict: 'ok', sentence: 'It is accepted.' }
    const verdict = fits ? 'warning' : 'failed'
    return {
      ...about,
      verdict: explanation.verdict === 'undecided' ? 'not reached' : verdict,
      sentence: words,
      remedy: `Every check: rolecall explain --resource ${resource.name} FILE.`,
    }
  })
}
