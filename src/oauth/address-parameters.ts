import { invalidRequest } from './errors.ts'

/**
 * The parameters of an address, those without a value too.
 *
 * @param query as it came
 * @throws ErrorAnswer 400 for a repeated parameter: it is not known which of two is meant
 *   (RFC 6749 §3.1)
 */
export function readAddressParameters(query: string): ReadonlyMap<string, string> {
  const parameters = new Map<string, string>()
  for (const [name, value] of new URLSearchParams(query)) {
    if (parameters.has(name)) throw invalidRequest('A parameter of the address is there twice.')
    parameters.set(name, value)
  }
  return parameters
}
