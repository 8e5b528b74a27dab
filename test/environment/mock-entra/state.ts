import { isDeepStrictEqual } from 'node:util'
import type { Clock } from '../../../src/clock.ts'
import type { People, Person } from '../people.ts'
import type { ApiResource, Client, Platform } from './directory.ts'
import { EntraError, type ErrorCode } from './errors.ts'
import type { SigningKeys } from './signing-keys.ts'

/** An authorization code that was given out. */
export interface IssuedCode {
  readonly client: Client
  readonly redirectUri: string
  readonly platform: Platform
  readonly scope: string
  readonly nonce?: string | undefined
  readonly challenge?: { readonly value: string; readonly method: 'S256' | 'plain' } | undefined
  /** What authorize was asked for beside scopes (`claims`). */
  readonly claims?: string | undefined
  readonly person: Person
  /** Milliseconds since the epoch. */
  readonly issuedAt: number
}

/** A refresh token: bound to the person and the client, not to a resource. */
export interface IssuedRefreshToken {
  readonly client: Client
  readonly platform: Platform
  readonly person: Person
  /** What was asked for when the person signed in. */
  readonly scope: string
  /** The `claims` of the sign-in that it comes of. */
  readonly claims: string | undefined
  readonly issuedAt: number
}

/** An answer that is given at a path instead of the real one. */
export interface FixedAnswer {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

/** Makes requests end in an AADSTS error. */
export interface Failure {
  /** `refresh` is the token endpoint for that grant only. */
  readonly at: 'authorize' | 'token' | 'refresh'
  readonly code: ErrorCode
  /** Only for this person; absent: for all. */
  readonly person?: string
  /** How often; absent: once; 0: until faults are cleared. */
  readonly times?: number
}

/** What is wrong with the mock at the moment. */
export interface Faults {
  /** `reset` cuts every connection; `503` answers so. Controls are not affected. */
  outage: 'none' | 'reset' | '503'
  /** Every answer is late by this many milliseconds. */
  delay: number
  /** Milliseconds by which the mock's clock is ahead. */
  skew: number
  /** Instead of the issuer in discovery. */
  issuer: string | undefined
  /** RFC 8414 paths answer 404, or 200 without a body. */
  rfc8414: 'not-found' | 'empty'
  /** `Cache-Control` of the key sets. */
  keysCacheControl: string | undefined
  /** By path. */
  readonly answers: Map<string, FixedAnswer>
  failures: readonly Failure[]
  /** Conditional access, by `oid`: the claims request that a sign-in must have been made with, JSON. */
  readonly demands: Map<string, string>
}

/** Everything that the mock knows. */
export interface MockState {
  origin: string
  readonly tenantId: string
  readonly people: People
  clients: readonly Client[]
  readonly resources: readonly ApiResource[]
  readonly clock: Clock
  /** Seconds; absent: random, 60 to 90 minutes. */
  readonly lifetime: number | undefined
  readonly keys: SigningKeys
  readonly codes: Map<string, IssuedCode>
  readonly redeemed: Set<string>
  readonly refreshTokens: Map<string, IssuedRefreshToken>
  /** Refresh tokens that a revocation of their person's sessions ended. */
  readonly revoked: Set<string>
  /** By `oid`. */
  readonly disabled: Set<string>
  /** Requests by path, without those to the controls. */
  readonly requests: Map<string, number>
  readonly faults: Faults
  /** Everybody is signed in as this person, without the page. */
  signedInAs: string | undefined
  /** The page is shown also in a browser in which somebody is signed in. */
  readonly asksAgain: boolean
  /** What the page says that a person may do. */
  readonly rightsOf: (person: Person) => string
}

/** A mock with nothing wrong. */
export function noFaults(): Faults {
  return {
    outage: 'none',
    delay: 0,
    skew: 0,
    issuer: undefined,
    rfc8414: 'not-found',
    keysCacheControl: undefined,
    answers: new Map(),
    failures: [],
    demands: new Map(),
  }
}

/**
 * Ends a request that a failure was ordered for.
 *
 * @throws EntraError as ordered
 */
export function failIfOrdered(state: MockState, at: Failure['at'], username?: string): void {
  const { faults } = state
  const failure = faults.failures.find(
    (order) => order.at === at && (order.person ?? username) === username,
  )
  if (!failure) return
  const times = failure.times ?? 1
  const rest = faults.failures.filter((order) => order !== failure)
  if (times === 0) faults.failures = [...rest, failure]
  else if (times > 1) faults.failures = [...rest, { ...failure, times: times - 1 }]
  else faults.failures = rest
  throw new EntraError(failure.code, { tenant: state.tenantId })
}

/** The mock's own time, in milliseconds: its clock may be wrong. */
export function nowOf(state: MockState): number {
  return state.clock.now() + state.faults.skew
}

/** The same in whole seconds, for claims. */
export function nowInSeconds(state: MockState): number {
  return Math.floor(nowOf(state) / 1000)
}

/**
 * The client with this id; without one, the first.
 *
 * @throws Error when there is none
 */
export function clientOf(state: MockState, clientId?: string): Client {
  const isIt = (client: Client) => clientId === undefined || client.client_id === clientId
  const client = state.clients.find(isIt)
  if (!client) throw new Error(`there is no client ${clientId}`)
  return client
}

/**
 * Conditional access: what a policy demands of this person's sign-in must have been asked for at
 * authorize, where alone a person can do something about it.
 *
 * @param claims those of the sign-in
 * @throws EntraError 50076 with the claims that the next one has to ask for
 */
export function checkDemand(state: MockState, { oid }: Person, claims: string | undefined): void {
  const demand = state.faults.demands.get(oid)
  if (demand === undefined || isSameJson(demand, claims)) return
  throw new EntraError(50076, { resource: 'Azure Kubernetes Service AAD Server' }, demand)
}

function isSameJson(one: string, other: string | undefined): boolean {
  try {
    return other !== undefined && isDeepStrictEqual(JSON.parse(one), JSON.parse(other))
  } catch {
    return false
  }
}
