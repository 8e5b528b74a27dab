import { z } from 'zod'

/** A text that is not empty. */
export const named = z.string().min(1)

/** Marks a text that means something when it is empty; everywhere else that is the same as no key. */
export const emptyMark = 'empty means none'

/** A text whose default is taken away by an empty one. */
export function emptyMeansNone<T extends z.ZodType>(text: T, description: string): T {
  return text.meta({ description, $comment: emptyMark })
}

/** The words of a secret setting. */
interface SecretWords {
  readonly description: string
  readonly examples?: readonly unknown[]
}

/** A secret `key`, and `key_file`, the file that it may be given as. Both may be absent. */
export function secret<Key extends string, Value extends z.ZodType>(
  key: Key,
  value: Value,
  words: SecretWords,
) {
  const shape = {
    [key]: value
      .optional()
      .meta({ ...words, examples: [...(words.examples ?? [])], writeOnly: true }),
    [`${key}_file`]: z
      .string()
      .optional()
      .meta({ description: `A file with \`${key}\`.` }),
  }
  return shape as Record<Key, z.ZodOptional<Value>> &
    Record<`${Key}_file`, z.ZodOptional<z.ZodString>>
}
