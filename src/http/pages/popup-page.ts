import type { PopupMessage } from '../../sign-in/authorize/popup.ts'
import { ENDING } from '../popup/popup-files.ts'
import { html } from './html.ts'
import { layout } from './layout.ts'

/** The end of a popup: hands the answer to the web UI that opened it, and closes. */
export interface PopupPage {
  /** The one that the answer is posted to. */
  readonly origin: string
  readonly message: PopupMessage
  /** Our own host. */
  readonly site: string
}

/** The HTML of the page. */
export function renderPopup({ origin, message, site }: PopupPage): string {
  const main = html`<div class="card" id="answer" data-origin="${origin}" data-message="${JSON.stringify(message)}">
<div id="handed-over">
<h1>You can go back</h1>
<p class="lead">This window belongs to <strong>${origin}</strong>, which goes on there.</p>
<p>If it does not close by itself, close it.</p>
<noscript><p>It needs JavaScript to tell that page how the sign-in ended. Allow JavaScript here and begin the
sign-in again.</p></noscript>
</div>
<div id="alone" hidden>
<h1>The sign-in did not come to its end</h1>
<p class="lead">The page of <strong>${origin}</strong> that opened this window is gone, so that it was told
nothing.</p>
<p>Open that page and begin the sign-in again.</p>
</div>
</div>`
  const footer = html`<a href="/">What this server is, and how to connect to it</a>`
  return layout({ title: 'The end of the sign-in', site, main, footer, script: ENDING.text })
}
