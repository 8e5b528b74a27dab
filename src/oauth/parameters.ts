import { invalidRequest } from './errors.ts'

/** The parameters of an address or a form. */
export interface OAuthParameters {
  /** The value; of a parameter that may be repeated the first. */
  get(name: string): string | undefined
  has(name: string): boolean
  /** Every value of a parameter, in the order in which they came. */
  all(name: string): readonly string[]
}

export interface ReadingOptions {
  /** Where they stood, for the words of a refusal. */
  readonly from: 'address' | 'form'
  /** Those that may be there several times (`resource`, RFC 8707 §2). */
  readonly repeatable?: readonly string[]
  /**
   * Whether one without a value counts as there. In requests it is absent (RFC 6749 §3.1, §3.2); in
   * the answer of an authorization server an empty `iss` or `error` is not the same as none.
   */
  readonly keepsEmpty?: boolean
}

/**
 * Reads `application/x-www-form-urlencoded` parameters: the query of an address or the body of a form.
 *
 * What may be read in two ways is refused: of two values of one parameter it is not known which is
 * meant, and whoever stands in front may have judged the other one (parameter pollution).
 *
 * Not checked: that a parameter is known. Unknown ones are ignored, as RFC 6749 §3.1 demands.
 *
 * @param text as it came, without the question mark
 * @throws ErrorAnswer 400 for a repeated parameter, also one without a value, and for an access token
 */
export function readParameters(
  text: string,
  { from, repeatable = [], keepsEmpty = false }: ReadingOptions,
): OAuthParameters {
  const values = new Map<string, string[]>()
  const seen = new Set<string>()
  for (const [name, value] of new URLSearchParams(text)) {
    if (seen.has(name) && !repeatable.includes(name)) {
      throw invalidRequest(`A parameter of the ${from} is there twice.`)
    }
    seen.add(name)
    if (keepsEmpty || value !== '') values.set(name, [...(values.get(name) ?? []), value])
  }
  if (values.has('access_token')) {
    throw invalidRequest(
      `An access token has no place in ${from === 'form' ? 'a form' : 'an address'}.`,
    )
  }
  return {
    get: (name) => values.get(name)?.[0],
    has: (name) => values.has(name),
    all: (name) => values.get(name) ?? [],
  }
}

/**
 * @param hint what to do, where there is more to say than that it is missing
 * @throws ErrorAnswer 400 for a parameter that is absent or has no value
 */
export function required(parameters: OAuthParameters, name: string, hint?: string): string {
  const value = parameters.get(name)
  if (value !== undefined && value !== '') return value
  throw invalidRequest(`The parameter ${name} is missing${hint === undefined ? '' : `; ${hint}`}.`)
}
