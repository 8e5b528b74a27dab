import { asSentence } from '../../oauth/provider-explanation.ts'
import { type Html, html } from '../pages/html.ts'
import { layout } from '../pages/layout.ts'
import { aboutInWords, momentInWords } from '../pages/words.ts'
import { remedyFor } from './remedies.ts'
import type { ClusterState, ResourceState, Status } from './status.ts'
import { trafficPicture } from './traffic-picture.ts'
import { type Trouble, times, troublesOf } from './troubles.ts'

/**
 * The page for whoever is called at three in the morning: what is wrong and what to do, then how each
 * part fares. Without script; reload it for a newer one.
 */
export function renderStatus(status: Status): string {
  const troubles = troublesOf(status)
  const main = html`${verdict(status, troubles)}
${resources(status)}
${provider(status)}
${traffic(status)}
${failures(status)}
${configuration(status)}`
  const footer = html`<a href="/metrics">Metrics</a> · <a href="/readyz">Readiness</a> · the log has the request id of each line here`
  return layout({ title: title(troubles), site: new URL(status.publicUrl).host, main, footer })
}

function title(troubles: readonly Trouble[]): string {
  return troubles.length === 0 ? 'All is well' : `${troubles.length} to look at`
}

function verdict(status: Status, troubles: readonly Trouble[]): Html {
  const { startedAt, now, version, readiness, openCalls, openStreams } = status
  return html`<div class="card">
<h1>${heading(troubles)}</h1>
<p>rolecall ${version} is up since ${moment(startedAt)} (${aboutInWords(now - startedAt)}), ${
    readiness.ready
      ? html`<span class="yes">ready</span>`
      : html`<span class="no">not ready</span>: ${readiness.reason}`
  }. Under way: ${openCalls} calls, ${openStreams} streams. This page is of ${moment(now)}.</p>
${troubles.map(trouble)}</div>`
}

function heading(troubles: readonly Trouble[]): string {
  const now = troubles.filter(({ urgency }) => urgency === 'now').length
  const soon = troubles.length - now
  if (now > 0) return `${need(now)} now${soon > 0 ? `, ${soon} soon` : ''}`
  return soon > 0 ? `${need(soon)} soon` : 'All is well'
}

function need(count: number): string {
  return count === 1 ? 'One thing needs somebody' : `${count} things need somebody`
}

function trouble({ urgency, what, remedy }: Trouble): Html {
  return html`<div class="warning ${urgency}"><p><strong>${what}</strong></p><p>${asSentence(remedy)}</p></div>
`
}

function resources({ resources: all, fleet, now }: Status): Html {
  return html`<section class="card">
<h2>Resources</h2>
<dl>
${all.map((resource) => oneResource(resource, now))}${
  fleet &&
  html`<div><dt><strong>fleet</strong> <code>${fleet.path}</code></dt><dd>Clusters: ${inOneLine(fleet.members)}</dd></div>\n`
}</dl>
</section>`
}

function inOneLine(clusters: readonly ClusterState[]): string {
  return clusters
    .map(({ name, isLeftAlone }) => (isLeftAlone ? `${name} (left alone)` : name))
    .join(', ')
}

function oneResource({ name, path, upstream, contact, proof }: ResourceState, now: number): Html {
  return html`<div><dt><strong>${name}</strong> <code>${path}</code> to <code>${upstream}</code></dt>
<dd><p>${reach(contact, now)}</p><p>${proofWords(proof)}</p></dd></div>
`
}

function reach(contact: ResourceState['contact'], now: number): Html {
  const { answeredAt, failedAt, reason = '' } = contact ?? {}
  const answered = answeredAt === undefined ? undefined : `last answered ${ago(answeredAt, now)}`
  if (failedAt !== undefined && failedAt > (answeredAt ?? 0)) {
    return html`<span class="no">down or slow</span>: ${reason} ${ago(failedAt, now)}${
      answered === undefined ? '' : `, ${answered}`
    }`
  }
  if (answered === undefined) return html`no call yet`
  return html`<span class="yes">up</span>, ${answered}`
}

const VERDICTS = {
  caller: html`<span class="yes">Acts as the caller</span>`,
  own: html`<span class="no">Acts as itself</span>`,
  not_shown: html`<strong>Not proven</strong>`,
  configured_own: html`<strong>Acts as itself, as configured</strong>`,
}

function proofWords(proof: ResourceState['proof']): Html {
  if (proof === undefined) return html`Not asked yet as whom it acts.`
  return html`${VERDICTS[proof.verdict]}: ${proof.sentence}`
}

function provider({ provider: state, store, now }: Status): Html {
  const { issuer, keysFetchedAt, discoveryFetchedAt, keyCount, reason, staleFor } = state
  const age = (at: number | undefined) =>
    at === undefined ? html`<span class="no">never fetched</span>` : html`fetched ${ago(at, now)}`
  return html`<section class="card">
<h2>Identity provider${store.kind === 'none' ? '' : ' and store'}</h2>
<dl>
<div><dt>Issuer</dt><dd><code>${issuer}</code></dd></div>
<div><dt>Keys</dt><dd>${age(keysFetchedAt)}; ${keyCount} can be used; good for ${aboutInWords(staleFor)} without the provider</dd></div>
<div><dt>Discovery</dt><dd>${age(discoveryFetchedAt)}</dd></div>
${reason === undefined ? undefined : html`<div><dt>Last fetch</dt><dd><span class="no">failed</span>: ${reason}</dd></div>\n`}${
  store.kind === 'none'
    ? undefined
    : html`<div><dt>Redis</dt><dd>${
        store.away === undefined
          ? html`<span class="yes">takes commands</span>`
          : html`<span class="no">away</span> since ${moment(store.away.at)}: ${store.away.what.reason}`
      }</dd></div>\n`
}</dl>
</section>`
}

function traffic({ traffic: minutes }: Status): Html {
  return html`<section class="card">
<h2>Traffic of the last hour</h2>
${trafficPicture(minutes)}
</section>`
}

/** So many kinds are shown. */
const MOST_ROWS = 15

function failures({ refused, signInFailures, limits, now }: Status): Html {
  const requests = refused
    .slice(0, MOST_ROWS)
    .map(({ facts: { resource, reason }, count, last }) =>
      row(`${resource}: ${reason}`, remedyFor(reason), `${times(count)}, last ${ago(last, now)}`),
    )
  const signIns = signInFailures
    .slice(0, MOST_ROWS)
    .map(({ facts: { step, reason, explanation }, count, last }) => {
      const code = explanation?.code === undefined ? '' : ` (${explanation.code})`
      const words = explanation
        ? `${explanation.what} ${asSentence(explanation.remedy)}`
        : remedyFor(reason)
      return row(`${step}: ${reason}${code}`, words, `${times(count)}, last ${ago(last, now)}`)
    })
  const reached = limits.map(({ facts: { limit }, count, last }) =>
    row(`limits.${limit}`, 'Requests were beyond it.', `${times(count)}, last ${ago(last, now)}`),
  )
  return html`<section class="card">
<h2>The last hour's refusals</h2>
${list('Requests', requests)}${list('Sign-ins', signIns)}${list('Limits', reached)}</section>`
}

function list(name: string, rows: readonly Html[]): Html {
  return html`<h3>${name}</h3>
${rows.length === 0 ? html`<p class="soft">None.</p>` : html`<dl>${rows}</dl>`}
`
}

function row(what: string, remedy: string, when: string): Html {
  return html`<div><dt>${when}</dt><dd><strong>${what}</strong><p>${remedy}</p></dd></div>
`
}

function configuration({ configuration: { warnings }, certificateEnds }: Status): Html {
  const certificates = Object.entries(certificateEnds)
  return html`<section class="card">
<h2>Configuration</h2>
${
  warnings.length === 0
    ? html`<p class="soft">No warnings.</p>`
    : html`<ul>${warnings.map(({ key, message, remedy }) => html`<li><code>${key}</code> ${message}. ${remedy}</li>`)}</ul>`
}
${
  certificates.length === 0
    ? undefined
    : html`<h3>Certificates</h3><ul>${certificates.map(([setting, at]) => html`<li><code>${setting}</code> ends on ${moment(at)}</li>`)}</ul>\n`
}</section>`
}

function moment(at: number): Html {
  return html`<time datetime="${new Date(at).toISOString()}">${momentInWords(at)}</time>`
}

function ago(at: number, now: number): string {
  return `${aboutInWords(now - at)} ago`
}
