import { contentSource } from './content-source.ts'

/** The one look of all pages. Nothing is loaded: colours and fonts are the system's or named here. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --paper: #f5f6f8; --card: #fff; --ink: #1a202b; --soft: #55606f; --line: #d6dbe3;
  --accent: #1f4fc0; --on-accent: #fff; --code: #eef1f5;
  --warn: #8a5300; --warn-paper: #fff7e6; --bad: #a1242b; --good: #14683a;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #12151a; --card: #1a1e25; --ink: #e8ebf0; --soft: #a6afbd; --line: #353d49;
    --accent: #93b2ff; --on-accent: #0e1420; --code: #232933;
    --warn: #f0c15c; --warn-paper: #2a2312; --bad: #ff9f9a; --good: #7fd6a0;
  }
}
*, ::before, ::after { box-sizing: border-box }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100% }
body { margin: 0; background: var(--paper); color: var(--ink); font: 1.0625rem/1.55 system-ui, sans-serif; overflow-wrap: anywhere }
header, main, footer { max-width: 44rem; margin: 0 auto; padding: 0 1.25rem }
header { display: flex; flex-wrap: wrap; gap: 0 .6rem; align-items: baseline; padding-top: 1.25rem; padding-bottom: 1rem }
header p { margin: 0 } header strong { letter-spacing: .01em }
footer { padding-top: 1.25rem; padding-bottom: 2.5rem }
.soft, footer, header span { color: var(--soft); font-size: .9375rem }
.card { background: var(--card); border: 1px solid var(--line); border-radius: .5rem; padding: 1.5rem; margin: 0 0 1.25rem }
h1 { font-size: 1.625rem; line-height: 1.25; margin: 0 0 .75rem }
h2 { font-size: 1.25rem; line-height: 1.3; margin: 0 0 .5rem }
h3 { font-size: 1.0625rem; margin: 1.5rem 0 .25rem }
p { margin: 0 0 .75rem }
.card > :last-child { margin-bottom: 0 }
.lead { font-size: 1.125rem }
a { color: var(--accent); text-underline-offset: .15em }
code, pre { font: .9375rem/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace }
code { overflow-wrap: anywhere }
pre { white-space: pre-wrap; background: var(--code); border: 1px solid var(--line); border-radius: .375rem; padding: .75rem .9rem; margin: .4rem 0 .75rem }
dl { margin: 1rem 0 }
dl > div { border-top: 1px solid var(--line); padding: .7rem 0 }
dl > div:last-child { border-bottom: 1px solid var(--line) }
.card > dl:last-child > div:last-child { border-bottom: 0; padding-bottom: 0 }
dt { color: var(--soft); font-size: .9375rem }
dd { margin: 0 }
dd p { margin: .15rem 0 0 } dd > ul:last-child { margin-bottom: 0 }
.host { font-weight: 600; font-size: 1.125rem }
.long { max-height: 9.5em; overflow-y: auto; border: 1px solid var(--line); border-radius: .375rem; padding: .4rem .6rem }
.warning { background: var(--warn-paper); border: 1px solid var(--warn); border-left-width: .3rem; border-radius: .375rem; padding: .8rem 1rem; margin: 1rem 0 }
.warning p { margin: 0 } .warning p + p { margin-top: .5rem }
.yes { color: var(--good); font-weight: 600 } .no { color: var(--bad); font-weight: 600 }
.actions { display: flex; flex-wrap: wrap; gap: .75rem; margin: 1.25rem 0 .75rem }
button, .button { display: inline-flex; align-items: center; justify-content: center; flex: 1 1 8rem; min-height: 3rem; padding: .5rem 1.5rem; border: 1px solid var(--accent); border-radius: .375rem; background: var(--card); color: var(--accent); font: inherit; font-weight: 600; text-decoration: none; cursor: pointer }
a.button { flex: 0 1 auto; text-align: center }
.first { background: var(--accent); color: var(--on-accent) }
button:hover, .button:hover { box-shadow: 0 0 0 2px var(--accent) }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 3px; border-radius: .25rem }
details { border-top: 1px solid var(--line) }
summary { min-height: 2.75rem; padding: .6rem 0; font-weight: 600; cursor: pointer }
details > :last-child { margin-bottom: 1rem }
.card > details:last-child { margin-bottom: -.75rem }
ul { margin: 0 0 .75rem; padding-left: 1.25rem }
h1 + p + .warning { margin-top: 1.25rem } .warning:last-child { margin-bottom: 0 }
.warning.now { border-color: var(--bad) }
.bars { display: block; width: 100%; height: 7rem; margin: .5rem 0; background: var(--code); border-bottom: 1px solid var(--line) }
.bars .served { fill: var(--good) } .bars .refused { fill: var(--warn) } .bars .failed { fill: var(--bad) }
@media (max-width: 30rem) {
  header, main, footer { padding-left: 1rem; padding-right: 1rem }
  .card { padding: 1.15rem }
  pre { font-size: .8125rem }
}
`

export const STYLE_SOURCE = contentSource(STYLE)
