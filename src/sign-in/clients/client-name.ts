const MOST_CHARACTERS = 80
/** What a client id has room for: letters of most scripts take two or three bytes. */
const MOST_BYTES = 120

/** Letters, digits, marks, punctuation and symbols of any script, and white space. */
const SHOWN = /[^\p{L}\p{N}\p{M}\p{P}\p{S}\s]/gu
/** Nothing is seen of these, or they turn what stands beside them: joiners, fillers, bidi controls. */
const UNSEEN = /[\p{Default_Ignorable_Code_Point}\p{Bidi_Control}\u2800]/gu
/** Marks heaped on one letter reach into the lines above and below. */
const HEAPED_MARKS = /(\p{M}{2})\p{M}+/gu

/**
 * A name that a client gave itself, fit to be shown to a user: one line, what can be seen, at most
 * 80 characters and 120 bytes. Not checked: whether it is the client's to use, or looks like
 * another's.
 *
 * @param value whatever stood in its metadata
 * @returns `undefined` where nothing is left to show
 */
export function shownName(value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined
  const text = value
    .slice(0, 10 * MOST_CHARACTERS)
    .normalize('NFC')
    .replace(UNSEEN, '')
    .replace(SHOWN, '')
    .replace(HEAPED_MARKS, '$1')
    .replace(/\s+/g, ' ')
    .trim()
  const name = cut(text)
  return /[\p{L}\p{N}\p{P}\p{S}]/u.test(name) ? name : undefined
}

/** Between characters, never within one. */
function cut(text: string): string {
  let [name, characters, bytes] = ['', 0, 0]
  for (const character of text) {
    characters += 1
    bytes += Buffer.byteLength(character)
    if (characters > MOST_CHARACTERS || bytes > MOST_BYTES) break
    name += character
  }
  return name.trimEnd()
}
