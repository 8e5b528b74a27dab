import type { ConsentPage, GoOnPage } from '../../sign-in/authorize/browser-answer.ts'
import { type Html, html } from './html.ts'

export interface QuestionWords {
  /** On the buttons. */
  readonly allow: string
  readonly deny: string
  /** Whether the sign-in goes on in another window, while this one waits. */
  readonly opensWindow: boolean
}

/**
 * The form of a question. Its buttons answer once a pointer or key has moved on the page
 * (`popup/deliberate.js`): a hostile page that holds the window can bring it under a click that was
 * meant for something else (clickjacking by windows, "double-click jacking"). Where scripts do not run,
 * which such a page can bring about too (`sandbox`), a box has to be ticked first, so that no single
 * click allows anything.
 */
export function questionForm(
  { action, transaction }: Pick<ConsentPage | GoOnPage, 'action' | 'transaction'>,
  { allow, deny, opensWindow }: QuestionWords,
): Html {
  return html`<form method="post" action="${action}">
<input type="hidden" name="transaction" value="${transaction}">
<noscript><p><label><input type="checkbox" required> I began this myself, and this is what I want.</label></p></noscript>
<div class="actions">
<button class="first" name="decision" value="allow"${opensWindow ? html` formtarget="_blank"` : ''}>${allow}</button>
<button name="decision" value="deny" formnovalidate>${deny}</button>
</div>
<p class="soft" id="unmoved" role="alert" hidden>Move the pointer or press a key on this page first, then answer.</p>
</form>`
}
