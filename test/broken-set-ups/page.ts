import { asSentence } from '../../src/oauth/provider-explanation.ts'
import type { RowResult } from './run.ts'

/** A section of the page. */
export interface PageGroup {
  readonly title: string
  readonly results: readonly RowResult[]
}

export const pagePath = 'deploy/troubleshooting.md'

/** The page for people: what is wrong, who says so, in which words, and what to do. */
export function pageOf(groups: readonly PageGroup[]): string {
  const sections = groups.map(({ title, results }) =>
    [
      `## ${title}`,
      '',
      '| what is wrong | who says it | what it says | what to do |',
      '|---|---|---|---|',
      ...results.map(rowOf),
      '',
    ].join('\n'),
  )
  return `${[introduction, ...sections].join('\n').trimEnd()}\n`
}

const introduction = `# What is wrong, and who says so

\`rolecall check\` reads the configuration alone; \`rolecall doctor\` asks everything that it names, by use; what only a person's sign-in can show, \`rolecall serve\` logs as a line of kind \`sign_in\` and level \`warn\`, with the remedy. Begin with \`check\`, then \`doctor\`: it tells causes before what follows from them, and ends with 1 whenever nobody could sign in or call.

Every row here is a complete set-up with this one fault, and a test lets all three tell: the words are theirs, with example names in place of addresses. \`npm run broken-set-ups -- --write\` writes this page.
`

function rowOf({ fault, named }: RowResult): string {
  const tellers = named.map(({ by }) => by).join(', ')
  const [first] = named
  const { sentence = '', remedy = '' } = first ?? {}
  // What serve says to users has the remedy in it, for whom it is meant.
  const [what = ''] = sentence.split(/ For (?:the|an?) .{1,60}: /)
  const cells = [fault, tellers, what, remedy === what ? '' : asSentence(remedy)]
  return `| ${cells.map((cell) => stable(escaped(cell))).join(' | ')} |`
}

function escaped(text: string): string {
  return text.replace(/[|*<]/g, (sign) => `\\${sign}`)
}

/** What differs from run to run, and from one Node.js to the next. */
const passing: readonly (readonly [RegExp, string])[] = [
  [/ \((EPROTO|ERR_SSL_\w+|UND_ERR_SOCKET|ECONNRESET|HPE_\w+|timeout|disconnected)\)/g, ''],
  [/It is \d+ s behind/, 'It is 300 s behind'],
  [/expired \d+ seconds ago/, 'expired 60 seconds ago'],
  [/ends in \d+ days/, 'ends in 6 days'],
]

function stable(text: string): string {
  return passing.reduce(
    (told, [what, shown]) => told.replaceAll(new RegExp(what, 'g'), shown),
    text,
  )
}
