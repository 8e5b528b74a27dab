/**
 * Of all bytes so much may be held for one user, and so much for all requests that nobody has
 * authenticated: one part in so many.
 */
const HOLDERS_PART = 4

/** Of what there is room: bytes. */
export interface RoomBounds {
  /** Of all bodies (`limits.buffered_bytes`). */
  readonly most: number
  /** Of one body (`limits.body_bytes`), which fits into each user's part, however small that is. */
  readonly longest: number
  /** Whose request it is; absent: a stranger's. */
  readonly user: string | undefined
}

/**
 * The request bodies that a process holds at once, in bytes. Nobody has more than a part of the room,
 * so that nobody can keep the others out (slow posts: a Content-Length takes room before any byte of
 * its body is there): no user, nor all strangers (forms, registrations) together.
 */
export class BufferedBytes {
  #held = 0
  readonly #heldFor = new Map<string | undefined, number>()

  get held(): number {
    return this.#held
  }

  /** Room for the body of one request. Whoever takes it releases it at the request's end. */
  open(bounds: RoomBounds): BodyRoom {
    let taken = 0
    return {
      take: (bytes) => {
        if (!this.#hasRoom(bytes, bounds)) return false
        taken += bytes
        this.#add(bytes, bounds)
        return true
      },
      release: () => this.#add(-taken, bounds),
    }
  }

  #add(bytes: number, { user }: RoomBounds): void {
    this.#held += bytes
    const held = (this.#heldFor.get(user) ?? 0) + bytes
    if (held === 0) this.#heldFor.delete(user)
    else this.#heldFor.set(user, held)
  }

  #hasRoom(bytes: number, { most, longest, user }: RoomBounds): boolean {
    const part = Math.max(most / HOLDERS_PART, user === undefined ? 0 : longest)
    if ((this.#heldFor.get(user) ?? 0) + bytes > part) return false
    return this.#held + bytes <= most
  }
}

export interface BodyRoom {
  /** @returns whether there is room for so many further bytes, which are held from then on */
  take(bytes: number): boolean
  release(): void
}
