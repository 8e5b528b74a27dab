import type { ClientCapabilities } from '@modelcontextprotocol/server'
import { isJsonObject } from '../../oauth/json.ts'

/** What a client can be asked for by an MCP server, and nothing else of its capabilities. */
export type ClientAbilities = Pick<ClientCapabilities, 'elicitation' | 'sampling' | 'roots'>

/** A question of an MCP server's to its client, by itself or within an `input_required` result. */
export interface Question {
  readonly method: string
  readonly params?: Readonly<Record<string, unknown>> | undefined
}

type Ability = 'form' | 'url' | 'sampling' | 'sampling with tools' | 'roots'

const LETTERS: Readonly<Record<Ability, string>> = {
  form: 'f',
  url: 'u',
  sampling: 's',
  'sampling with tools': 't',
  roots: 'r',
}

/**
 * Reads what a client says of itself, in `initialize` or (MCP 2026-07-28) in each request. A bare
 * `elicitation` means forms, as revisions before 2025-11-25 had it.
 *
 * @param capabilities parsed JSON, whatever came
 */
export function abilitiesOf(capabilities: unknown): ClientAbilities {
  if (!isJsonObject(capabilities)) return {}
  const { elicitation, sampling, roots } = capabilities
  const found = new Set<Ability>()
  if (isJsonObject(elicitation)) {
    if (elicitation['url'] !== undefined) found.add('url')
    if (elicitation['form'] !== undefined || !found.has('url')) found.add('form')
  }
  if (isJsonObject(sampling)) {
    found.add('sampling')
    if (sampling['tools'] !== undefined) found.add('sampling with tools')
  }
  if (isJsonObject(roots)) found.add('roots')
  return toCapabilities((ability) => found.has(ability))
}

/** The same in a few letters, as a session's id carries them: each replica then knows them. */
export function abilityLetters(abilities: ClientAbilities): string {
  return Object.entries(LETTERS)
    .filter(([ability]) => has(abilities, ability as Ability))
    .map(([, letter]) => letter)
    .join('')
}

export function abilitiesFromLetters(letters: string): ClientAbilities {
  return toCapabilities((ability) => letters.includes(LETTERS[ability]))
}

/** Whether a client can be asked this. */
export function canAnswer(abilities: ClientAbilities, { method, params = {} }: Question): boolean {
  switch (method) {
    case 'elicitation/create':
      return has(abilities, params['mode'] === 'url' ? 'url' : 'form')
    case 'sampling/createMessage': {
      const withTools = params['tools'] !== undefined || params['toolChoice'] !== undefined
      return has(abilities, withTools ? 'sampling with tools' : 'sampling')
    }
    case 'roots/list':
      return has(abilities, 'roots')
    default:
      return false
  }
}

function has({ elicitation, sampling, roots }: ClientAbilities, ability: Ability): boolean {
  switch (ability) {
    case 'form':
      return elicitation?.form !== undefined
    case 'url':
      return elicitation?.url !== undefined
    case 'sampling':
      return sampling !== undefined
    case 'sampling with tools':
      return sampling?.tools !== undefined
    case 'roots':
      return roots !== undefined
  }
}

function toCapabilities(can: (ability: Ability) => boolean): ClientAbilities {
  return {
    ...((can('form') || can('url')) && {
      elicitation: { ...(can('form') && { form: {} }), ...(can('url') && { url: {} }) },
    }),
    ...(can('sampling') && {
      sampling: { ...(can('sampling with tools') && { tools: {} }) },
    }),
    ...(can('roots') && { roots: {} }),
  }
}
