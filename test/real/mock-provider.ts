import { createAuthority, loopbackNames } from '../environment/certificates.ts'
import type { ClusterIdentityProvider } from '../environment/cluster/cluster.ts'
import { type MockEntra, startMockEntra } from '../environment/mock-entra/mock-entra.ts'
import { firstKeys } from '../support/first-keys.ts'
import { AKS } from '../support/gateway.ts'

/** The mock Entra on https, as API servers want it, with the authority that they are to trust. */
export async function startTlsEntra(): Promise<{
  readonly entra: MockEntra
  readonly certificateAuthority: string
}> {
  const authority = await createAuthority('Mock Entra')
  const entra = await startMockEntra({
    firstKeys: await firstKeys(),
    tls: await authority.issue({ names: loopbackNames }),
  })
  return { entra, certificateAuthority: authority.certificate }
}

/** The mock Entra as API servers are told of it. */
export function providerOf({ origin, tenantId }: MockEntra): ClusterIdentityProvider {
  return {
    jwksUri: `${origin}/common/discovery/keys`,
    discoveryUrl: `${origin}/${tenantId}/.well-known/openid-configuration`,
    issuer: `https://sts.windows.net/${tenantId}/`,
    audience: AKS,
    tenantId,
  }
}

/** The ids of the groups of the demo's teams. */
export function groupsOf({ people }: MockEntra): { 'team-a': string; 'team-b': string } {
  const idOf = (name: string): string => people.groups.find((one) => one.name === name)?.id ?? ''
  return { 'team-a': idOf('team-a'), 'team-b': idOf('team-b') }
}
