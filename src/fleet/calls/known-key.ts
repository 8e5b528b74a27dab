import { sessionOwner } from '../../forward/upstream-headers.ts'
import { abilityLetters, type ClientAbilities } from '../asking/client-abilities.ts'
import type { PermittedMember } from './member.ts'

/** What a member's sessions are told apart by. */
interface KnownBy extends PermittedMember {
  /** Of the fleet, so that a user's sessions are apart. */
  readonly fleetSession: string
  readonly abilities: ClientAbilities
}

/** By which a member is known to one user, in one session of the fleet. */
export function knownKey({ member, permit, fleetSession, abilities }: KnownBy): string {
  const { resource } = member
  const { name, upstream } = resource
  // A session of its own for clients that can be asked other things: it was told so when it began.
  const letters = abilityLetters(abilities)
  return JSON.stringify([name, upstream, sessionOwner(resource, permit), fleetSession, letters])
}
