import { randomBytes } from 'node:crypto'
import { badUsage, type Command } from './command.ts'

/** Prints a fresh sealing key: 32 random bytes in base64url. */
export const command: Command = {
  summary: 'print a fresh sealing key',
  usage: `Usage: rolecall keygen

Prints a line for sealing_keys: 32 random bytes in base64url. To rotate, put the new key on the
first line and keep the old one below it until what it sealed has ended.
`,
  run: async (argv, terminal) => {
    if (argv.length > 0) {
      terminal.stderr('keygen takes no arguments.\n')
      return badUsage
    }
    terminal.stdout(`${randomBytes(32).toString('base64url')}\n`)
    return 0
  },
}
