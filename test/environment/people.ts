import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'

/** A group of the directory; tokens carry its `id`. */
export interface Group {
  readonly name: string
  readonly id: string
}

/** An account of the mock directory. */
export interface Person {
  /** The short name by which commands and tests call this person: `alice`. */
  readonly username: string
  readonly oid: string
  /** What the cluster calls a member; a guest's tokens do not carry it. */
  readonly upn: string
  readonly given_name: string
  readonly family_name: string
  /** Ids of groups, not names. */
  readonly groups: readonly string[]
  /** Set for a guest: the tenant that the account is at home in. */
  readonly home_tenant_id?: string | undefined
}

/** The whole directory. */
export interface People {
  readonly groups: readonly Group[]
  readonly people: readonly Person[]
}

/** The file with alice, bob and carol. */
export const defaultPeopleFile = fileURLToPath(new URL('./people.json', import.meta.url))

const guid = z.string().regex(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/, 'must be a GUID')
const fileSchema = z.strictObject({
  groups: z.array(z.strictObject({ name: z.string().min(1), id: guid })),
  people: z.array(
    z.strictObject({
      username: z.string().regex(/^[a-z0-9._-]+$/, 'must be of a-z, 0-9, dot, dash, underscore'),
      oid: guid,
      upn: z.string().min(3),
      given_name: z.string(),
      family_name: z.string(),
      groups: z.array(z.string()),
      home_tenant_id: guid.optional(),
    }),
  ),
})

/**
 * Reads the accounts and groups of the mock directory from a JSON file. In the file a person's
 * groups are names; in what is returned they are ids.
 *
 * @throws Error that names the file and every problem in it
 */
export async function readPeople(path: string = defaultPeopleFile): Promise<People> {
  const parsed = fileSchema.safeParse(parseJson(path, await readFile(path, 'utf8')))
  if (!parsed.success) throw new Error(`${path}: ${z.prettifyError(parsed.error)}`)
  const { groups, people } = parsed.data
  const ids = new Map(groups.map((group) => [group.name, group.id]))
  return {
    groups,
    people: people.map((person) => ({
      ...person,
      groups: person.groups.map((name) => {
        const id = ids.get(name)
        if (!id) throw new Error(`${path}: ${person.username} is in "${name}", no such group`)
        return id
      }),
    })),
  }
}

/**
 * The person with this username.
 *
 * @throws Error that lists who there is
 */
export function findPerson(people: People, username: string): Person {
  const person = people.people.find((candidate) => candidate.username === username)
  if (person) return person
  const known = people.people.map((candidate) => candidate.username).join(', ')
  throw new Error(`there is no "${username}" in the directory; there are ${known}`)
}

function parseJson(path: string, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new Error(`${path}: is not JSON`)
  }
}
