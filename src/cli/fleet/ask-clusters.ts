import { authenticate } from '../../access/authenticate.ts'
import { systemClock } from '../../clock.ts'
import type { ResourceConfig } from '../../config/config.ts'
import { callMember } from '../../fleet/calls/call-member.ts'
import { ClusterHealth } from '../../fleet/calls/cluster-health.ts'
import { KnownMembers } from '../../fleet/calls/known-members.ts'
import type { PermittedMember } from '../../fleet/calls/member.ts'
import { mapAtMost } from '../../fleet/concurrency.ts'
import { standingAt } from '../../fleet/fleet-request.ts'
import { createUpstream, type Upstream } from '../../forward/upstream/upstream.ts'
import { version } from '../../version.ts'
import type { Examined } from '../doctor/resource.ts'
import { accessOf } from '../explain/access-of.ts'
import type { ClusterAnswer } from './fleet-checks.ts'

const AT_ONCE = 8
const PATIENCE_MS = 10_000
const MOST_BYTES = 4 * 1024 * 1024

/**
 * Asks each cluster of the fleet for its tools, as the user of a token, in the way of the fleet itself.
 *
 * @returns nothing where the fleet does not take the token
 */
export async function askClusters(
  token: string,
  examined: Examined,
): Promise<readonly ClusterAnswer[]> {
  const { fleet, resources } = examined.config
  if (fleet === undefined) return []
  const access = accessOf(fleet.resource, examined)
  const authentication = await authenticate([`Bearer ${token}`], access, Date.now)
  if (authentication.kind === 'refused') return []
  const members = resources.filter(({ name }) => fleet.members.includes(name))
  return mapAtMost(members, AT_ONCE, async (resource): Promise<ClusterAnswer> => {
    const upstream = createUpstream(resource)
    try {
      const member = memberOf(resource, upstream, examined)
      const standing = await standingAt(member, authentication.principal, systemClock)
      const answer =
        standing.kind === 'permitted' ? await listTools(standing) : { kind: standing.kind }
      return { cluster: resource.name, ...answer }
    } finally {
      await upstream.connections.close()
    }
  })
}

function memberOf(resource: ResourceConfig, upstream: Upstream, examined: Examined) {
  return { resource, upstream, access: accessOf(resource, examined), health: new ClusterHealth() }
}

async function listTools({ member, permit }: PermittedMember) {
  const answer = await callMember(
    {
      member,
      permit,
      known: new KnownMembers(systemClock),
      fleetSession: '',
      abilities: {},
      clock: systemClock,
      version,
      requestId: 'doctor-fleet',
      trace: new Map(),
      spans: undefined,
      asked: 'tools/list',
      signal: AbortSignal.timeout(PATIENCE_MS),
      timeoutMs: PATIENCE_MS,
      mostBytes: MOST_BYTES,
    },
    (client, options) => client.listTools(undefined, options),
  )
  if (answer.kind !== 'answer') return answer
  const { value, serverVersion } = answer
  const { user } = permit.principal.identity
  return { kind: 'listed', tools: value.tools, serverVersion, user: user ?? 'its user' } as const
}
