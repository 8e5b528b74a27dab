import { randomUUID } from 'node:crypto'
import { isJsonObject } from '../../oauth/json.ts'
import {
  abilitiesFromLetters,
  abilitiesOf,
  abilityLetters,
  type ClientAbilities,
} from '../asking/client-abilities.ts'

/**
 * A session's id, with what its client can be asked for: nothing need be kept, and every replica knows
 * it. The route binds the id to its user, and nobody can alter it.
 *
 * @param body of the `initialize` request, parsed JSON
 */
export function newSessionId(body: unknown): string {
  const letters = abilityLetters(abilitiesOf(paramsOf(body)?.['capabilities']))
  return letters === '' ? randomUUID() : `${randomUUID()}.${letters}`
}

/** What the client of a session said of itself when it began. */
export function abilitiesInSession(session: string): ClientAbilities {
  const [, letters = ''] = session.split('.')
  return abilitiesFromLetters(letters)
}

/** What the client of a request says of itself in it (MCP 2026-07-28). */
export function abilitiesInRequest(body: unknown, key: string): ClientAbilities {
  const meta = paramsOf(body)?.['_meta']
  return abilitiesOf(isJsonObject(meta) ? meta[key] : undefined)
}

function paramsOf(body: unknown) {
  const params = isJsonObject(body) ? body['params'] : undefined
  return isJsonObject(params) ? params : undefined
}
