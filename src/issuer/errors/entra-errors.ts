import type { ProviderExplanation } from '../../oauth/provider-explanation.ts'
import { entraAppErrors } from './entra-app-errors.ts'
import type { EntraErrorRow } from './entra-error-row.ts'
import { entraSignInErrors } from './entra-sign-in-errors.ts'
import { explainOAuthError } from './oauth-errors.ts'

/** An error of the identity provider, from its token endpoint or from a redirect. */
export interface ProviderError {
  readonly error: string
  readonly suberror?: string
  /** Entra's AADSTS numbers; empty for other providers. */
  readonly codes: readonly number[]
  /** Only looked through for AADSTS numbers where there are no `codes`: redirects have none. */
  readonly description?: string
}

/**
 * What Entra's AADSTS numbers mean to people. Data for texts alone: what rolecall does next is
 * decided by `error` and `suberror`, since Microsoft may change the numbers at any time.
 */
export const entraErrors: readonly EntraErrorRow[] = [...entraAppErrors, ...entraSignInErrors]

const byCode: ReadonlyMap<number, EntraErrorRow> = new Map(
  entraErrors.flatMap((row) => row.codes.map((code) => [code, row] as const)),
)

/**
 * An error of the identity provider in our own words: by its AADSTS number, else by `suberror` and
 * `error`, which do for any provider. Nothing of the provider's own text is in it.
 */
export function explainProviderError({
  error,
  suberror,
  codes,
  description,
}: ProviderError): ProviderExplanation {
  const numbers = codes.length > 0 ? codes : codesIn(description)
  const number = numbers.find((it) => byCode.has(it)) ?? numbers[0]
  if (number === undefined) return explainOAuthError(error, suberror)
  const { what, whose, remedy } = byCode.get(number) ?? explainOAuthError(error, suberror)
  return { code: `AADSTS${number}`, what, whose, remedy }
}

function codesIn(description = ''): readonly number[] {
  return [...description.matchAll(/\bAADSTS(\d{4,9})\b/g)].map(([, digits]) => Number(digits))
}
