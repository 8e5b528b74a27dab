import { isJsonObject } from '../../oauth/json.ts'
import type { Question } from './client-abilities.ts'

/**
 * A cluster's question as the fleet's client gets it: its text says first which cluster asks, so that
 * nobody confirms for another one.
 */
export function askedBy<Q extends Question>(cluster: string, question: Q): Q {
  const { method, params } = question
  if (method === 'elicitation/create') {
    return withText(question, 'message', `[${cluster}] ${textOf(params, 'message')}`)
  }
  if (method === 'sampling/createMessage') {
    const prompt = textOf(params, 'systemPrompt')
    const text = `[${cluster}]${prompt === '' ? '' : ` ${prompt}`}`
    return withText(withoutContext(question), 'systemPrompt', text)
  }
  return question
}

/** "This server" is the whole fleet to the client: a cluster would get what others have said. */
function withoutContext<Q extends Question>(question: Q): Q {
  const { includeContext: _, ...params } = question.params ?? {}
  return { ...question, params }
}

function textOf(params: Question['params'], name: string): string {
  const text = isJsonObject(params) ? params[name] : undefined
  return typeof text === 'string' ? text : ''
}

function withText<Q extends Question>(question: Q, name: string, text: string): Q {
  return { ...question, params: { ...question.params, [name]: text } }
}
