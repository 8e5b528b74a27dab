import { z } from 'zod'

/** A text that is not empty. */
export const named = z.string().min(1)

/** Marks a text that means something when it is empty; everywhere else that is the same as no key. */
export const emptyMark = 'empty means none'

/** A text whose default is taken away by an empty one. */
export function emptyMeansNone<T extends z.ZodType>(text: T, description: string): T {
  return text.meta({ description, $comment: emptyMark })
}
