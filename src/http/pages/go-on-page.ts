import type { GoOnPage } from '../../sign-in/authorize/browser-answer.ts'
import {
  clientName,
  openerOf,
  placeName,
  warning,
  whatItCanDo,
  whoGetsIt,
} from './client-in-words.ts'
import { type Html, html } from './html.ts'
import { questionForm } from './question-form.ts'
import { redirectPlace } from './redirect-place.ts'

const WORDS = { allow: 'Go on', deny: 'Stop', opensWindow: false } as const

/**
 * Asks, after the identity provider, whether to go on to the client: nobody may have clicked in this
 * sign-in before. Whoever did not begin it learns here where they were being sent.
 */
export function goOnMain(page: GoOnPage): Html {
  const { client, redirectUri, resource } = page
  const place = redirectPlace(redirectUri)
  const popup = client.kind === 'popup'
  const where = popup ? html`${client.origin}` : placeName(place)
  return html`<div class="card" id="question">
<h1>Go on to ${clientName(client)} at ${where}?</h1>
<p class="lead">You are signed in. If you go on, it can use the MCP server <strong>${resource.name}</strong> as you.</p>
<dl>
<div><dt>Who gets the answer</dt><dd>${popup ? openerOf(client) : whoGetsIt(place, redirectUri)}</dd></div>
<div><dt>What it can do then</dt><dd>${whatItCanDo(page.tokens)}</dd></div>
</dl>
${warning(client, place, WORDS) ?? html`<p>Press ${WORDS.deny} if you did not start this yourself, just now.</p>`}
${questionForm(page, WORDS)}
</div>`
}
