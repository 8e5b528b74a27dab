import type { ResourceAccess } from '../../access/authenticate.ts'
import type { Permit } from '../../access/authorize.ts'
import type { ResourceConfig } from '../../config/config.ts'
import type { Upstream } from '../../forward/upstream/upstream.ts'
import type { ClusterHealth } from './cluster-health.ts'

/** A resource as one cluster of the fleet. */
export interface Member {
  readonly resource: ResourceConfig
  readonly access: ResourceAccess
  readonly upstream: Upstream
  readonly health: ClusterHealth
}

/** A member, and the permit of the user who calls: nothing goes up without one. */
export interface PermittedMember {
  readonly member: Member
  readonly permit: Permit
}
