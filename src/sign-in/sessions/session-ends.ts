import type { Clock } from '../../clock.ts'
import { invalidGrant } from '../../oauth/errors.ts'
import type { Store } from '../../store/store.ts'
import { writeEnd } from './end-entry.ts'
import { type EndedSessions, MOST_FAMILIES, type SessionEnd } from './ended-sessions.ts'
import { familyDigest } from './family-digest.ts'

/** The log by which processes tell each other which sessions ended. */
export const ENDS_LOG = 'ends'

/** The same for whoever replays a refresh token and for whoever holds its successor. */
export const SESSION_ENDED =
  'This session was ended, on request, by the operator or because one of its refresh tokens was used before; sign in again.'

/**
 * For how long an access token may outlive its session's last refresh, in milliseconds: as long as
 * the longest that Entra makes (continuous access evaluation).
 */
const LONGEST_TOKEN_MS = 28 * 3_600_000

/** A session as far as its owners' sessions may have been ended. */
export interface OwnedSession {
  /** Milliseconds since the epoch. */
  readonly began: number
  /** The names of its owners, as `SessionNames` has them. */
  readonly names: readonly string[]
}

export interface SessionEndsParts {
  readonly store: Store
  readonly ended: EndedSessions
  readonly clock: Clock
}

/**
 * Ends sessions before their time: on request (RFC 7009), because a token of theirs was replayed
 * (RFC 9700 §4.14.2), or by an operator. Here at once. Where the store is shared a key of its own says
 * it, which every refresh asks for, and an entry in the log, which other processes read.
 *
 * Every method throws `StoreUnavailable`.
 */
export class SessionEnds {
  readonly #store: Store
  readonly #ended: EndedSessions
  readonly #clock: Clock

  constructor({ store, ended, clock }: SessionEndsParts) {
    this.#store = store
    this.#ended = ended
    this.#clock = clock
  }

  /** @param until when no refresh token of the family can be good any more, milliseconds since the epoch */
  endFamily(family: string, until: number): Promise<void> {
    const end = { kind: 'family', family: familyDigest(family) } as const
    return this.#end([{ ...end, until: until + LONGEST_TOKEN_MS }])
  }

  /**
   * Ends every session of an owner that began before a moment.
   *
   * @param names the owner's, of every key: processes may have the newest one or not yet
   * @param times.before milliseconds since the epoch
   * @param times.lifetime of sessions, milliseconds
   */
  endOwner(
    names: readonly string[],
    { before, lifetime }: { readonly before: number; readonly lifetime: number },
  ): Promise<void> {
    const until = before + lifetime + LONGEST_TOKEN_MS
    return this.#end(names.map((name) => ({ kind: 'owner', name, before, until })))
  }

  /**
   * @param session absent: it has not begun yet, so that only its family can have been ended
   * @throws ErrorAnswer `invalid_grant` for a session that was ended, alone or with its owner's
   */
  async check(family: string, session: OwnedSession = { began: 0, names: [] }): Promise<void> {
    if (!(await this.#isEnded(familyDigest(family), session))) return
    throw invalidGrant(SESSION_ENDED, 'session_revoked')
  }

  /** Whether a session was ended alone, by the digest of its family; not whether its owner's were. */
  async hasEnded(family: string): Promise<boolean> {
    return (await this.#store.get(familyKey(family))) !== undefined
  }

  async #isEnded(family: string, { began, names }: OwnedSession): Promise<boolean> {
    if (this.#ended.has({ family, began, names: () => names })) return true
    // In this process's memory is nothing that it does not know.
    const owners = this.#store.shared ? names : []
    const [ended, ...moments] = await Promise.all([
      this.#store.get(familyKey(family)),
      ...owners.map((name) => this.#store.get(ownerKey(name))),
    ])
    return ended !== undefined || moments.some((before) => began < Number(before ?? 0))
  }

  /**
   * First what others learn it from, then here: what failed is to be done in full when it is asked
   * for again.
   */
  async #end(ends: readonly SessionEnd[]): Promise<void> {
    const store = this.#store
    for (const end of ends) {
      const [key, value] = kept(end)
      const ttl = end.until - this.#clock.now()
      if (ttl <= 0) continue
      if (store.shared) await store.append(ENDS_LOG, writeEnd(end), { most: MOST_FAMILIES, ttl })
      await store.set(key, value, ttl)
      this.#ended.add([end])
    }
  }
}

function kept(end: SessionEnd): readonly [key: string, value: string] {
  if (end.kind === 'family') return [familyKey(end.family), 'ended']
  return [ownerKey(end.name), String(end.before)]
}

function familyKey(digest: string): string {
  return `family:${digest}`
}

function ownerKey(name: string): string {
  return `owner:${name}`
}
