import { randomBytes } from 'node:crypto'
import type { FastifyReply } from 'fastify'
import type { Person } from '../people.ts'
import type { ErrorBody } from './errors.ts'
import { PAGE_STYLE } from './page-style.ts'

/** Sends an HTML page that may load nothing from anywhere. Only its own inline script runs. */
async function sendPage(reply: FastifyReply, title: string, body: string): Promise<void> {
  const nonce = randomBytes(16).toString('base64')
  const policy =
    `default-src 'none'; img-src data:; style-src 'nonce-${nonce}'; script-src 'nonce-${nonce}'; ` +
    "base-uri 'none'; frame-ancestors 'none'"
  await reply
    .header('content-security-policy', policy)
    .header('cache-control', 'no-store')
    .header('referrer-policy', 'no-referrer')
    // As Entra does: whoever opened a window that comes by here is cut off from it.
    .header('cross-origin-opener-policy', 'same-origin')
    .type('text/html; charset=utf-8')
    .send(
      '<!doctype html><html lang="en"><meta charset="utf-8">' +
        '<meta name="viewport" content="width=device-width">' +
        `<title>${escapeHtml(title)}</title>` +
        `<link rel="icon" href="data:,"><style nonce="${nonce}">${PAGE_STYLE}</style>` +
        `<main><header>${EMBLEM}<span>Mock Entra ID</span></header>` +
        `${body.replaceAll('NONCE', nonce)}</main></html>`,
    )
}

const EMBLEM =
  '<svg viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2" aria-hidden="true">' +
  '<circle cx="8" cy="12" r="5"/><path d="M13 12h9m-3 0v4"/></svg>'

/** Says what nobody may be mistaken about, on each page. */
const MOCK =
  '<p class="mock"><strong>This is a mock.</strong> It asks for no password: whoever reaches it is ' +
  'whoever they pick. It is for this machine only.</p>'

/** An account as the page offers it. */
export interface OfferedAccount {
  readonly person: Person
  /** What this person may do, in a few words. */
  readonly rights: string
  /** In this browser. */
  readonly isSignedIn: boolean
}

/** What the page on which a person picks an account shows. */
export interface AccountChoice {
  readonly tenantId: string
  readonly clientName: string
  readonly accounts: readonly OfferedAccount[]
  /** The query of the authorize request; the form sends it back. */
  readonly query: string
  readonly scope: string
  readonly asksConsent: boolean
}

/** The page on which a person picks an account: one button for each, and one to cancel. */
export async function sendAccountPicker(reply: FastifyReply, choice: AccountChoice): Promise<void> {
  const { accounts, clientName, asksConsent, scope } = choice
  const known = accounts.find(({ isSignedIn }) => isSignedIn)
  const again = known ? 'Go on with the account that you are signed in with, or pick another.' : ''
  const consent = `<p>You agree that it may: ${escapeHtml(scope)}</p>`
  await sendPage(
    reply,
    'Pick an account',
    '<div class="words"><h1>Pick an account</h1>' +
      `<p class="soft">to continue to <strong>${escapeHtml(clientName)}</strong></p>` +
      (again === '' ? '' : `<p>${again}</p>`) +
      `${asksConsent ? consent : ''}</div>${MOCK}` +
      `<form method="post" action="/${choice.tenantId}/login">` +
      `<input type="hidden" name="query" value="${escapeHtml(choice.query)}">` +
      `<ul>${accounts.map(accountItem).join('')}</ul>` +
      '<button class="cancel" name="username" value="">Cancel</button></form>',
  )
}

function accountItem({ person, rights, isSignedIn }: OfferedAccount): string {
  const { username, upn, given_name, family_name } = person
  const initials = `${given_name.slice(0, 1)}${family_name.slice(0, 1)}`
  const now = isSignedIn ? ' <span class="now">signed in</span>' : ''
  return (
    `<li><button class="account" name="username" value="${escapeHtml(username)}">` +
    `<span class="initials" aria-hidden="true">${escapeHtml(initials)}</span>` +
    `<span class="name">${escapeHtml(`${given_name} ${family_name}`)}${now}</span>` +
    `<span class="upn">${escapeHtml(upn)}</span>` +
    `<span class="rights">${escapeHtml(rights)}</span></button></li>`
  )
}

/** The page for an error that does not go back to the client. */
export async function sendErrorPage(
  reply: FastifyReply,
  status: number,
  body: ErrorBody,
): Promise<void> {
  await sendPage(
    reply.code(status),
    'Sign in',
    '<div class="words"><h1>Sorry, but we’re having trouble signing you in.</h1>' +
      `<p>${escapeHtml(body.error_description)}</p></div>${MOCK}`,
  )
}

/** The page that `response_mode=form_post` answers with: a form that sends itself. */
export async function sendFormPost(
  reply: FastifyReply,
  action: string,
  values: ReadonlyMap<string, string>,
): Promise<void> {
  const inputs = [...values].map(
    ([name, value]) =>
      `<input type="hidden" name="${escapeHtml(name)}" value="${escapeHtml(value)}">`,
  )
  await sendPage(
    reply,
    'Working…',
    `<form method="post" action="${escapeHtml(action)}">${inputs.join('')}` +
      '<div class="words"><h1>Working…</h1></div><button class="alone">Continue</button></form><script nonce="NONCE">document.forms[0].submit()</script>',
  )
}

/** A page with one sentence. */
export async function sendNotice(reply: FastifyReply, text: string): Promise<void> {
  await sendPage(reply, text, `<div class="words"><h1>${escapeHtml(text)}</h1></div>`)
}

function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}
