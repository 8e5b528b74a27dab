import {
  type Client,
  type ConnectOptions,
  type LoggingLevel,
  MissingRequiredClientCapabilityError,
  ProtocolError,
  ProtocolErrorCode,
  type RequestOptions,
  SdkError,
  SdkErrorCode,
  SdkHttpError,
  type ServerCapabilities,
} from '@modelcontextprotocol/client'
import type { Clock } from '../../clock.ts'
import { isJsonObject } from '../../oauth/json.ts'
import type { RequestTrace } from '../../observe/record.ts'
import { abilityLetters, type ClientAbilities } from '../asking/client-abilities.ts'
import { isTooDeep, MOST_LEVELS } from '../nesting.ts'
import { acquaintance, serverVersionOf } from './acquaintance.ts'
import { knownKey } from './known-key.ts'
import type { KnownMember, KnownMembers } from './known-members.ts'
import type { PermittedMember } from './member.ts'
import { MemberAttempt } from './member-attempt.ts'
import type { TransportFailure } from './member-fetch.ts'

/** One thing asked of one member, for one user. */
export interface MemberCall extends PermittedMember {
  readonly known: KnownMembers
  /** Of the fleet, so that a user's sessions are apart. */
  readonly fleetSession: string
  /** What the fleet's client can be asked for: the member is told nothing else. */
  readonly abilities: ClientAbilities
  /** Lets the client towards the member hear what it says beside its answer. */
  readonly hear?: (client: Client) => void
  readonly clock: Clock
  readonly version: string
  readonly requestId: string
  readonly trace: ReadonlyMap<string, string>
  /** Absent where no traces are asked for: the client's goes on. */
  readonly spans: Pick<RequestTrace, 'callCluster'> | undefined
  /** From which level on a session of the member logs; absent: as it does. */
  readonly logLevel?: LoggingLevel
  /** The method of MCP. */
  readonly asked: string
  readonly onStatus?: ((status: number) => void) | undefined
  readonly signal: AbortSignal
  readonly timeoutMs: number
  /** Whether no answer in time means that the member is away; a tool may just be slow. */
  readonly answersSoon?: boolean
  readonly mostBytes: number
  /** Whether a stream without a call (GET) may be opened. */
  readonly isStream?: boolean
}

export type MemberAnswer<T> =
  | { readonly kind: 'answer'; readonly value: T; readonly serverVersion: string | undefined }
  /** The member answered with an error of the protocol. */
  | { readonly kind: 'rpc_error'; readonly code: number; readonly message: string }
  | { readonly kind: 'failed'; readonly outcome: TransportFailure }
  | {
      readonly kind: 'failed'
      readonly outcome: 'timeout'
      /** Nothing was asked of it yet. */
      readonly whileConnecting: boolean
    }

/** Of one member's answer by itself. */
export const MOST_ANSWER_BYTES = 16 * 1024 * 1024

/** A member's first answers are no work for it. */
const CONNECTED_WITHIN_MS = 10_000

/**
 * What is asked of a member.
 *
 * @param client connected
 * @param options for its request
 * @param capabilities of the member; `undefined`: not known
 */
type Ask<T> = (
  client: Client,
  options: RequestOptions,
  capabilities: ServerCapabilities | undefined,
) => T | Promise<T>

/**
 * Asks one member with the MCP SDK, as its revision has it: 2026-07-28 without a session, earlier ones
 * with one, which is opened at the first call. A session that the member has lost (404) is opened once
 * more; it has then done nothing. Nothing else is sent twice: a tool call is not idempotent.
 *
 * A client that leaves, or a tool that is slow, says nothing of whether the member is up.
 */
export async function callMember<T>(call: MemberCall, ask: Ask<T>): Promise<MemberAnswer<T>> {
  const span = call.spans?.callCluster(call.member.resource.name, call.asked)
  if (span === undefined) return callUntraced(call, ask)
  const trace = new Map(Object.entries(span.headers))
  const answer = await callUntraced({ ...call, trace, onStatus: span.answered }, ask)
  span.end(outcomeOf(answer))
  return answer
}

function outcomeOf(answer: MemberAnswer<unknown>): string {
  if (answer.kind !== 'answer') return answer.kind === 'failed' ? answer.outcome : answer.kind
  return isJsonObject(answer.value) && answer.value['isError'] === true ? 'tool_error' : 'ok'
}

async function callUntraced<T>(call: MemberCall, ask: Ask<T>): Promise<MemberAnswer<T>> {
  const { known: members, member, clock } = call
  if (!member.health.mayCall(clock.now())) return { kind: 'failed', outcome: 'unreachable' }
  const key = knownKey(call)
  await members.settled(key, AbortSignal.any([call.signal, AbortSignal.timeout(call.timeoutMs)]))
  const known = members.get(key)
  const generation = generationFor(call)
  let attempt = await attemptCall(call, { key, known, generation }, ask)
  if (attempt.kind === 'cannot_ask') {
    attempt = await attemptCall(call, { key, known: undefined, generation: 'auto' }, ask)
  }
  if (attempt.kind === 'session_lost' && known !== undefined) {
    members.forget(key, known)
    attempt = await attemptCall(call, { key, known: undefined, generation }, ask)
  }
  const answer: MemberAnswer<T> =
    attempt.kind === 'session_lost' || attempt.kind === 'cannot_ask'
      ? { kind: 'failed', outcome: 'unreachable' }
      : attempt
  noteHealth(call, answer, clock.now())
  return answer
}

function noteHealth(
  { member: { health }, signal, answersSoon = false }: MemberCall,
  answer: MemberAnswer<unknown>,
  now: number,
): void {
  if (answer.kind !== 'failed') health.succeeded()
  else if (answer.outcome === 'unreachable') health.failed(now)
  else if (answer.outcome !== 'timeout') health.succeeded()
  else if ((answersSoon || answer.whileConnecting) && !signal.aborted) health.failed(now)
  else health.undecided()
}

interface Acquaintance {
  readonly key: string
  readonly known: KnownMember | undefined
  readonly generation: 'auto' | 'legacy'
}

/** What is tried once more, since nothing has been done. */
type NoAnswer = { readonly kind: 'session_lost' } | { readonly kind: 'cannot_ask' }

/**
 * A member that speaks both generations asks its questions in the one it is spoken to in: a client of an
 * earlier revision (it has a session) that can be asked is spoken for in its own.
 */
function generationFor({ fleetSession, abilities }: MemberCall): Acquaintance['generation'] {
  return fleetSession !== '' && abilityLetters(abilities) !== '' ? 'legacy' : 'auto'
}

async function attemptCall<T>(
  call: MemberCall,
  { key, known, generation }: Acquaintance,
  ask: Ask<T>,
): Promise<MemberAnswer<T> | NoAnswer> {
  const attempt = new MemberAttempt(call)
  const { client, transport, options } = attempt.open(known, generation)
  let whileConnecting = true
  try {
    const connecting = client.connect(transport, {
      ...options,
      timeout: Math.min(call.timeoutMs, CONNECTED_WITHIN_MS),
      ...priorOf(known),
    })
    if (known === undefined) call.known.opening(key, connecting)
    await connecting
    // Without one it has nowhere to be answered.
    if (generation === 'legacy' && transport.sessionId === undefined) return { kind: 'cannot_ask' }
    const acquainted = known ?? acquaintance(client, transport)
    noteUse(call, acquainted)
    if (known === undefined) call.known.set(key, acquainted, call.permit.principal.userKey)
    whileConnecting = false
    const capabilities = client.getServerCapabilities() ?? known?.capabilities
    await setLevel(call, acquainted, client, options)
    const value = await ask(client, options, capabilities)
    if (isTooDeep(value)) return TOO_DEEP
    const serverVersion = serverVersionOf(client) ?? known?.serverVersion
    return { kind: 'answer', value, serverVersion }
  } catch (error) {
    if (attempt.failure !== undefined) return { kind: 'failed', outcome: attempt.failure }
    const isRefused = whileConnecting && generation === 'legacy' && isRefusal(error)
    return isRefused
      ? { kind: 'cannot_ask' }
      : lostOrAnswer(call, { key, known }, error, whileConnecting)
  } finally {
    attempt.close()
  }
}

function lostOrAnswer(
  call: MemberCall,
  { key, known }: Omit<Acquaintance, 'generation'>,
  error: unknown,
  whileConnecting: boolean,
): MemberAnswer<never> | NoAnswer {
  if (isLost(error, known)) return { kind: 'session_lost' }
  // It may have been made anew, as another revision: the next call asks.
  if (known !== undefined && error instanceof SdkHttpError) call.known.forget(key, known)
  return answerTo(error, call, whileConnecting)
}

/** The newest permit of the session's user: it lasts longest. */
function noteUse({ member, permit, version, requestId }: MemberCall, known: KnownMember): void {
  if (known.era !== 'legacy' || known.sessionId === undefined) return
  known.usedBy = { member, permit, version, requestId }
}

/**
 * @throws what says that the session is lost
 */
async function setLevel(
  { logLevel }: MemberCall,
  known: KnownMember,
  client: Client,
  options: RequestOptions,
): Promise<void> {
  if (known.era !== 'legacy' || known.sessionId === undefined) return
  if (logLevel === undefined || known.logLevel === logLevel) return
  if (known.capabilities?.logging === undefined) return
  known.logLevel = logLevel
  await client.setLoggingLevel(logLevel, options).catch((error: unknown) => {
    // A server that says no to this one is asked all the same.
    if (!(error instanceof ProtocolError)) throw error
  })
}

/** What need not be asked again; a session says by itself that there was an `initialize`. */
export function priorOf(known: KnownMember | undefined): Pick<ConnectOptions, 'prior'> {
  if (known?.era === 'modern') return { prior: { kind: 'modern', discover: known.discover } }
  if (known?.sessionId === undefined && known !== undefined) return { prior: { kind: 'legacy' } }
  return {}
}

const TOO_DEEP = {
  kind: 'rpc_error',
  code: ProtocolErrorCode.InternalError,
  message: `The MCP server gave an answer that is nested deeper than ${MOST_LEVELS} levels.`,
} as const

/** It did answer: it is not away. */
const UNREADABLE: readonly SdkErrorCode[] = [
  SdkErrorCode.InvalidResult,
  SdkErrorCode.UnsupportedResultType,
]

/** What the SDK gave up with says of the member. */
function answerTo(
  error: unknown,
  { signal }: MemberCall,
  whileConnecting: boolean,
): MemberAnswer<never> {
  if (error instanceof MissingRequiredClientCapabilityError) {
    const message =
      error.requiredCapabilities.extensions === undefined
        ? 'The MCP server asks for input that this client cannot give.'
        : 'The MCP server wants an extension of MCP, such as tasks, that this endpoint does not have.'
    return { kind: 'rpc_error', code: ProtocolErrorCode.InvalidRequest, message }
  }
  if (error instanceof SdkError && UNREADABLE.includes(error.code)) {
    const message = 'The MCP server gave an answer of a kind that this endpoint does not have.'
    return { kind: 'rpc_error', code: ProtocolErrorCode.InternalError, message }
  }
  if (error instanceof ProtocolError) {
    return { kind: 'rpc_error', code: error.code, message: error.message }
  }
  if (error instanceof SdkHttpError && error.status !== undefined && error.status < 500) {
    const message = `The MCP server refuses this call (HTTP status ${error.status}).`
    return { kind: 'rpc_error', code: ProtocolErrorCode.InternalError, message }
  }
  return signal.aborted || isTimeout(error)
    ? { kind: 'failed', outcome: 'timeout', whileConnecting }
    : { kind: 'failed', outcome: 'unreachable' }
}

function isLost(error: unknown, known: KnownMember | undefined): boolean {
  return (
    known?.era === 'legacy' &&
    known.sessionId !== undefined &&
    error instanceof SdkHttpError &&
    error.status === 404
  )
}

/** It does not speak this generation. */
function isRefusal(error: unknown): boolean {
  return error instanceof ProtocolError || error instanceof SdkHttpError
}

function isTimeout(error: unknown): boolean {
  return error instanceof SdkError && error.code === SdkErrorCode.RequestTimeout
}
