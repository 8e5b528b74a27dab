import { lookup } from 'node:dns/promises'
import { systemClock } from '../../clock.ts'
import type { Config, ResourceConfig } from '../../config/config.ts'
import type { IdentityProvider } from '../../issuer/identity-provider.ts'
import { isLoopbackHost } from '../../net/loopback.ts'
import { isPublicAddress } from '../../net/public-address.ts'
import { proveUpstream } from '../../proof/prove-upstream.ts'
import { connectUpstream, type UpstreamConnection } from '../../proof/upstream-connection.ts'
import type { ProofVerdict, UpstreamProof } from '../../proof/upstream-proof.ts'
import { version } from '../../version.ts'
import { consequenceOf, type DoctorCheck, type DoctorVerdict, type Finding } from './report.ts'

/** What the checks of resources work with. */
export interface Examined {
  readonly config: Config
  readonly provider: IdentityProvider
}

/** The upstream of one resource: whether it answers, who else reaches it, and as whom it acts. */
export async function upstreamChecks(
  resource: ResourceConfig,
  examined: Examined,
): Promise<readonly DoctorCheck[]> {
  const about = { resource: resource.name }
  const connection = connectionWords(await connectUpstream(resource), Date.now())
  const [exposure, identity] = await Promise.all([
    exposureFinding(resource),
    connection.verdict === 'failed'
      ? consequenceOf('upstream connection')
      : identityFinding(resource, examined),
  ])
  return [
    { name: 'upstream connection', ...about, ...connection },
    ...(exposure ? [{ name: 'upstream exposure', ...about, ...exposure } as const] : []),
    { name: 'upstream identity', ...about, ...identity },
  ]
}

const proofVerdicts: Readonly<Record<ProofVerdict, DoctorVerdict>> = {
  caller: 'ok',
  own: 'failed',
  not_shown: 'warning',
  configured_own: 'warning',
}

async function identityFinding(
  resource: ResourceConfig,
  { config, provider }: Examined,
): Promise<Finding> {
  const { tenant } = provider.profile
  const tokens = {
    issuer: provider.tokenIssuers().at(-1) ?? provider.metadataIssuer(),
    algorithm: config.identity_provider.signing_algorithms[0] ?? 'RS256',
    ...(tenant !== undefined && { tenant }),
  }
  return proofWords(await proveUpstream({ resource, tokens }, { clock: systemClock, version }))
}

function proofWords({ verdict, sentence, remedy, unusable }: UpstreamProof): Finding {
  if (verdict === 'configured_own') {
    return {
      verdict: proofVerdicts[verdict],
      sentence,
      remedy:
        'If users are to be told apart, remove upstream_identity = "own" and let the upstream use the token of each request.',
    }
  }
  return {
    verdict: unusable ? 'failed' : proofVerdicts[verdict],
    sentence,
    ...(remedy !== undefined && { remedy }),
  }
}

/** Told only where it is so: whoever reaches the server past rolecall is neither judged nor audited. */
export async function exposureFinding(resource: ResourceConfig): Promise<Finding | undefined> {
  const { hostname } = new URL(resource.upstream)
  const host = hostname.replace(/^\[|\]$/g, '')
  if (isLoopbackHost(hostname) || resource.upstream_client_certificate !== undefined)
    return undefined
  const found = await lookup(host, { all: true }).catch(() => [])
  const open = found.find(({ address }) => isPublicAddress(address))
  if (open === undefined) return undefined
  return {
    verdict: 'warning',
    sentence: `The upstream ${host} is at ${open.address}, an address of the internet: whoever may connect there calls tools past rolecall, without its rules and its audit.`,
    remedy:
      'Let `upstream` be a name within the cluster, with a NetworkPolicy that lets rolecall alone in; between clusters let it want a client certificate (upstream_client_certificate_file).',
  }
}

const DAY_MS = 86_400_000
const SOON_DAYS = 14

/** @param now milliseconds since the epoch */
export function connectionWords(connection: UpstreamConnection, now: number): Finding {
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

const PLAIN_BEHIND_TLS = /^EPROTO$|WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|HTTP_REQUEST/
const WRONG_NAME = /ALTNAME|HOSTNAME_MISMATCH/

function connectionFailure(code: string): Finding {
  if (code === 'CERT_HAS_EXPIRED') {
    const remedy = "Renew the upstream's certificate, or correct the clock of this machine."
    return { verdict: 'failed', sentence: `Its certificate has expired (${code}).`, remedy }
  }
  if (PLAIN_BEHIND_TLS.test(code)) {
    const remedy = 'Write http:// in `upstream`, or the port at which it speaks TLS.'
    return { verdict: 'failed', sentence: `What answers there speaks no TLS (${code}).`, remedy }
  }
  if (WRONG_NAME.test(code)) {
    const sentence = `Its certificate is for another name (${code}).`
    const remedy =
      'Write a host name in `upstream` that the certificate holds, or let it hold this one.'
    return { verdict: 'failed', sentence, remedy }
  }
  const tls = /CERT|^UNABLE_TO_|^ERR_TLS|^ERR_SSL/.test(code)
  return {
    verdict: 'failed',
    sentence: tls ? `TLS failed (${code}).` : `It cannot be reached (${code}).`,
    remedy: tls
      ? 'Name the authority of its certificate in upstream_certificate_authority_file. If it wants a client certificate, set upstream_client_certificate_file.'
      : 'Check that `upstream` has the right name and port, that the server runs, and that network policies let rolecall reach it.',
  }
}
