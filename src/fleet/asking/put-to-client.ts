import {
  type InputRequiredResult,
  ProtocolError,
  ProtocolErrorCode,
} from '@modelcontextprotocol/server'
import { isJsonObject } from '../../oauth/json.ts'
import type { PermittedMember } from '../calls/member.ts'
import type { AnswerableRequest } from '../fleet-request.ts'
import { canAnswer, type Question } from './client-abilities.ts'
import { openState, type QuestionOf, sealState } from './question-state.ts'
import { askedBy } from './question-text.ts'

/** What a client sends with a call that a cluster had asked something about, as the cluster gets it. */
export interface Answers {
  readonly inputResponses?: Readonly<Record<string, unknown>>
  /** The cluster's own. */
  readonly requestState?: string
}

/** What becomes of a cluster's question. */
export type PutToClient =
  | { readonly kind: 'asks'; readonly question: InputRequiredResult }
  | { readonly kind: 'cannot_ask'; readonly why: string }

/** The client sends it back within a body that has a bound. */
const MOST_STATE_BYTES = 262_144

/**
 * A cluster's `input_required` result as the fleet's client gets it: each question says which cluster
 * asks, and the cluster's state is sealed for this user, cluster and subject.
 */
export async function putToClient(
  call: AnswerableRequest,
  { member }: PermittedMember,
  asked: InputRequiredResult,
): Promise<PutToClient> {
  const { name } = member.resource
  const questions = Object.entries(asked.inputRequests ?? {}) as [string, Question][]
  const { abilities } = call.request
  if (!questions.every(([, question]) => isQuestion(question) && canAnswer(abilities, question))) {
    return { kind: 'cannot_ask', why: `${name} asks for input that this client cannot give.` }
  }
  if (Buffer.byteLength(asked.requestState ?? '') > MOST_STATE_BYTES) {
    const why = `${name} asks for input, with a state that is too large to be passed on.`
    return { kind: 'cannot_ask', why }
  }
  const { questionKeys: keys, clock } = call.fleet
  const requestState = await sealState(questionOf(call, member), asked.requestState, {
    keys,
    now: clock.now(),
  })
  const inputRequests = Object.fromEntries(
    questions.map(([key, question]) => [key, askedBy(name, question)]),
  ) as NonNullable<InputRequiredResult['inputRequests']>
  return {
    kind: 'asks',
    question: {
      ...asked,
      requestState,
      ...(questions.length > 0 && { inputRequests }),
    },
  }
}

/**
 * What a client answers to an earlier question, for the cluster that asked; `undefined`: nothing.
 *
 * @param cluster that the call names; `undefined`: not exactly one of the user's
 * @throws ProtocolError in plain words for a state that is forged, too old, or another user's, cluster's or
 *   subject's
 */
export async function answersFor(
  call: AnswerableRequest,
  cluster: string | undefined,
): Promise<Answers | undefined> {
  const { inputResponses, requestState } = call.context.mcpReq
  const sealed = requestState<unknown>()
  if (sealed === undefined && inputResponses === undefined) return undefined
  const member = call.fleet.members.find(({ resource: { name } }) => name === cluster)
  if (member === undefined) throw refusal('An answer goes to the one cluster that asked: name it.')
  if (sealed === undefined) return { ...(inputResponses && { inputResponses }) }
  const { questionKeys: keys, clock } = call.fleet
  const opened = await openState(String(sealed), questionOf(call, member), {
    keys,
    now: clock.now(),
  })
  if (opened.kind === 'refused') throw refusal(opened.problem)
  return {
    ...(inputResponses && { inputResponses }),
    ...(opened.state !== undefined && { requestState: opened.state }),
  }
}

function questionOf(
  { request, context, subject }: AnswerableRequest,
  { resource: { name, upstream } }: PermittedMember['member'],
): QuestionOf {
  const { method } = context.mcpReq
  return { user: request.principal.userKey, method, subject, cluster: name, upstream }
}

function isQuestion(question: unknown): boolean {
  return isJsonObject(question) && typeof question['method'] === 'string'
}

function refusal(text: string): ProtocolError {
  return new ProtocolError(ProtocolErrorCode.InvalidParams, text, {
    reason: 'invalid_request_state',
  })
}
