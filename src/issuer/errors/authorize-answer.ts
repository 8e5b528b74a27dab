import type { ProviderExplanation } from '../../oauth/provider-explanation.ts'

/** What the authorize endpoint answered. */
export interface AuthorizeAnswer {
  readonly status: number
  readonly location?: string
  readonly body: string
}

/** What an answer says of a redirect URI. */
export type RedirectVerdict =
  | { readonly kind: 'registered' }
  | { readonly kind: 'unregistered'; readonly code?: string }
  /** The provider refuses the request itself: the client, its scopes. */
  | { readonly kind: 'refused'; readonly explanation: ProviderExplanation }
  /** `why` is the end of a sentence. */
  | { readonly kind: 'unknown'; readonly why: string }

/** How errors of this provider are read. */
export interface AuthorizeReading {
  readonly kind: 'entra' | 'oidc'
  explain(error: string, description: string): ProviderExplanation
}

/** With `prompt=none` and nobody signed in, these say that all else is well (OpenID Connect Core §3.1.2.6). */
const NOBODY_SIGNED_IN: readonly string[] = [
  'login_required',
  'interaction_required',
  'account_selection_required',
  'consent_required',
]
/** AADSTS numbers of a redirect URI that is not there. */
const UNREGISTERED: readonly string[] = ['AADSTS50011', 'AADSTS500113', 'AADSTS900971']
const MOST_CHARACTERS = 200_000

/**
 * Judges what the authorize endpoint answered to a request with `prompt=none`: a redirect to the URI
 * shows that it is registered, whatever the error in it; a page shows an error of Entra's by its
 * number (RFC 6749 §4.1.2.1: such errors never come back by redirect).
 *
 * @param uri the redirect URI of the request
 */
export function judgeAuthorizeAnswer(
  { status, location, body }: AuthorizeAnswer,
  uri: string,
  { kind, explain }: AuthorizeReading,
): RedirectVerdict {
  if (status >= 300 && status < 400) return judgeRedirect(location ?? '', uri, explain)
  const page = body.slice(0, MOST_CHARACTERS)
  const numbers = kind === 'entra' ? [...page.matchAll(/\bAADSTS\d{4,9}\b/g)].map(([it]) => it) : []
  const unregistered = numbers.find((number) => UNREGISTERED.includes(number))
  if (unregistered !== undefined) return { kind: 'unregistered', code: unregistered }
  const explanation = numbers.map((number) => explain('', number)).find(isForAdministrators)
  if (explanation) return { kind: 'refused', explanation }
  if (status === 200) return { kind: 'registered' }
  if (status >= 400 && status < 500 && /redirect[\s_-]?ur[il]/i.test(page)) {
    return { kind: 'unregistered' }
  }
  return { kind: 'unknown', why: `the authorize endpoint answered ${status}` }
}

function judgeRedirect(
  location: string,
  uri: string,
  explain: AuthorizeReading['explain'],
): RedirectVerdict {
  if (!URL.canParse(location)) {
    // A path of the provider's own: its page for signing in.
    return location.startsWith('/')
      ? { kind: 'registered' }
      : { kind: 'unknown', why: 'it redirects nowhere' }
  }
  const target = new URL(location)
  const sought = new URL(uri)
  if (target.origin !== sought.origin || target.pathname !== sought.pathname) {
    return { kind: 'registered' }
  }
  const answer = new URLSearchParams(target.search || target.hash.slice(1))
  const error = answer.get('error')
  if (error === null || NOBODY_SIGNED_IN.includes(error)) return { kind: 'registered' }
  const explanation = explain(error, answer.get('error_description') ?? '')
  return isForAdministrators(explanation)
    ? { kind: 'refused', explanation }
    : { kind: 'registered' }
}

function isForAdministrators({ whose }: ProviderExplanation): boolean {
  return whose === 'operator' || whose === 'administrator'
}
