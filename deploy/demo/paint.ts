import { styleText } from 'node:util'

/** How a text stands out. */
export type Emphasis = 'bold' | 'dim' | 'green' | 'cyan' | 'red'

/** Puts a text in colour, or leaves it as it is. */
export type Paint = (emphasis: Emphasis, text: string) => string

/**
 * In colour in a terminal; plain in a file or a pipe, where `NO_COLOR` is set to anything
 * (https://no-color.org), and in a terminal that has none.
 */
export function createPaint(
  isTerminal: boolean,
  environment: Readonly<Record<string, string | undefined>>,
): Paint {
  const isPlain = !isTerminal || Boolean(environment['NO_COLOR']) || environment['TERM'] === 'dumb'
  if (isPlain) return (_emphasis, text) => text
  return (emphasis, text) => styleText(emphasis, text, { validateStream: false })
}
