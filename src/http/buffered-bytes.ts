/** Of all bytes so much may be held for requests that nobody has authenticated: one part in so many. */
const STRANGERS_PART = 4

/**
 * The request bodies that a process holds at once, in bytes. Bodies of strangers (forms,
 * registrations) have a part of the room only, so that they cannot keep users out (slow posts by the
 * thousand).
 */
export class BufferedBytes {
  #held = 0
  #heldForStrangers = 0

  get held(): number {
    return this.#held
  }

  /** Room for the body of one request. Whoever takes it releases it at the request's end. */
  open(bounds: { readonly most: number; readonly isStranger: boolean }): BodyRoom {
    let taken = 0
    const add = (bytes: number): void => {
      taken += bytes
      this.#held += bytes
      if (bounds.isStranger) this.#heldForStrangers += bytes
    }
    return {
      take: (bytes) => {
        if (!this.#hasRoom(bytes, bounds)) return false
        add(bytes)
        return true
      },
      release: () => add(-taken),
    }
  }

  #hasRoom(
    bytes: number,
    { most, isStranger }: { readonly most: number; readonly isStranger: boolean },
  ): boolean {
    if (this.#held + bytes > most) return false
    return !isStranger || this.#heldForStrangers + bytes <= most / STRANGERS_PART
  }
}

export interface BodyRoom {
  /** @returns whether there is room for so many further bytes, which are held from then on */
  take(bytes: number): boolean
  release(): void
}
