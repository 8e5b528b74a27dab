import type { FastifyInstance } from 'fastify'
import type { Config, ResourceConfig } from '../config/config.ts'
import { holmesServers } from './holmes-servers.ts'

const POLICY =
  "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

/** The page for people who open the server's address: what this is and how a client connects. */
export function homePage(app: FastifyInstance, config: Config): void {
  const page = render(config)
  app.get('/', (request, reply) => {
    request.record.decision = 'allow'
    return reply
      .headers({
        'content-security-policy': POLICY,
        'x-content-type-options': 'nosniff',
        'referrer-policy': 'no-referrer',
        'cache-control': 'no-cache',
      })
      .type('text/html; charset=utf-8')
      .send(page)
  })
}

function render(config: Config): string {
  const resources = config.resources.map((resource) => section(config.public_url, resource))
  const holmes = config.sign_in.mode === 'relay' ? holmesSection(config) : ''
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>rolecall</title>
<style>
  body { font: 16px/1.5 system-ui, sans-serif; max-width: 44rem; margin: 3rem auto; padding: 0 1rem; }
  code, pre { font: 14px/1.5 ui-monospace, monospace; background: #8881; border-radius: 4px; }
  code { padding: .1em .3em } pre { padding: .8em 1em; overflow-x: auto }
  @media (prefers-color-scheme: dark) { body { background: #111; color: #ddd } }
</style>
<h1>rolecall</h1>
<p>This server stands in front of MCP servers for Kubernetes. It forwards each request with the token
of the person who made it, so that the cluster decides what that person may see and do.</p>
${holmes}${resources.join('\n')}
</html>
`
}

/** `public_url`, since the page is for everybody: names inside the cluster are not told here. */
function holmesSection(config: Config): string {
  return `<h2>HolmesGPT</h2>
<p>HolmesGPT signs its users in through this server with these values, and keeps no client secret.
<code>resource</code> must be there and empty, or HolmesGPT sends its URL to the identity provider,
which may refuse it.</p>
<pre>${escapeHtml(holmesServers(config, config.public_url))}</pre>
`
}

function section(publicUrl: string, resource: ResourceConfig): string {
  const url = escapeHtml(`${publicUrl}${resource.path}`)
  const name = escapeHtml(resource.name)
  const configuration = escapeHtml(
    JSON.stringify(
      {
        mcpServers: {
          [resource.name]: {
            type: 'http',
            url: `${publicUrl}${resource.path}`,
            headers: { Authorization: 'Bearer <your access token>' },
          },
        },
      },
      null,
      2,
    ),
  )
  return `<h2>${name}</h2>
<p>MCP endpoint: <code>${url}</code> (streamable HTTP). A token must be issued by the organisation's
identity provider for audience <code>${escapeHtml(resource.audiences.join(', ') || 'any')}</code>.</p>
<pre>${configuration}</pre>
<p>Claude Code: <code>claude mcp add --transport http ${name} ${url} --header "Authorization: Bearer $TOKEN"</code></p>`
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? character)
}
