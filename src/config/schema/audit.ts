import * as z from 'zod'
import { exact } from './text.ts'

/** `[audit]`: where the lines of tool calls go, and what they hold. */
export const auditSchema = z
  .strictObject({
    file: z
      .string()
      .optional()
      .meta({
        description: 'A file to which audit lines go too. Absent: standard output alone.',
        examples: ['/var/log/rolecall/audit.jsonl'],
      }),
    before_dispatch: z.boolean().prefault(false).meta({
      description: 'Whether a call waits until its audit line is written.',
    }),
    arguments: z
      .array(exact('Name each tool.'))
      .prefault([])
      .meta({
        description:
          'Tools whose arguments are logged, secrets masked. By default no argument is: they may hold what the cluster keeps secret.',
        examples: [['pods_delete']],
      }),
  })
  .prefault({})
  .meta({ description: 'Audit lines, one for each tool call.' })
