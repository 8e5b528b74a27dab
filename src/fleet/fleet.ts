import type { Prompt, Resource, ResourceTemplateType, Tool } from '@modelcontextprotocol/server'
import type { Clock } from '../clock.ts'
import type { Metrics } from '../observe/metrics/metrics.ts'
import type { RequestRecord } from '../observe/record.ts'
import type { RequestLog } from '../observe/request-log.ts'
import type { KeyRing } from '../sealing/derived-keys.ts'
import { PROMPTS, RESOURCE_TEMPLATES, RESOURCES, TOOLS } from './calls/list-kinds.ts'
import type { Member, PermittedMember } from './calls/member.ts'
import type { ListCall, ListedBy } from './calls/member-lists.ts'
import { MemberLists } from './calls/member-lists.ts'
import type { FleetRequest } from './fleet-request.ts'
import type { FleetState } from './fleet-state.ts'
import type { ArgumentName } from './tools/cluster-argument.ts'

export interface FleetParts {
  /** In the order of the configuration. */
  readonly members: readonly Member[]
  /** `fleet.fan_out` */
  readonly fansOut: boolean
  readonly clock: Clock
  readonly version: string
  readonly requestLog: RequestLog
  /** Those of purpose `list cursor`. */
  readonly cursorKeys: KeyRing
  /** Those of purpose `question state`. */
  readonly questionKeys: KeyRing
  readonly state: FleetState
  readonly metrics: FleetMetrics
}

export type FleetMetrics = Pick<Metrics, 'fleetCalls' | 'fleetListDuration'>

/** One MCP endpoint over several clusters, each call made as the user on the cluster that it names. */
export class Fleet {
  readonly members: readonly Member[]
  readonly fansOut: boolean
  readonly clock: Clock
  readonly version: string
  readonly cursorKeys: KeyRing
  readonly questionKeys: KeyRing
  readonly state: FleetState
  readonly metrics: FleetMetrics
  readonly tools: MemberLists<Tool>
  readonly resources: MemberLists<Resource>
  readonly resourceTemplates: MemberLists<ResourceTemplateType>
  readonly prompts: MemberLists<Prompt>
  readonly #requestLog: RequestLog
  #argument: ArgumentName = 'cluster'
  #promptArgument: ArgumentName = 'cluster'

  constructor(parts: FleetParts) {
    const { members, fansOut, clock, version, requestLog, metrics } = parts
    this.members = members
    this.fansOut = fansOut
    this.clock = clock
    this.version = version
    this.cursorKeys = parts.cursorKeys
    this.questionKeys = parts.questionKeys
    this.state = parts.state
    this.#requestLog = requestLog
    this.metrics = metrics
    this.tools = new MemberLists(TOOLS, clock)
    this.resources = new MemberLists(RESOURCES, clock)
    this.resourceTemplates = new MemberLists(RESOURCE_TEMPLATES, clock)
    this.prompts = new MemberLists(PROMPTS, clock)
  }

  /** What the cluster argument is called: of every tool, whoever asks. */
  get argument(): ArgumentName {
    return this.#argument
  }

  /** What it is called of every prompt. */
  get promptArgument(): ArgumentName {
    return this.#promptArgument
  }

  /** Some tool has a `cluster` of its own: from now on ours has the longer name. */
  giveWay(): void {
    this.#argument = 'rolecall_cluster'
  }

  /** The same for prompts. */
  giveWayInPrompts(): void {
    this.#promptArgument = 'rolecall_cluster'
  }

  /** What a call to one member is made with, for the user who has the permit. */
  callTo(at: PermittedMember, request: FleetRequest): ListCall {
    const { session, abilities, record, trace, principal } = request
    return {
      ...at,
      known: this.state.known,
      fleetSession: session,
      abilities,
      clock: this.clock,
      version: this.version,
      requestId: record.request_id,
      trace,
      spans: record.trace,
      onChanged: () => this.state.changes.changed(principal.userKey),
      onListed: (listed) => this.#tellListed(at.member.resource.name, record, listed),
    }
  }

  /** A member says that the tools that it shows to this user are others now. */
  toolsChanged(at: PermittedMember, request: FleetRequest): void {
    this.tools.outdate(this.callTo(at, request))
    this.state.changes.changed(request.principal.userKey)
  }

  /** As of every question that is asked with a user's token. */
  #tellListed(
    cluster: string,
    { callerText: _, ...record }: RequestRecord,
    { method, reason, milliseconds }: ListedBy,
  ): void {
    this.metrics.fleetListDuration.observe({ cluster }, milliseconds / 1000)
    this.#requestLog.question(
      { ...record, cluster },
      {
        mcp_method: method,
        outcome: reason === undefined ? 'ok' : 'none',
        ...(reason !== undefined && { reason }),
        duration_ms: Math.round(milliseconds),
      },
    )
  }
}
