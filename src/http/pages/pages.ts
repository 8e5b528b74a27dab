import type { ConsentPage, ErrorPage, Page, SignedInPage } from '../../sign-in/browser-answer.ts'
import { escapeHtml } from './escape-html.ts'
import { layout } from './layout.ts'

/** A request that was refused before anything else was known. */
export interface RefusedPage {
  readonly kind: 'refused'
  readonly description: string
}

/** The HTML of a page. */
export function render(page: Page | RefusedPage, requestId: string): string {
  switch (page.kind) {
    case 'consent':
      return layout('Allow access?', consent(page))
    case 'signed_in':
      return layout('You are signed in', signedIn(page))
    case 'error':
      return layout('The sign-in did not work', error(page) + footnote(requestId))
    case 'refused':
      return layout(
        'This does not work',
        `<p>${escapeHtml(page.description)}</p>${footnote(requestId)}`,
      )
  }
}

function consent({
  client,
  redirectUri,
  resource,
  tokens,
  action,
  transaction,
}: ConsentPage): string {
  const name = client.name ?? 'A client without a name'
  const can =
    tokens === 'sealed'
      ? 'It gets a token that is good for this MCP server only.'
      : 'It gets a token for the cluster itself, which works there without this server too.'
  return `<p><strong>${escapeHtml(name)}</strong> wants to use <strong>${escapeHtml(resource.name)}</strong>
(<code>${escapeHtml(resource.url)}</code>) as you. ${can}</p>
<dl>
<dt>You will be sent back to</dt><dd><code>${escapeHtml(redirectUri)}</code></dd>
<dt>${client.host === undefined ? 'Nobody vouches for its name' : 'Vouched for by'}</dt><dd>${escapeHtml(client.host ?? 'it chose the name itself')}</dd>
</dl>
<form method="post" action="${escapeHtml(action)}">
<input type="hidden" name="transaction" value="${escapeHtml(transaction)}">
<button name="decision" value="allow">Allow</button>
<button name="decision" value="deny">Deny</button>
</form>`
}

function signedIn({ user, groups, resources }: SignedInPage): string {
  const rows = resources.map(
    ({ name, url, permitted }) =>
      `<li>${escapeHtml(name)} (<code>${escapeHtml(url)}</code>): ${permitted ? 'yes' : 'no'}</li>`,
  )
  return `<p>You are <strong>${escapeHtml(user)}</strong>.</p>
<p>Groups: ${escapeHtml(groups.join(', ') || 'none')}</p>
<p>What you may use:</p><ul>${rows.join('')}</ul>`
}

function error({ explanation: { what, remedy } }: ErrorPage): string {
  return `<p>${escapeHtml(what)}</p><p>What to do: ${escapeHtml(remedy)}</p>`
}

function footnote(requestId: string): string {
  return `<p>Request id: <code>${escapeHtml(requestId)}</code></p>`
}
