/** Why a document of another server could not be used. A closed list, so that it can be a label. */
export type DocumentFailure =
  | 'timeout'
  | 'too_large'
  | 'redirect'
  | 'plain_http'
  | 'unreachable'
  | 'proxy_refused'
  | 'private_address'
  | 'untrusted_certificate'
  | 'stopped'
  | 'status'
  | 'not_json'
  | 'incomplete'
  | 'wrong_issuer'
  | 'no_discovery'
  | 'too_many_keys'
  | 'no_usable_key'
  | 'mock_marker'
  | 'unexpected'

/**
 * A document that could not be fetched or must not be used. The message is for logs and `doctor`;
 * it names addresses and codes and never holds any part of a body.
 */
export class DocumentError extends Error {
  override readonly name = 'DocumentError'
  readonly reason: DocumentFailure

  constructor(reason: DocumentFailure, message: string) {
    super(message)
    this.reason = reason
  }
}

/** Any failure as a `DocumentError`; what is not one keeps only its name, since its text may quote. */
export function asDocumentError(error: unknown): DocumentError {
  if (error instanceof DocumentError) return error
  const name = error instanceof Error ? error.name : typeof error
  return new DocumentError('unexpected', `could not be used (${name})`)
}
