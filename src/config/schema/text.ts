import * as z from 'zod'
import { textAs, ValueError } from '../value-error.ts'

/** A text that is not empty. */
export const named = z.string().min(1)

/**
 * A text that is compared as a whole: a wildcard in it would match nothing, in silence.
 *
 * @param remedy what to write in place of one
 * @param any the one text that may be a wildcard
 */
export function exact(remedy: string, any?: '*') {
  return textAs((text) => {
    if (text === '') return new ValueError('is empty', 'Write a text, or remove it.')
    if (text.trim() !== text) return new ValueError('has white space around it', 'Remove that.')
    if (text === any || !text.includes('*')) return text
    return new ValueError('has a wildcard, and it is compared as a whole', remedy)
  })
}

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
