/**
 * Text from outside made fit for a header, a log line or a terminal: printable ASCII only, each
 * other character a question mark, and no longer than `limit` characters.
 */
export function printable(value: string, limit = 100): string {
  const cut = value.length > limit ? `${value.slice(0, limit - 3)}...` : value
  return cut.replace(/[^\x20-\x7e]/g, '?')
}

/**
 * An address from outside made fit to be told: without user info, query and fragment, where codes and
 * tokens are; and what is no URL, which may be one, not at all. Without quotation marks and
 * backslashes, as `error_description` demands (RFC 6749 §4.1.2.1).
 */
export function printableAddress(value: string, limit = 100): string {
  if (!URL.canParse(value)) return '(not a URL)'
  const plain = value.replace(/[?#].*/s, '').replace(/\/\/[^/]*@/, '//')
  return printable(plain, limit).replace(/["\\]/g, '?')
}

/**
 * The code of an error of another server as it may be told: some repeat there what they were sent,
 * and that has the code or the refresh token in it.
 */
export function printableError(error: string): string {
  return /^[a-z][a-z0-9_.-]{0,39}$/.test(error) ? error : 'unnamed_error'
}
