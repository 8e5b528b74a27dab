import { invalidRequest, invalidTarget } from './token-error.ts'

/** The parameters of a request that a client posts to us. */
export type Form = ReadonlyMap<string, string>

/**
 * Reads a form. A parameter without a value counts as absent; those that mean nothing are ignored,
 * as RFC 6749 §3.2 demands.
 *
 * @param body the form as it came
 * @throws ErrorAnswer 400 for a parameter that is there twice, and for an access token
 */
export function readForm(body: string): Form {
  const form = new Map<string, string>()
  const seen = new Set<string>()
  for (const [name, value] of new URLSearchParams(body)) {
    if (seen.has(name)) {
      if (name === 'resource') throw invalidTarget('More than one resource was asked for.')
      throw invalidRequest('A parameter of the form is there twice.')
    }
    seen.add(name)
    if (value !== '') form.set(name, value)
  }
  if (form.has('access_token')) {
    throw invalidRequest('An access token has no place in a token request.')
  }
  return form
}

/** @throws ErrorAnswer 400 where it is absent */
export function needed(form: Form, name: string): string {
  const value = form.get(name)
  if (value === undefined) throw invalidRequest(`The parameter ${name} is missing.`)
  return value
}
