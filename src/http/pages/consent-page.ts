import type { ConsentPage, PageClient } from '../../sign-in/authorize/browser-answer.ts'
import { openerOf, warning, whatItCanDo, whoAsks, whoGetsIt } from './client-in-words.ts'
import { type Html, html } from './html.ts'
import { questionForm } from './question-form.ts'
import { redirectPlace } from './redirect-place.ts'
import { durationInWords } from './words.ts'

/**
 * Asks whether a client may use a resource as this user. Who asks and where the answer goes come
 * first: a name can be made up, an address cannot.
 */
export function consentMain(page: ConsentPage): Html {
  const { client, redirectUri } = page
  const place = redirectPlace(redirectUri)
  const { name, url } = page.resource
  const popup = client.kind === 'popup'
  const words = { allow: 'Allow', deny: 'Deny', opensWindow: popup }
  return html`<div class="card" id="question">
<h1>Allow access to ${name}?</h1>
<p class="lead">${popup ? 'A web page' : 'A program'} asks to use the MCP server <strong>${name}</strong> as you.</p>
<dl>
<div><dt>Who asks</dt><dd>${whoAsks(client)}</dd></div>
<div><dt>Who gets the answer</dt><dd>${popup ? openerOf(client) : whoGetsIt(place, redirectUri)}</dd></div>
<div><dt>For which MCP server</dt><dd><strong>${name}</strong>, <code>${url}</code>${
    page.description === undefined ? '' : html`. ${page.description}`
  }</dd></div>
<div><dt>What it can do then</dt><dd>${whatItCanDo(page.tokens)}</dd></div>
<div><dt>For how long</dt><dd>It can renew its token for ${durationInWords(page.lasts)}; then you sign in again. ${
    page.remembers
      ? 'If you allow it, this browser does not ask this again for 90 days.'
      : 'This is asked at each new sign-in.'
  }</dd></div>
</dl>
${warning(client, place, words)}
${questionForm(page, words)}
<p class="soft">If you allow it, your organisation's sign-in page ${popup ? 'opens in another window' : 'comes next'}.</p>
</div>${popup ? waiting(client) : ''}`
}

/** What the popup shows while the sign-in goes on elsewhere; its script brings it to light. */
function waiting({ origin = '' }: PageClient): Html {
  return html`
<div class="card" id="waiting" data-origin="${origin}" role="status" hidden>
<h1>Go on in the other window</h1>
<p class="lead">Sign in there. This window waits for it, tells <strong>${origin}</strong>, and closes.</p>
<p>If you closed the other window, <a href="">begin again</a>. To give up, close this one too.</p>
</div>`
}
