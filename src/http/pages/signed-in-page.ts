import type { SignedInPage } from '../../sign-in/authorize/browser-answer.ts'
import { type Html, html } from './html.ts'
import { durationInWords, momentInWords } from './words.ts'

/** Tells a user who they are here and what they may use. */
export function signedInMain(page: SignedInPage): Html {
  return html`<div class="card">
<h1>You are signed in</h1>
<p class="lead">You are <strong><bdi>${page.user}</bdi></strong> here.</p>
<dl>
<div><dt>What you may use</dt><dd><ul>${page.resources.map(resource)}</ul></dd></div>
<div><dt>Your groups</dt><dd>${groups(page)}</dd></div>
<div><dt>The token that told this</dt><dd>${end(page)}</dd></div>
</dl>
<p>rolecall has forgotten the token already and keeps no session: there is nothing to sign out of here.
Your organisation's sign-in page may still know you in this browser.</p>
</div>`
}

function resource({ name, url, permitted }: SignedInPage['resources'][number]): Html {
  const verdict = permitted
    ? html`<span class="yes">yes</span>`
    : html`<span class="no">no</span>, ask an administrator for access`
  return html`<li><strong>${name}</strong>: ${verdict}<br><code>${url}</code></li>`
}

/** As many are in sight; the others are a click away. */
const GROUPS_IN_SIGHT = 10

function groups({ groups: all, groupsKnown }: SignedInPage): Html {
  if (groupsKnown === 'not_read') {
    return html`Not read here: <code>groups_claim</code> is empty, and nothing is decided by group.`
  }
  if (groupsKnown === 'left_out') {
    return html`You are in so many groups that the identity provider leaves all of them out of the token.
What is decided by group is closed to you until its administrator lets it put only assigned groups into tokens.`
  }
  if (groupsKnown === 'resolved') {
    return html`You are in so many groups that the identity provider leaves all of them out of the token.
Of those that matter here Microsoft Graph says that you are in ${all.length === 0 ? 'none.' : 'these:'}${all.length === 0 ? undefined : listed(all)}`
  }
  if (all.length === 0) return html`The token names none.`
  return listed(all)
}

function listed(all: readonly string[]): Html {
  const shown = all.slice(0, GROUPS_IN_SIGHT)
  const others = all.slice(GROUPS_IN_SIGHT)
  return html`<ul>${shown.map(group)}</ul>${
    others.length === 0
      ? undefined
      : html`<details><summary>${others.length} more</summary><ul>${others.map(group)}</ul></details>`
  }`
}

function group(name: string): Html {
  return html`<li><bdi>${name}</bdi></li>`
}

function end({ signedInAt, expiresAt }: SignedInPage): Html {
  const time = html`<time datetime="${new Date(expiresAt).toISOString()}">${momentInWords(expiresAt)}</time>`
  return html`Ends in ${durationInWords(expiresAt - signedInAt)}, on ${time}.`
}
