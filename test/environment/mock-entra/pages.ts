import { randomBytes } from 'node:crypto'
import type { FastifyReply } from 'fastify'
import type { Person } from '../people.ts'
import type { ErrorBody } from './errors.ts'

/** Sends an HTML page that may load nothing from anywhere. Only its own inline script runs. */
async function sendPage(reply: FastifyReply, title: string, body: string): Promise<void> {
  const nonce = randomBytes(16).toString('base64')
  const policy =
    `default-src 'none'; style-src 'nonce-${nonce}'; script-src 'nonce-${nonce}'; ` +
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
        `<style nonce="${nonce}">${style}</style><main>${body.replaceAll('NONCE', nonce)}</main></html>`,
    )
}

const style =
  ':root{color-scheme:light dark}' +
  'body{margin:0;padding:1rem;font:16px/1.5 system-ui,sans-serif;background:#f2f2f2}' +
  'main{max-width:26rem;margin:2rem auto;padding:2rem;background:#fff;overflow-wrap:anywhere}' +
  'h1{margin-top:0;font-size:1.5rem}' +
  'button{display:block;width:100%;margin:.5rem 0;padding:.6rem;font:inherit;text-align:left}' +
  '@media (prefers-color-scheme:dark){body{background:#1b1b1b}main{background:#2a2a2a}}'

/** What the page on which a person picks an account shows. */
export interface AccountChoice {
  readonly tenantId: string
  readonly clientName: string
  readonly people: readonly Person[]
  /** The query of the authorize request; the form sends it back. */
  readonly query: string
  readonly scope: string
  readonly asksConsent: boolean
}

/** The page on which a person picks an account: one button for each, and one to cancel. */
export async function sendAccountPicker(reply: FastifyReply, choice: AccountChoice): Promise<void> {
  const buttons = choice.people.map(({ username, upn, given_name, family_name }) => {
    const name = escapeHtml(`${given_name} ${family_name}`)
    return (
      `<button name="username" value="${escapeHtml(username)}">` +
      `${name}<br>${escapeHtml(upn)}</button>`
    )
  })
  const consent = `<p>You agree that it may: ${escapeHtml(choice.scope)}</p>`
  await sendPage(
    reply,
    'Pick an account',
    '<h1>Pick an account</h1>' +
      `<p>Mock Entra: nobody is really signed in. To continue to ${escapeHtml(choice.clientName)}.</p>` +
      (choice.asksConsent ? consent : '') +
      `<form method="post" action="/${choice.tenantId}/login">` +
      `<input type="hidden" name="query" value="${escapeHtml(choice.query)}">` +
      buttons.join('') +
      '<button name="username" value="">Cancel</button></form>',
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
    `<h1>Sorry, but we’re having trouble signing you in.</h1>` +
      `<p>${escapeHtml(body.error_description)}</p>`,
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
      '<button>Continue</button></form><script nonce="NONCE">document.forms[0].submit()</script>',
  )
}

/** A page with one sentence. */
export async function sendNotice(reply: FastifyReply, text: string): Promise<void> {
  await sendPage(reply, text, `<p>${escapeHtml(text)}</p>`)
}

function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}
