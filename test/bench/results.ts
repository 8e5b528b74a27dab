/** What was measured, as `--json` writes it and tables and plots are made of it. */
export interface Results {
  readonly node: string
  readonly rounds: number
  /** Calls a second of the open loop. */
  readonly rates: readonly number[]
  /** In the order of the table; the first is the floor. */
  readonly gateways: readonly GatewayResult[]
  readonly start?: StartResult
  readonly streams?: StreamResult
  readonly flat?: FlatResult
  readonly crowd?: CrowdResult
}

/** What was measured of one gateway; a value for each round, and rounds were interleaved. */
export interface GatewayResult {
  readonly name: string
  /** Processor time for a call with a token seen before, microseconds. */
  readonly known: readonly number[]
  /** The same for a token never seen; none where nothing looks at tokens. */
  readonly fresh: readonly number[]
  /** What it adds to calls, by rate; none where that was not measured. */
  readonly added: readonly (readonly Latency[])[]
  /** Before its first call. */
  readonly idleMiB: number
}

/** How long calls took, milliseconds. */
export interface Latency {
  readonly p50: number
  readonly p99: number
}

/** Of rolecall, one value for each start. */
export interface StartResult {
  /** From the start of the process to keys fetched and ready, milliseconds. */
  readonly readyMs: readonly number[]
  readonly idleMiB: readonly number[]
}

export interface StreamResult {
  readonly count: number
  /** Resident memory, above an idle rolecall. */
  readonly kibEach: number
  /** Processor time for a call among them and without them, microseconds. */
  readonly among: readonly number[]
  readonly alone: readonly number[]
}

/** Processor time for a call, microseconds, by how many there are of something. */
export interface FlatResult {
  readonly tokens: readonly FlatPoint[]
  readonly resources: readonly FlatPoint[]
}

export interface FlatPoint {
  readonly count: number
  readonly cpu: readonly number[]
  /** Resident memory then. */
  readonly mib: number
}

/** Calls with a known token, alone and while new tokens arrive. */
export interface CrowdResult {
  readonly newPerSecond: number
  readonly rate: number
  readonly alone: readonly Latency[]
  readonly among: readonly Latency[]
}

export const HAPROXY = 'HAProxy, jwt_verify each time'
export const ROLECALL = 'rolecall'
export const SEALED = `${ROLECALL}, sealed tokens`

/** Of an even number of values what lies between the middle two; of none NaN. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length / 2
  const [below, above] = [sorted[Math.ceil(middle) - 1], sorted[Math.floor(middle)]]
  return ((below ?? Number.NaN) + (above ?? Number.NaN)) / 2
}
