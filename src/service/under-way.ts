import type { AnsweringResponse } from '../http/answering-response.ts'

/**
 * The requests that one configuration has begun and not begun to answer, their bodies arriving perhaps.
 * What they work with must outlive a reload until then. An answer that has begun needs the connection
 * it comes from alone.
 */
export class RequestsUnderWay {
  #count = 0
  #whenNone: (() => void)[] = []

  add(response: AnsweringResponse): void {
    this.#count += 1
    let isUnderWay = true
    const end = (): void => {
      if (!isUnderWay) return
      isUnderWay = false
      this.#count -= 1
      if (this.#count === 0) for (const resolve of this.#whenNone.splice(0)) resolve()
    }
    response.atHead(end)
    response.atClose(end)
  }

  /** Resolves when there is none. */
  async none(): Promise<void> {
    if (this.#count > 0) await new Promise<void>((resolve) => this.#whenNone.push(resolve))
  }
}
