import * as z from 'zod'

/** Why a text cannot be taken, and what to write instead. Never holds the text of a secret. */
export class ValueError {
  readonly message: string
  readonly remedy: string

  constructor(message: string, remedy: string) {
    this.message = message
    this.remedy = remedy
  }
}

/**
 * A zod string that `read` turns into its value. The remedy of a error travels in the issue's
 * `params`, from which the message for the operator is made.
 *
 * @param read pure; returns the value or the error
 */
export function textAs<T>(read: (text: string) => T | ValueError) {
  return z.string().transform((text, context): T => {
    const value = read(text)
    if (!(value instanceof ValueError)) return value
    context.addIssue({
      code: 'custom',
      message: value.message,
      params: { remedy: value.remedy },
    })
    return z.NEVER
  })
}
