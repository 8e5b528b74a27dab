import * as z from 'zod'
import { textAs, ValueError } from '../value-error.ts'
import { exact } from './text.ts'

/** The name of a tool, or a pattern of names. What no well-formed name has would match nothing. */
function readToolPattern(text: string): string | ValueError {
  if (text === '') return new ValueError('is empty', 'Write the name of a tool, or remove it.')
  const remedy = 'Write names of tools as the MCP server lists them; * stands for any text.'
  if (text.trim() !== text) return new ValueError('has white space around it', remedy)
  if (/\p{C}/u.test(text)) return new ValueError('has characters that cannot be seen', remedy)
  return text
}

/** `[[resource.allow]]`: who may call which tools; a call must match one rule as a whole. */
const toolRuleSchema = z.strictObject({
  tools: z
    .array(textAs(readToolPattern))
    .min(1)
    .prefault(['*'])
    .meta({
      description: 'One of these names; `*` stands for any text. Case counts.',
      examples: [['pods_*', 'resources_get']],
    }),
  hint: z.enum(['read_only']).optional().meta({
    description:
      '`read_only`: only tools that the MCP server itself marks `readOnlyHint = true`. That is its word; RBAC remains the guard.',
  }),
  groups: z
    .array(exact('Name each group, or remove the setting for everybody.'))
    .prefault([])
    .meta({ description: 'Only users in one of these, by `groups_claim`. Empty: everybody.' }),
  clients: z
    .array(exact('Name each client, or remove the setting for any.'))
    .prefault([])
    .meta({
      description:
        'Only calls of one of these: ids of MCP clients where rolecall hands out sealed tokens, hosts of their metadata documents, or the client that the token was issued to (`client_claim`). Empty: any.',
      examples: [['holmes', 'claude.ai']],
    }),
})

/** The tool rules of a resource. */
export const toolRulesShape = {
  rules: z.enum(['enforce', 'shadow']).prefault('enforce').meta({
    description:
      '`shadow`: the rules in `allow` decide and are logged (`shadow_decision` in audit lines), and every call and list passes.',
  }),
  allow: z.array(toolRuleSchema).prefault([]).meta({
    description:
      'Tool rules. None: every tool may be called. With any, a call must match one of them, else it is refused by policy, and lists of tools hold only what this user may call with this client. See [tool-rules.md](tool-rules.md).',
  }),
}
