import type { PageClient } from '../../sign-in/authorize/browser-answer.ts'
import type { AccessTokenFormat } from '../../sign-in/sealed/access-token-format.ts'
import { type Html, html } from './html.ts'
import type { RedirectPlace } from './redirect-place.ts'

export function whoAsks(client: PageClient): Html {
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
export function named(name: string): Html {
  return html`<strong><bdi>${name}</bdi></strong>`
}

export function openerOf({ origin }: PageClient): Html {
  return html`<span class="host">${origin}</span>, the page that opened this window`
}

export function whoGetsIt(place: RedirectPlace, redirectUri: string): Html {
  return html`${placeInWords(place)}${address(redirectUri)}`
}

export function placeInWords(place: RedirectPlace): Html {
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

export function whatItCanDo(tokens: AccessTokenFormat): Html {
  return tokens === 'sealed'
    ? html`Whatever you may do through this MCP server, and nothing that you may not. Its token is good for this MCP server only.`
    : html`Whatever you may do in the cluster. <strong>It gets a token for the cluster itself</strong>, which works there without this server too, until it ends.`
}

/** @param deny what the button says by which a user ends it */
export function warning(
  client: PageClient,
  place: RedirectPlace,
  { deny }: { readonly deny: string },
): Html | undefined {
  if (client.kind === 'popup') return undefined
  const reasons = [...placeWarning(place, deny)]
  if (client.kind === 'dynamic') {
    const expected = reasons.length === 0 ? `, and press ${deny} if you do not expect that` : ''
    reasons.push(
      html`<p><strong>The name proves nothing.</strong> Go by who gets the answer${expected}.</p>`,
    )
  }
  return reasons.length === 0 ? undefined : html`<div class="warning" role="note">${reasons}</div>`
}

function placeWarning({ kind }: RedirectPlace, deny: string): readonly Html[] {
  const ask = `Press ${deny} if you did not start this yourself, just now,`
  switch (kind) {
    case 'computer':
      return [
        html`<p><strong>${ask} on this computer.</strong> Any program here can ask like this.</p>`,
      ]
    case 'app':
      return [
        html`<p><strong>${ask} in that app.</strong> Any app can say that it opens such addresses.</p>`,
      ]
    case 'site':
      return []
  }
}

/** A client by its name, for a heading. */
export function clientName({ kind, id, name, host }: PageClient): Html {
  if (name !== undefined) return html`<bdi>${name}</bdi>`
  if (kind === 'registered') return html`<bdi>${id}</bdi>`
  if (kind === 'popup') return html`the web page`
  return html`${host === undefined ? 'a program that gave no name' : `the program of ${host}`}`
}

/** Where an answer goes, for a heading. */
export function placeName(place: RedirectPlace): Html {
  switch (place.kind) {
    case 'computer':
      return html`${place.host}, on this computer`
    case 'site':
      return html`${place.host}`
    case 'app':
      return html`the app for ${place.scheme} addresses`
  }
}
