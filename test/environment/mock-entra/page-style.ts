/** The look of the mock's pages: its own, and nobody's brand. */
export const PAGE_STYLE = `
:root { color-scheme: light dark; --paper: #eef0f4; --card: #fff; --ink: #1c2027; --soft: #59616e;
  --line: #d6dae1; --hover: #f2f4f8; --accent: #0b5c8f; --on-accent: #fff; --warn: #fff4d6;
  --on-warn: #5c4300; --warn-line: #e5c46a }
@media (prefers-color-scheme: dark) {
  :root { --paper: #12151a; --card: #1c2129; --ink: #e7eaef; --soft: #a5aebb; --line: #38404c;
    --hover: #262d38; --accent: #7cc4f5; --on-accent: #0c1319; --warn: #33290f; --on-warn: #f3d996;
    --warn-line: #6e5820 }
}
* { box-sizing: border-box }
body { min-height: 100vh; margin: 0; padding: 1.5rem .75rem; display: flex; flex-direction: column;
  align-items: center; justify-content: center; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, sans-serif }
main { width: 100%; max-width: 28rem; background: var(--card); border: 1px solid var(--line);
  border-radius: .75rem; overflow: hidden; overflow-wrap: anywhere;
  box-shadow: 0 .5rem 1.5rem rgb(0 0 0 / .1) }
header { display: flex; align-items: center; gap: .6rem; padding: 1.5rem 1.5rem 0; color: var(--soft);
  font-weight: 600 }
header svg { width: 1.5rem; height: 1.5rem; color: var(--accent) }
.words { padding: 1rem 1.5rem }
h1 { margin: 0; font-size: 1.5rem; line-height: 1.25 }
p { margin: .35rem 0 }
.soft { color: var(--soft) }
.mock { margin: 0; padding: .75rem 1.5rem; border-block: 1px solid var(--warn-line);
  background: var(--warn); color: var(--on-warn); font-size: .9rem }
button { width: 100%; padding: .75rem 1.5rem; border: 0; background: none; color: inherit;
  font: inherit; text-align: start; cursor: pointer }
button:hover { background: var(--hover) }
button:focus-visible { outline: 3px solid var(--accent); outline-offset: -3px }
ul { margin: 0; padding: 0; list-style: none }
li { border-bottom: 1px solid var(--line) }
.account { display: grid; grid-template-columns: 2.5rem 1fr; gap: 0 .9rem; align-items: center }
.account span { grid-column: 2 }
.account .initials { grid-area: 1 / 1 / span 3 / auto; width: 2.5rem; height: 2.5rem;
  border-radius: 50%; background: var(--accent); color: var(--on-accent); font-weight: 600;
  line-height: 2.5rem; text-align: center }
.name { font-weight: 600 }
.upn, .rights { color: var(--soft); font-size: .9rem; line-height: 1.4 }
.rights::before { content: '→ ' / '' }
.now { margin-inline-start: .5rem; padding: 0 .5rem; border: 1px solid var(--line);
  border-radius: 1rem; color: var(--soft); font-size: .8rem; font-weight: 400; white-space: nowrap }
.cancel { padding-block: 1rem; color: var(--accent) }
.alone { margin: 0 1.5rem 1.5rem; width: auto; border: 1px solid var(--line); border-radius: .4rem }
`
