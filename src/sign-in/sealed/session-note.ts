import * as z from 'zod'
import { GROUPS_FAILURES } from '../../access/resolved-groups.ts'
import type { OpenedToken, TokenSession } from '../../access/token-opener.ts'

const noteShape = z.object({
  id: z.string(),
  name: z.string().optional(),
  groups: z.union([z.array(z.string()).readonly(), z.enum(GROUPS_FAILURES)]).optional(),
})

/** What a sealed token says in words: the client it was handed to, and the groups that were asked for. */
type Noted = Pick<TokenSession, 'client'> & Pick<OpenedToken, 'groups'>

export function writeNote({ client, groups }: Noted): string {
  const known = groups?.kind === 'failed' ? groups.cause : groups?.groups
  const note: z.infer<typeof noteShape> = {
    ...client,
    ...(known !== undefined && { groups: known }),
  }
  return JSON.stringify(note)
}

/** @returns `undefined` for what is no note */
export function readNote(text: string): Noted | undefined {
  const note = noteShape.safeParse(parsed(text)).data
  if (!note) return undefined
  const { id, name, groups: known } = note
  const client = { id, ...(name !== undefined && { name }) }
  if (known === undefined) return { client }
  const groups =
    typeof known === 'string'
      ? ({ kind: 'failed', cause: known } as const)
      : ({ kind: 'resolved', groups: known } as const)
  return { client, groups }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
