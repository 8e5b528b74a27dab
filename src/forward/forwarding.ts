import type { Principal } from '../access/authenticate.ts'
import type { Permit } from '../access/authorize.ts'
import type { ClusterRefusals } from '../access/cluster-refusals.ts'
import type { Refusal } from '../access/refusal.ts'
import type { RefusalResponse } from '../access/refusal-response.ts'
import type { Clock } from '../clock.ts'
import type { Config, ResourceConfig } from '../config/config.ts'
import type { ErrorAnswer } from '../oauth/error-answer.ts'
import type { RequestLog } from '../observe/request-log.ts'
import type { KeyRing } from '../sealing/derived-keys.ts'
import type { OpenExchanges } from './open-exchanges.ts'
import type { ToolGate } from './tools/tool-gate.ts'
import type { Upstream } from './upstream/upstream.ts'

/** What access made of a request: without one of these nothing is forwarded. */
export type AccessDecision =
  | {
      readonly kind: 'permit'
      readonly permit: Permit
      /** What was shown; asked for again as long as a stream is open. */
      authorization(): readonly string[]
    }
  | { readonly kind: 'policy'; readonly answer: RefusalResponse }

declare module 'fastify' {
  interface FastifyRequest {
    accessDecision: AccessDecision | undefined
  }
}

/** What forwarding to one resource works with. */
export interface Forwarding {
  readonly resource: ResourceConfig
  readonly upstream: Upstream
  readonly exchanges: OpenExchanges
  readonly sessionKeys: KeyRing
  readonly clock: Clock
  readonly version: string
  readonly limits: Pick<Config['limits'], 'batch_messages' | 'calls_per_user' | 'streams_per_user'>
  readonly requestLog: RequestLog
  /** Absent: every tool may be called, and answers pass unread. */
  readonly tools?: ToolGate | undefined
  /** Tokens that the cluster refused. */
  readonly clusterRefusals: ClusterRefusals
  /** The answer to a refusal, with this resource's challenge. */
  refuse(refusal: Refusal): ErrorAnswer
  /** The answer that hands the upstream's wish for other claims on, once it is kept for the next sign-in. */
  wantClaims(claims: string, principal: Principal): Promise<ErrorAnswer>
}
