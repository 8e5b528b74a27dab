import { STYLE_SOURCE } from './style.ts'

/** What a page does that its policy must let it. */
export interface PageNeeds {
  readonly form: boolean
  /** How the policy names the page's own scripts. */
  readonly scripts?: readonly string[]
}

/**
 * The headers of a page. Cross-Origin-Opener-Policy is not among them on purpose: a popup must keep
 * its opener while it asks and at its end.
 */
export function pageHeaders(needs: PageNeeds): Readonly<Record<string, string>> {
  return {
    'content-security-policy': policy(needs),
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    'cross-origin-resource-policy': 'same-origin',
    'cache-control': 'no-store',
    // With no-referrer browsers send `Origin: null` with the form.
    'referrer-policy': needs.form ? 'same-origin' : 'no-referrer',
  }
}

/**
 * Nothing but our own style, and nothing of it within another page (clickjacking). A page with a form names no form-action: browsers hold it against the
 * redirects that follow too, and those lead to the identity provider and to the client, wherever
 * that is. Another page cannot put a form into ours, since all text in it is escaped.
 */
function policy({ form, scripts = [] }: PageNeeds): string {
  const directives = [
    "default-src 'none'",
    `style-src ${STYLE_SOURCE}`,
    ...(scripts.length === 0 ? [] : [`script-src ${scripts.join(' ')}`]),
    "base-uri 'none'",
    "frame-ancestors 'none'",
    ...(form ? [] : ["form-action 'none'"]),
  ]
  return directives.join('; ')
}
