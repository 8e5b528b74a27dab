import { asSentence, type Whose } from '../../oauth/provider-explanation.ts'
import type { ErrorPage } from '../../sign-in/authorize/browser-answer.ts'
import { type Html, html } from './html.ts'

/** A request that was refused before anybody was signed in. */
export interface RefusedPage {
  readonly kind: 'refused'
  /** The error's code (RFC 6749 §4.1.2.1, and our own). */
  readonly error: string
  /** One plain sentence, with the remedy where there is one. */
  readonly description: string
}

/** A path that is not there. */
export interface MissingPage {
  readonly kind: 'missing'
  /** One plain sentence, with the addresses that are meant. */
  readonly description: string
}

interface Facts {
  readonly what: string
  readonly whose: string
  readonly remedy?: string
  readonly next: string
  readonly code: string | undefined
  readonly requestId: string
}

/** Says what the identity provider refused, or what went wrong there. */
export function errorMain({ explanation }: ErrorPage, requestId: string): Html {
  const { what, whose, remedy, code } = explanation
  const entra = code !== undefined && whose === 'administrator'
  return main('The sign-in did not work', {
    what,
    whose: entra ? 'The job of the administrator of your Entra tenant.' : WHOSE[whose],
    remedy: asSentence(remedy),
    next: NEXT[whose],
    code,
    requestId,
  })
}

/** Says why a request went nowhere. */
export function refusedMain({ error, description }: RefusedPage, requestId: string): Html {
  const whose = whoseJob(error)
  return main('This did not work', {
    what: description,
    whose: whose === 'program' ? THE_PROGRAM : WHOSE[whose],
    next: whose === 'program' ? AGAIN_THEN_REPORT : NEXT[whose],
    code: error,
    requestId,
  })
}

/** Says where to go instead of an address where nothing is. */
export function missingMain({ description }: MissingPage, requestId: string): Html {
  return html`<div class="card">
<h1>There is nothing at this address</h1>
<p class="lead">${description}</p>
<p>An MCP endpoint is for MCP clients; a browser finds <a href="/">how to connect one</a> on the start page.</p>
<p class="soft">Request id: <code>${requestId}</code></p>
</div>`
}

function main(title: string, { what, whose, remedy, next, code, requestId }: Facts): Html {
  return html`<div class="card">
<h1>${title}</h1>
<p class="lead">${what}</p>
<dl>
<div><dt>Whose job it is</dt><dd>${whose}</dd></div>
${remedy === undefined ? undefined : html`<div><dt>The remedy</dt><dd>${remedy}</dd></div>\n`}<div><dt>What to do next</dt><dd>${next}</dd></div>
${code === undefined ? undefined : html`<div><dt>Error code</dt><dd><code>${code}</code></dd></div>\n`}<div><dt>Request id</dt><dd><code>${requestId}</code></dd></div>
</dl>
</div>`
}

const WHOSE: Readonly<Record<Whose, string>> = {
  user: 'Yours.',
  administrator: "The job of the identity provider's administrator.",
  operator: 'The job of whoever operates this server.',
  nobody: "Nobody's: it passes by itself.",
}

const NEXT: Readonly<Record<Whose, string>> = {
  user: 'Close this window and start the sign-in again where you began it.',
  administrator:
    'Send the administrator what this page says, with the error code and the request id. Then sign in again.',
  operator:
    'Send the operator what this page says, with the request id: it leads to the line in the log. Then sign in again.',
  nobody: 'Wait a minute, then start the sign-in again where you began it.',
}

const THE_PROGRAM = 'The job of the program that sent you here, if starting again does not help.'
const AGAIN_THEN_REPORT =
  'Start the sign-in again where you began it. If this page comes again, send the maker of that program what this page says.'

const JOBS: Readonly<Record<string, Whose>> = {
  invalid_client: 'user',
  temporarily_unavailable: 'nobody',
  too_many_requests: 'nobody',
  invalid_redirect_uri: 'operator',
  misdirected_request: 'operator',
  origin_not_allowed: 'operator',
  invalid_grant: 'operator',
  server_error: 'operator',
}

function whoseJob(error: string): Whose | 'program' {
  return JOBS[error] ?? 'program'
}
