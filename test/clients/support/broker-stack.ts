import type { KubeBinaries } from '../../environment/cluster/real/kube-binaries.ts'
import { FLEET_PATH } from '../../environment/proxy-process.ts'
import { type ApiServerStack, startApiServerStack } from './api-server-stack.ts'
import { closable } from './closing.ts'
import { type MetadataSite, startMetadataSite } from './metadata-site.ts'
import { type Served, serve } from './served.ts'

/** A rolecall in broker mode, and everything behind that. */
export interface BrokerStack extends Served, ApiServerStack {
  /** All that a client is told. */
  readonly url: string
  /** The same of a further resource, with an authorization server of its own. */
  readonly furtherUrl: string
  /** A fleet of the two: `prod` and `further`. */
  readonly fleetUrl: string
  /** Where a client may be that is known by its metadata document. */
  readonly site: MetadataSite
  close(): Promise<void>
}

/** A confidential client of the configuration. */
export const REGISTERED = {
  client_id: 'registered',
  client_secret: 'a-secret-of-32-characters-or-more',
}

/** Starts everything on loopback. */
export function startBrokerStack(binaries: KubeBinaries): Promise<BrokerStack> {
  return closable(async (closing) => {
    const behind = await startApiServerStack(binaries, closing)
    const site = await startMetadataSite(['http://127.0.0.1/callback'], closing)
    const served = await serve(
      {
        ...behind,
        signIn: {
          mode: 'broker',
          redirect_uris: ['loopback'],
          client_metadata_hosts: [site.host],
          client: [{ ...REGISTERED, redirect_uris: ['loopback'] }],
        },
        environment: {
          ...site.environment,
          // One address registers more of them than people do in a minute.
          ROLECALL__LIMITS__REGISTRATIONS_PER_MINUTE: '200',
        },
        furtherResources: { further: { path: '/further/mcp' } },
        hasFleet: true,
      },
      closing,
    )
    const urls = {
      url: `${served.origin}/mcp`,
      furtherUrl: `${served.origin}/further/mcp`,
      fleetUrl: `${served.origin}${FLEET_PATH}`,
    }
    return { ...behind, ...served, site, ...urls }
  })
}
