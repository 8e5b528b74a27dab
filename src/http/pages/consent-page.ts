import type { ConsentPage } from '../../sign-in/authorize/browser-answer.ts'
import { type Html, html } from './html.ts'
import { type RedirectPlace, redirectPlace } from './redirect-place.ts'
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
  return html`<div class="card" id="question">
<h1>Allow access to ${name}?</h1>
<p class="lead">${popup ? 'A web page' : 'A program'} asks to use the MCP server <strong>${name}</strong> as you.</p>
<dl>
<div><dt>Who asks</dt><dd>${whoAsks(client)}</dd></div>
<div><dt>Who gets the answer</dt><dd>${popup ? openerOf(client) : whoGetsIt(place, redirectUri)}</dd></div>
<div><dt>For which MCP server</dt><dd><strong>${name}</strong>, <code>${url}</code></dd></div>
<div><dt>What it can do then</dt><dd>${whatItCanDo(page.tokens)}</dd></div>
<div><dt>For how long</dt><dd>It can renew its token for ${durationInWords(page.lasts)}; then you sign in again. ${
    page.remembers
      ? 'If you allow it, this browser does not ask this again for 90 days.'
      : 'This is asked at each new sign-in.'
  }</dd></div>
</dl>
${warning(page, place)}
<form method="post" action="${page.action}">
<input type="hidden" name="transaction" value="${page.transaction}">
<div class="actions">
<button class="first" name="decision" value="allow"${popup ? html` formtarget="_blank"` : ''}>Allow</button>
<button name="decision" value="deny">Deny</button>
</div>
</form>
<p class="soft">If you allow it, your organisation's sign-in page ${popup ? 'opens in another window' : 'comes next'}.</p>
</div>${popup ? waiting(client) : ''}`
}

/** What the popup shows while the sign-in goes on elsewhere; its script brings it to light. */
function waiting({ origin = '' }: AskingClient): Html {
  return html`
<div class="card" id="waiting" data-origin="${origin}" role="status" hidden>
<h1>Go on in the other window</h1>
<p class="lead">Sign in there. This window waits for it, tells <strong>${origin}</strong>, and closes.</p>
<p>If you closed the other window, <a href="">begin again</a>. To give up, close this one too.</p>
</div>`
}

type AskingClient = ConsentPage['client']

function whoAsks(client: AskingClient): Html {
  switch (client.kind) {
    case 'registered':
      return html`${named(client.name ?? client.id)}
<p>Registered by the operator of this server, as <code>${client.id}</code>.</p>`
    case 'dynamic':
      return client.name === undefined
        ? html`A program that registered itself and gave no name`
        : html`${named(client.name)}
<p>It chose this name itself; nobody has verified it.</p>`
    case 'metadata_document':
      return html`${client.name === undefined ? 'A program that gave no name' : named(client.name)}
<p><strong>${client.host ?? 'Nobody'}</strong> vouches for it, at</p>${address(client.id)}`
    case 'popup':
      return html`A web page of <strong>${client.origin}</strong>
<p>The operator of this server lets people sign in from there.</p>`
  }
}

/** Isolated, so that a name in another direction turns nothing but itself. */
function named(name: string): Html {
  return html`<strong><bdi>${name}</bdi></strong>`
}

function openerOf({ origin }: AskingClient): Html {
  return html`<span class="host">${origin}</span>, the page that opened this window`
}

function whoGetsIt(place: RedirectPlace, redirectUri: string): Html {
  return html`${placeInWords(place)}${address(redirectUri)}`
}

function placeInWords(place: RedirectPlace): Html {
  switch (place.kind) {
    case 'computer':
      return html`<span class="host">A program on this computer</span> (${place.host})`
    case 'site':
      return html`<span class="host">${place.host}</span>`
    case 'app':
      return html`<span class="host">An app on this device</span>, the one that opens <code>${place.scheme}</code> addresses`
  }
}

/** What is shown at most without scrolling within it; the question must stay in sight. */
const LONG_ADDRESS = 240

/** All of it; a box that scrolls can be reached by keyboard. */
function address(uri: string): Html {
  return uri.length > LONG_ADDRESS
    ? html`<p class="soft long" tabindex="0" role="region" aria-label="The whole address"><code dir="ltr">${uri}</code></p>`
    : html`<p class="soft"><code dir="ltr">${uri}</code></p>`
}

function whatItCanDo(tokens: ConsentPage['tokens']): Html {
  return tokens === 'sealed'
    ? html`Whatever you may do through this MCP server, and nothing that you may not. Its token is good for this MCP server only.`
    : html`Whatever you may do in the cluster. <strong>It gets a token for the cluster itself</strong>, which works there without this server too, until it ends.`
}

function warning({ client }: ConsentPage, place: RedirectPlace): Html | undefined {
  if (client.kind === 'popup') return undefined
  const reasons: Html[] = []
  if (place.kind === 'computer') {
    reasons.push(
      html`<p><strong>Did you start this yourself, just now, on this computer?</strong> Any program here can ask like this. If you did not, deny.</p>`,
    )
  }
  if (place.kind === 'app') {
    reasons.push(
      html`<p><strong>Did you start this yourself, just now, in that app?</strong> Any app can say that it opens such addresses. If you did not, deny.</p>`,
    )
  }
  if (client.kind === 'dynamic') {
    reasons.push(
      html`<p><strong>The name proves nothing.</strong> Go by who gets the answer; if you do not expect that, deny.</p>`,
    )
  }
  return reasons.length === 0 ? undefined : html`<div class="warning" role="note">${reasons}</div>`
}
