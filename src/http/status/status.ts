import type { Problem } from '../../config/report/problem.ts'
import type { IdentityProviderStatus } from '../../issuer/identity-provider.ts'
import type { ProviderExplanation } from '../../oauth/provider-explanation.ts'
import type { LimitName } from '../../observe/metrics/limits-reached.ts'
import type { Occurrence } from '../../observe/recent/occurrences.ts'
import type { Refused, SignInFailure, UpstreamContact } from '../../observe/recent/recent-events.ts'
import type { TrafficMinute } from '../../observe/recent/traffic.ts'
import type { UpstreamProof } from '../../proof/upstream-proof.ts'
import type { Readiness } from '../admin.ts'

/** Since when something holds, milliseconds since the epoch, and what it is. */
export interface Since<T> {
  readonly at: number
  readonly what: T
}

/** How rolecall fares now. Times are milliseconds since the epoch. Names no user, holds no token. */
export interface Status {
  readonly now: number
  readonly startedAt: number
  readonly version: string
  readonly publicUrl: string
  readonly readiness: Readiness
  readonly provider: ProviderState
  readonly resources: readonly ResourceState[]
  /** Absent: there is none. */
  readonly fleet?: { readonly path: string; readonly members: readonly ClusterState[] }
  readonly store: StoreState
  /** When each certificate ends, by the setting that names it. */
  readonly certificateEnds: Readonly<Record<string, number>>
  readonly configuration: {
    readonly warnings: readonly Problem[]
    /** The configuration that was read last, if it was not taken over. */
    readonly refused?: Since<readonly Problem[]> | undefined
  }
  readonly openCalls: number
  readonly openStreams: number
  /** By kind. */
  readonly lostLines: Readonly<Record<string, number>>
  /** The last hour. */
  readonly traffic: readonly TrafficMinute[]
  readonly refused: readonly Occurrence<Refused>[]
  readonly signInFailures: readonly Occurrence<SignInFailure>[]
  readonly limits: readonly Occurrence<{ readonly limit: LimitName }>[]
}

export interface ProviderState extends IdentityProviderStatus {
  readonly issuer: string
  /** Milliseconds: how long documents outlive an outage. */
  readonly staleFor: number
  /** The provider's last word on our own credential, if it was no. */
  readonly credentialRefused?: Since<ProviderExplanation> | undefined
}

export interface ResourceState {
  readonly name: string
  readonly path: string
  readonly upstream: string
  readonly contact?: UpstreamContact | undefined
  readonly proof?: UpstreamProof | undefined
}

/** A cluster of the fleet. */
export interface ClusterState {
  readonly name: string
  /** It failed in transport several times in a row, and calls to it are not sent for a while. */
  readonly isLeftAlone: boolean
}

export type StoreState =
  | { readonly kind: 'none' }
  | {
      readonly kind: 'redis'
      /** Why it cannot be used, and what to do. */
      readonly away?: Since<{ readonly reason: string; readonly remedy: string }> | undefined
    }
