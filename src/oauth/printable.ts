/**
 * Text from outside made fit for a header, a log line or a terminal: printable ASCII only, each
 * other character a question mark, and no longer than `limit` characters.
 */
export function printable(value: string, limit = 100): string {
  const cut = value.length > limit ? `${value.slice(0, limit - 3)}...` : value
  return cut.replace(/[^\x20-\x7e]/g, '?')
}
