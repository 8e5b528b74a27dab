import { printable } from './printable.ts'

/**
 * Whose job it is: the user's who signs in, the administrator's of the tenant or provider, the
 * operator's of rolecall, or nobody's, since it passes by itself.
 */
export type Whose = 'user' | 'administrator' | 'operator' | 'nobody'

/** What went wrong at the identity provider, for people; every word in it is our own. */
export interface ProviderExplanation {
  /** As the provider numbers it: `AADSTS50076`. */
  readonly code?: string
  /** One sentence. */
  readonly what: string
  readonly whose: Whose
  /** What to do: begins in lower case, names the setting or the place. */
  readonly remedy: string
}

/** A remedy as a sentence of its own. The name of a setting stays as the configuration has it. */
export function asSentence(remedy: string): string {
  const isName = /^[a-z]+[_.][a-z]/.test(remedy)
  return isName ? remedy : remedy.charAt(0).toUpperCase() + remedy.slice(1)
}

/**
 * What may be logged of a refusal of the identity provider, under the names of a log line: codes and
 * ids, never a text of the provider's.
 */
export interface ProviderTrace {
  /** The HTTP status; absent: it came by way of the browser. */
  readonly provider_status?: number
  readonly provider_error?: string
  readonly suberror?: string
  /** Entra's AADSTS numbers. */
  readonly codes: readonly number[]
  /** By these Entra's support finds the request. */
  readonly correlation_id?: string
  readonly trace_id?: string
}

const toDo: Readonly<Record<Whose, string>> = {
  user: 'What you can do',
  administrator: "For the provider's administrator",
  operator: 'For the operator of rolecall',
  nobody: 'This passes by itself',
}

/**
 * Characters. HolmesGPT shows users the first 300 of an answer, JSON and all, and before the
 * description stand up to 56.
 */
const MOST_CHARACTERS = 240

/**
 * An explanation as one line: what happened, whose job it is, the remedy, the code. Printable ASCII
 * without quotation marks and backslashes, as `error_description` demands (RFC 6749 §5.2), and 240
 * characters at most.
 */
export function describeExplanation({ code, what, whose, remedy }: ProviderExplanation): string {
  const entra = code !== undefined && whose === 'administrator'
  const part = entra ? "For the tenant's administrator" : toDo[whose]
  const line = `${what} ${part}: ${remedy}${code === undefined ? '' : ` (${code})`}`
  return printable(line, MOST_CHARACTERS).replaceAll('"', "'").replaceAll('\\', '/')
}
