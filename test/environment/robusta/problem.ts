import type { ProblemView } from './answer.ts'

/** Something that the person at the page is told instead of what they asked for. */
export class Problem extends Error {
  readonly view: ProblemView

  constructor(view: ProblemView) {
    super(`${view.title} ${view.words}`)
    this.view = view
  }
}

/** What HolmesGPT shows of a body that it did not want (`Token exchange failed (HTTP n): …`). */
export const SHOWN_CHARACTERS = 300

const REMEDIES: readonly { readonly sign: RegExp; readonly remedy: string }[] = [
  {
    sign: /\bAADSTS9010010\b/,
    remedy:
      'Entra ID takes no "resource" beside this scope, and HolmesGPT sends one unless it is told not ' +
      'to: set resource: "" under oauth of this MCP server in the Holmes values (here: turn the ' +
      'switch below off), then connect again. rolecall cannot mend this: the browser asks Entra ID ' +
      'directly.',
  },
  {
    sign: /\bAADSTS65004\b|^access_denied\b/,
    remedy: 'You ended the sign-in yourself. Connect again when you want to go on.',
  },
  {
    sign: /\bAADSTS50011\b/,
    remedy:
      'Add the address of this page’s callback to the app registration: Authentication, Web, ' +
      'Redirect URIs.',
  },
]

/**
 * What the identity provider sent the browser back with instead of a code (RFC 6749 §4.1.2.1).
 *
 * @param error its `error`
 * @param description its `error_description`, or an empty text
 */
export function refusedSignIn(error: string, description: string): Problem {
  const words = [error, description].filter((part) => part !== '').join(': ')
  return new Problem({
    title:
      error === 'access_denied'
        ? 'The sign-in was cancelled.'
        : 'The identity provider refused the sign-in.',
    words: words.slice(0, 2 * SHOWN_CHARACTERS),
    ...remedyFor(words),
  })
}

function remedyFor(words: string): { remedy?: string } {
  const known = REMEDIES.find(({ sign }) => sign.test(words))
  return known ? { remedy: known.remedy } : {}
}
