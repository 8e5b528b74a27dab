import type { BrokerConfig, Config, ProtectedResource } from '../../config/config.ts'
import { ownEndpoints } from '../../oauth/metadata/own-endpoints.ts'
import { OWN_PAGE } from '../../sign-in/authorize/own-sign-in.ts'
import { presetWith, redirectUriRule } from '../../sign-in/clients/redirect-uris.ts'
import { type Html, html } from '../pages/html.ts'
import { layout } from '../pages/layout.ts'
import { bearerRecipes, type ClientRecipe, signInRecipes } from './client-recipes.ts'
import { holmesClient, holmesServers } from './holmes-servers.ts'

/**
 * What this server is, and for each resource how each client is connected in this sign-in mode, with
 * lines to copy. Built from `public_url`, since it is for everybody: names inside the cluster are
 * not told.
 */
export function renderHome(config: Config): string {
  const parts = partsOf(config)
  const main = html`<div class="card">
<h1>How to connect</h1>
<p class="lead">This server stands in front of MCP servers for Kubernetes. It forwards each request with the token
of the person who made it, so that the cluster decides what that person may see and do.</p>
${parts.introduction}
</div>
${parts.first}${inOrder(config).map(
  (resource) => html`<section class="card">
<h2>${resource.name}</h2>
${resource.description === undefined ? '' : html`<p>${resource.description}</p>`}
<p>MCP endpoint, over streamable HTTP:</p>
<pre>${config.public_url}${resource.path}</pre>
${parts.section(resource)}
</section>
`,
)}${parts.last}`
  const site = new URL(config.public_url).host
  const footer = html`For programs: <a href="/.well-known/oauth-protected-resource">this server's metadata</a> (RFC 9728)`
  return layout({ title: 'How to connect', site, main, footer })
}

/** The fleet first: with it most people need none of the rest. */
function inOrder({ resources, fleet }: Config): readonly ProtectedResource[] {
  return fleet === undefined ? resources : [fleet.resource, ...resources]
}

/** What the sign-in mode says. */
interface ModeParts {
  readonly introduction: Html
  /** What concerns all resources at once, before them and after them. */
  readonly first?: Html
  readonly last?: Html
  section(resource: ProtectedResource): Html
}

function partsOf(config: Config): ModeParts {
  const { sign_in: signIn } = config
  switch (signIn.mode) {
    case 'broker':
      return brokerParts(config, signIn)
    case 'relay':
      return {
        introduction: html`<p>HolmesGPT signs its users in through this server.</p>`,
        first: html`<section class="card">
<h2>HolmesGPT</h2>
<p>These values are all it needs; it keeps no client secret. <code>resource</code> must be there and
empty, or HolmesGPT sends its URL to the identity provider, which may refuse it.</p>
<pre>${holmesServers(config, config.public_url)}</pre>
</section>
`,
        section: (resource) =>
          signIn.tokens === 'sealed'
            ? html`<p>It takes only the tokens that this server hands out.</p>`
            : bearerSection(resource, config),
      }
    case 'off':
      return {
        introduction: html`<p>People bring a token of the organisation's identity provider.</p>`,
        section: (resource) => bearerSection(resource, config),
      }
  }
}

function bearerSection(resource: ProtectedResource, { public_url: publicUrl }: Config): Html {
  const { name, path, audiences } = resource
  const audience = audiences.join(', ') || 'any'
  return html`<p>A token must be issued by the organisation's identity provider for audience <code>${audience}</code>.
The lines read it from <code>$TOKEN</code>; it ends after an hour or so, and then a new one is needed.</p>
${bearerRecipes({ name, url: publicUrl + path }).map((one) => recipe(one))}`
}

function brokerParts(config: Config, signIn: BrokerConfig): ModeParts {
  const { public_url: publicUrl, resources } = config
  const [first] = resources
  const own = ownEndpoints({ publicUrl, name: first?.name ?? '', isFirst: true })
  const mayReturn = redirectUriRule(signIn.redirect_uris, publicUrl)
  const missing = (uri: string): Html | undefined =>
    mayReturn(uri) ? undefined : notYet(presetWith(uri, publicUrl) ?? uri)
  return {
    introduction: html`<p>A client needs nothing but the URL below. It opens a browser, you allow it and sign in, and it acts as you.</p>
${signIn.registration ? undefined : html`<p>Clients cannot register themselves here: ask the operator of this server for a client id.</p>\n`}<p class="actions"><a class="button first" href="${own.authorize}?client_id=${OWN_PAGE}">Sign in and see who you are</a></p>`,
    last: html`<section class="card">
<h2>HolmesGPT</h2>
<p>In its values, for the operator; those that turn its own toolsets off are needed too, and <code>rolecall check</code> prints all:</p>
<pre>${holmesServers(config, publicUrl)}</pre>
${holmesClient(signIn) ? undefined : missing('https://platform.robusta.dev/oauth/callback.html')}
</section>
`,
    section: ({ name, path }) =>
      html`${signInRecipes({ name, url: publicUrl + path }).map((one) =>
        recipe(one, one.redirectUri === undefined ? undefined : missing(one.redirectUri)),
      )}`,
  }
}

function notYet(entry: string): Html {
  return html`<p class="soft">Not yet: the operator of this server has to add <code>"${entry}"</code> to <code>sign_in.redirect_uris</code>.</p>`
}

function recipe({ client, where, lines, afterwards }: ClientRecipe, note?: Html): Html {
  return html`<details>
<summary>${client}</summary>
<p>${where}:</p>
<pre>${lines}</pre>
${afterwards === undefined ? undefined : html`<p>${afterwards}</p>\n`}${note}</details>
`
}
