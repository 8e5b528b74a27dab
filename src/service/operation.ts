import { X509Certificate } from 'node:crypto'
import type { Config } from '../config/config.ts'
import type { Problem } from '../config/report/problem.ts'
import type { Since } from '../http/status/status.ts'
import type { ProviderExplanation } from '../oauth/provider-explanation.ts'
import type { UpstreamProof } from '../proof/upstream-proof.ts'

/** How a process fares, as far as no part can be asked for it. It outlives a reload. */
export interface Operation {
  readonly startedAt: number
  /** What the configuration in force was warned of. */
  warnings: readonly Problem[]
  /** The configuration that was read last, if it was not taken over. */
  refused?: Since<readonly Problem[]> | undefined
  /** Why the store cannot be used. */
  storeAway?: Since<string> | undefined
  /** The identity provider's last word on our own credential, if it was no. */
  credentialRefused?: Since<ProviderExplanation> | undefined
  /** As whom upstreams act, by the resource's name. */
  readonly proofs: Map<string, UpstreamProof>
}

/** The certificates that a configuration names, by the setting, and when each ends. */
export function certificateEnds(config: Config): Readonly<Record<string, number>> {
  const { credential } = config.identity_provider
  const own = {
    tls_certificate_file: config.tls?.certificate,
    'identity_provider.client_certificate_file':
      credential.kind === 'certificate' ? credential.certificate : undefined,
  }
  const upstream = config.resources.map(
    ({ name, upstream_client_certificate: client }) =>
      [`resource ${name}: upstream_client_certificate_file`, client?.certificate] as const,
  )
  const ends: Record<string, number> = {}
  for (const [setting, pem] of [...Object.entries(own), ...upstream]) {
    if (pem !== undefined) ends[setting] = Date.parse(new X509Certificate(pem).validTo)
  }
  return ends
}
