/** An answer that says so is a few hundred bytes. */
const MOST_BYTES = 8_192

/**
 * As client-go words a 401 of the API server, and as that words it itself. Not "401 Unauthorized": so a
 * tool tells what another server said, such as a chart's repository, and a chart would sign users out.
 */
const REFUSED =
  /the server has asked for the client to provide credentials|"(?:[^"\\]{0,200}:\s?)?Unauthorized"/

/**
 * Keeps a small answer as it passes, so that it can be looked at once its end was seen; of a larger one
 * nothing. Nothing is copied before that.
 */
export class SmallAnswer {
  #pieces: Buffer[] | undefined = []
  #size = 0

  push(piece: Buffer): void {
    this.#size += piece.length
    if (this.#size > MOST_BYTES) this.#pieces = undefined
    else this.#pieces?.push(piece)
  }

  /** Whether it has the API server's 401 in it. Only an answer whose result has `isError` counts. */
  hasClusterRefusal(): boolean {
    return this.#pieces !== undefined && REFUSED.test(Buffer.concat(this.#pieces).toString())
  }
}
