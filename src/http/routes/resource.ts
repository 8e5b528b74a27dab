import type { FastifyInstance } from 'fastify'
import type { Principal, ResourceAccess } from '../../access/authenticate.ts'
import { ClusterRefusals } from '../../access/cluster-refusals.ts'
import type { TokenSession } from '../../access/token-opener.ts'
import type { Clock } from '../../clock.ts'
import type { Config, ProtectedResource, ResourceConfig } from '../../config/config.ts'
import type { OpenExchanges } from '../../forward/open-exchanges.ts'
import { registerResource } from '../../forward/route.ts'
import { ToolGate } from '../../forward/tools/tool-gate.ts'
import type { SharedUpstreams } from '../../forward/upstream/shared-upstreams.ts'
import type { Upstream } from '../../forward/upstream/upstream.ts'
import type { RequestLog } from '../../observe/request-log.ts'
import type { KeyRing } from '../../sealing/derived-keys.ts'
import type { SignInFacts } from '../../sign-in/metadata.ts'
import type { Endpoint } from '../steps/checks.ts'
import { refusals } from './bearer-challenge.ts'

/** What clients sign in for, and how its tokens are judged. */
export interface ServedResource {
  readonly resource: ProtectedResource
  readonly access: ResourceAccess
  readonly signIn: SignInFacts
  readonly clock: Clock
}

/** What one resource is served with. */
export interface ResourceParts extends ServedResource {
  readonly resource: ResourceConfig
  readonly upstreams: SharedUpstreams
  readonly exchanges: OpenExchanges
  readonly requestLog: RequestLog
  readonly sessionKeys: KeyRing
  readonly version: string
  /** Keeps what an upstream asked for until the user of this session signs in again. Never rejects. */
  keepClaims(session: TokenSession, claims: string): Promise<void>
}

/** One resource: its checks with its own guard, and the connections that its requests go up on. */
export function resourceScope(parts: ResourceParts, config: Config) {
  const { resource, clock, access } = parts
  const refuse = refusals(parts, config)
  const { upstream, release } = parts.upstreams.use(resource)
  const { name, path } = resource
  const clusterRefusals = new ClusterRefusals(clock)
  const guard = { access, clock, clusterRefusals, refuse: refuse.answer }
  const endpoint: Endpoint = { name: 'resource', path, resource: name, guard }
  return async (scope: FastifyInstance): Promise<void> => {
    scope.decorateRequest('accessDecision')
    scope.addHook('onClose', () => release())
    const forwarding = {
      ...parts,
      upstream,
      tools: toolGate(parts, upstream),
      limits: config.limits,
      refuse: refuse.answer,
      clusterRefusals,
      async wantClaims(claims: string, { session }: Principal) {
        if (session) await parts.keepClaims(session, claims)
        return refuse.wantClaims(claims)
      },
    }
    await registerResource(scope, forwarding, { ...config.limits, config: { endpoint } })
  }
}

function toolGate(parts: ResourceParts, { hints }: Upstream): ToolGate | undefined {
  if (parts.resource.allow.length === 0) return undefined
  return new ToolGate({ ...parts, hints, comparable: parts.access.policy.comparable })
}
