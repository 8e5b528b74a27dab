/** What may stand in a template: text is escaped, HTML stays as it is, nothing leaves nothing. */
export type HtmlPart = string | number | Html | readonly Html[] | undefined

class SafeHtml {
  readonly #text: string

  constructor(text: string) {
    this.#text = text
  }

  toString(): string {
    return this.#text
  }
}

/** HTML that is fit to be sent. Only {@link html} makes it, so that no text gets in unescaped. */
export type Html = SafeHtml

/** A piece of HTML; whatever is put into it is escaped (XSS), in elements and in quoted attributes. */
export function html(pieces: TemplateStringsArray, ...parts: readonly HtmlPart[]): Html {
  const texts = pieces.map((piece, index) => piece + render(parts[index]))
  return new SafeHtml(texts.join(''))
}

function render(part: HtmlPart): string {
  if (part === undefined) return ''
  if (part instanceof SafeHtml) return part.toString()
  return typeof part === 'object' ? part.join('') : escapeText(String(part))
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/** Controls, halves of characters, and what turns the order of the text around it. */
const UNSEEN = /[^\P{Cc}\n\t]|\p{Cs}|\p{Bidi_Control}/gu

function escapeText(text: string): string {
  return text
    .replace(UNSEEN, '\u{fffd}')
    .replace(/[&<>"']/g, (character) => ENTITIES[character] ?? character)
}
