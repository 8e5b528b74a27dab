import { EntraError } from './errors.ts'

/** The parameters of one request, each at most once. An empty value counts as absent. */
export type Parameters = ReadonlyMap<string, string>

/**
 * Reads a query string or a form body.
 *
 * @throws EntraError 9000411 for a parameter that is there twice
 */
export function readParameters(encoded: string): Parameters {
  const parameters = new Map<string, string>()
  for (const [name, value] of new URLSearchParams(encoded)) {
    if (parameters.has(name)) throw new EntraError(9000411, { parameter: printable(name) })
    parameters.set(name, value)
  }
  return new Map([...parameters].filter(([, value]) => value !== ''))
}

/** The parameters in the query of a request's URL. */
export function readQuery(url: string): Parameters {
  const start = url.indexOf('?')
  return readParameters(start < 0 ? '' : url.slice(start + 1))
}

/** @throws EntraError 900144 */
export function requireParameter(parameters: Parameters, parameter: string): string {
  const value = parameters.get(parameter)
  if (value === undefined) throw new EntraError(900144, { parameter })
  return value
}

function printable(name: string): string {
  return name.slice(0, 40).replaceAll(/[^\w.-]/g, '?')
}
