import { type Html, html } from './html.ts'

/** A path that is not there. */
export interface MissingPage {
  readonly kind: 'missing'
  /** One plain sentence, with the addresses that are meant. */
  readonly description: string
}

/** Says where to go instead. */
export function missingMain({ description }: MissingPage, requestId: string): Html {
  return html`<div class="card">
<h1>There is nothing at this address</h1>
<p class="lead">${description}</p>
<p>An MCP endpoint is for MCP clients; a browser finds <a href="/">how to connect one</a> on the start page.</p>
<p class="soft">Request id: <code>${requestId}</code></p>
</div>`
}
