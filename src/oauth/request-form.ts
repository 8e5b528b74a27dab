import { invalidRequest } from './errors.ts'

/** The parameters of a request that a client posts to us. */
export type Form = ReadonlyMap<string, string>

/** A form that was read. */
export interface ReadForm {
  readonly form: Form
  /** RFC 8707 allows several; whoever reads `resource` takes one at most. */
  readonly severalResources: boolean
}

/**
 * Reads a form. A parameter without a value counts as absent; those that mean nothing are ignored,
 * as RFC 6749 §3.2 demands.
 *
 * @param body the form as it came
 * @throws ErrorAnswer 400 for a parameter that is there twice, and for an access token
 */
export function readForm(body: string): ReadForm {
  const form = new Map<string, string>()
  const seen = new Set<string>()
  let severalResources = false
  for (const [name, value] of new URLSearchParams(body)) {
    if (seen.has(name)) {
      if (name !== 'resource') throw invalidRequest('A parameter of the form is there twice.')
      severalResources = true
    }
    seen.add(name)
    if (value !== '') form.set(name, value)
  }
  if (form.has('access_token')) {
    throw invalidRequest('An access token has no place in a token request.')
  }
  return { form, severalResources }
}

/** @throws ErrorAnswer 400 where it is absent */
export function needed(form: Form, name: string): string {
  const value = form.get(name)
  if (value === undefined) throw invalidRequest(`The parameter ${name} is missing.`)
  return value
}
