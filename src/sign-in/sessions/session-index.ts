import type { Clock } from '../../clock.ts'
import { type SharedStore, type Store, StoreUnavailable } from '../../store/store.ts'
import { familyDigest } from './family-digest.ts'
import type { OwnersOfSession, SessionNames, SessionOwner } from './session-names.ts'

/** Of one deployment; about 40 MB in Redis. Those that end first make room. */
const MOST_SESSIONS = 200_000

/** A session that begins. */
export interface BegunSession extends OwnersOfSession {
  readonly family: string
  /** When it ends at the latest, milliseconds since the epoch. */
  readonly ends: number
}

export interface SessionIndexParts {
  readonly store: Store
  readonly names: SessionNames
  readonly clock: Clock
}

/** A member of the set in the store; as text, the three names with dots between. */
interface Indexed {
  readonly family: string
  readonly user: string
  readonly client: string
}

/**
 * The sessions by user and client, so that whoever ends some is told how many there were. Digests and
 * keyed names alone, written once, at sign-in: a refresh costs nothing. Ending does not need it, so that
 * what is lost here changes no more than that number. Kept where the store is shared.
 */
export class SessionIndex {
  readonly #store: Store
  readonly #names: SessionNames
  readonly #clock: Clock

  constructor({ store, names, clock }: SessionIndexParts) {
    this.#store = store
    this.#names = names
    this.#clock = clock
  }

  /** Not waited for, and no sign-in fails for it. */
  add({ family, userName, client, ends }: BegunSession): void {
    const store = this.#store
    const now = this.#clock.now()
    if (!store.shared || ends <= now) return
    const [user] = this.#names.of({ kind: 'user', name: userName })
    const [byClient] = this.#names.of({ kind: 'client', name: client })
    const [all] = this.#names.of({ kind: 'all' })
    const member = { name: `${familyDigest(family)}.${user}.${byClient}`, until: ends }
    store
      .addMember(setOf(all), member, { now, most: MOST_SESSIONS, ttl: ends - now })
      .catch((error: unknown) => {
        if (!(error instanceof StoreUnavailable)) throw error
      })
  }

  /**
   * Takes an owner's sessions out.
   *
   * @param isOver whether a session was ended before, by the digest of its family
   * @returns how many went on until now
   * @throws StoreUnavailable
   */
  async takeOut(
    owner: SessionOwner,
    isOver: (family: string) => Promise<boolean>,
  ): Promise<number> {
    const store = this.#store
    if (!store.shared) return 0
    const seen = new Set<string>()
    for (const all of this.#names.of({ kind: 'all' })) {
      await this.#takeOutOf(setOf(all), { owner, store, isOver, seen })
    }
    return seen.size
  }

  async #takeOutOf(
    set: string,
    {
      owner,
      store,
      isOver,
      seen,
    }: {
      readonly owner: SessionOwner
      readonly store: SharedStore
      readonly isOver: (family: string) => Promise<boolean>
      readonly seen: Set<string>
    },
  ): Promise<void> {
    const names = this.#names.of(owner)
    for await (const page of store.membersOf(set)) {
      const theirs = page.filter(({ name }) => isOwnedBy(owner, names, indexed(name)))
      const current = theirs.filter(({ until }) => until > this.#clock.now())
      const families = current.map(({ name }) => indexed(name).family)
      const over = await Promise.all(families.map(isOver))
      for (const [at, family] of families.entries()) if (over[at] === false) seen.add(family)
      await store.removeMembers(
        set,
        theirs.map(({ name }) => name),
      )
    }
  }
}

function isOwnedBy(owner: SessionOwner, names: readonly string[], session: Indexed): boolean {
  return owner.kind === 'all' || names.includes(session[owner.kind])
}

function indexed(member: string): Indexed {
  const [family = '', user = '', client = ''] = member.split('.')
  return { family, user, client }
}

function setOf(all: string): string {
  return `sessions:${all}`
}
