import { referencePage } from '../config/reference.ts'
import { jsonSchema } from '../config/schema/settings.ts'
import { badUsage, type Command } from './command.ts'

/** Prints what the one schema says, for editors or, with `--reference`, as a page. */
export const command: Command = {
  summary: 'print the JSON Schema of the configuration',
  usage: `Usage: rolecall schema [--reference]

Prints JSON Schema (2020-12) for editors. No key is required in it, since values may also come from
flags and environment; "rolecall check" judges the whole.

  --reference   print the reference page instead, Markdown
`,
  run: async (argv, terminal) => {
    const reference = argv[0] === '--reference'
    if (argv.length > (reference ? 1 : 0)) {
      terminal.stderr('schema takes no arguments but --reference.\n')
      return badUsage
    }
    terminal.stdout(reference ? referencePage() : `${JSON.stringify(jsonSchema(), null, 2)}\n`)
    return 0
  },
}
