import type { CallToolRequest, ServerContext } from '@modelcontextprotocol/server'
import { authenticateAt, type Principal } from '../access/authenticate.ts'
import { authorize } from '../access/authorize.ts'
import type { Clock } from '../clock.ts'
import type { RequestRecord } from '../observe/record.ts'
import type { ClientAbilities } from './asking/client-abilities.ts'
import type { Member, PermittedMember } from './calls/member.ts'
import type { Fleet } from './fleet.ts'
import type { AuditCall, FleetAudit } from './fleet-audit.ts'

/** One request as it comes to the fleet, by a user whom its own policy let in. */
export interface ArrivedRequest {
  readonly principal: Principal
  /** Empty: the request came without a session. */
  readonly session: string
  readonly record: RequestRecord
  readonly audit: FleetAudit
  /** `traceparent` and `tracestate`, where they came. */
  readonly trace: ReadonlyMap<string, string>
  /** Aborted when the client leaves, or the exchange is ended. */
  readonly signal: AbortSignal
}

/** The same, with what its client says of itself. */
export interface FleetRequest extends ArrivedRequest {
  readonly abilities: ClientAbilities
}

/** A request that is for clusters, as it came. */
export interface ClusterRequest {
  readonly fleet: Fleet
  readonly request: FleetRequest
  readonly context: ServerContext
}

/** One that a cluster may ask something about before it answers. */
export interface AnswerableRequest extends ClusterRequest {
  /** Of its method: the name of a tool or a prompt, or a URI. */
  readonly subject: string
}

/** A tool call to the fleet. */
export interface ToolCallRequest extends ClusterRequest {
  readonly params: CallToolRequest['params']
  readonly audit: AuditCall
}

/** What one member says of the user of the fleet. */
export type Standing =
  | ({ readonly kind: 'permitted' } & PermittedMember)
  /** Its own policy does not let this user in. */
  | { readonly kind: 'not_permitted'; readonly member: Member }
  /** It cannot judge the token now, or does not take it any more. */
  | { readonly kind: 'not_signed_in'; readonly member: Member }

/**
 * The user of the fleet at one member, judged by that member's own configuration: its token checks,
 * the session, and its `required_groups`. Only this gives the permit that a call to it needs.
 */
export async function standingAt(
  member: Member,
  principal: Principal,
  clock: Clock,
): Promise<Standing> {
  const judged = await authenticateAt(principal, member.access, () => clock.now())
  if (judged.kind === 'refused') return { kind: 'not_signed_in', member }
  const authorization = authorize(judged.principal, member.access.policy)
  return authorization.kind === 'permit'
    ? { kind: 'permitted', member, permit: authorization.permit }
    : { kind: 'not_permitted', member }
}
