import { createHash } from 'node:crypto'
import { escapeHtml } from './escape-html.ts'

const STYLE = `
  :root { color-scheme: light dark; --edge: #8886; --link: #0b57d0 }
  body { font: 16px/1.5 system-ui, sans-serif; max-width: 40rem; margin: 3rem auto; padding: 0 1rem }
  code, pre { font: 14px/1.5 ui-monospace, monospace; overflow-wrap: anywhere }
  pre { padding: .8em 1em; overflow-x: auto; border: 1px solid var(--edge); border-radius: 6px }
  dt { font-weight: 600; margin-top: .6em } dd { margin: 0; overflow-wrap: anywhere }
  button { font: inherit; padding: .6em 1.4em; margin: 1em .8em 0 0; border-radius: 6px; border: 1px solid var(--edge); cursor: pointer }
  @media (prefers-color-scheme: dark) { :root { --link: #8ab4f8 } body { background: #111; color: #ddd } }
`

const STYLE_HASH = createHash('sha256').update(STYLE).digest('base64')

/** Nothing but our own style; no form-action, since browsers hold it against redirects that follow. */
export const PAGE_POLICY = `default-src 'none'; style-src 'sha256-${STYLE_HASH}'; base-uri 'none'; frame-ancestors 'none'`

/**
 * One page in the look that all of them have.
 *
 * @param main HTML: every text from outside is escaped already
 */
export function layout(title: string, main: string): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${escapeHtml(title)} - rolecall</title>
<style>${STYLE}</style>
<main>
<h1>${escapeHtml(title)}</h1>
${main}
</main>
</html>
`
}
