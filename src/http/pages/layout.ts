import { type Html, html } from './html.ts'
import { STYLE } from './style.ts'

/** What a page is made of. */
export interface Layout {
  /** Of the window. */
  readonly title: string
  /** Our own host, as people typed it. */
  readonly site: string
  /** Below the heading, with its cards. */
  readonly main: Html
  /** Without landmarks of its own. */
  readonly footer: Html
  /** Scripts of our own, as the page's policy names them: before anything is shown, and at the end. */
  readonly firstScript?: string
  readonly script?: string
}

/** One page in the look that all of them have. */
export function layout({ title, site, main, footer, firstScript, script }: Layout): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
${html`<title>${title} - rolecall</title>`}
<style>${STYLE}</style>
${firstScript === undefined ? '' : `<script>${firstScript}</script>\n`}</head>
<body>
${html`<header><p><strong>rolecall</strong> <span>at ${site}</span></p></header>`}
<main>
${main}
</main>
${html`<footer>${footer}</footer>`}
${script === undefined ? '' : `<script type="module">${script}</script>\n`}</body>
</html>
`
}
