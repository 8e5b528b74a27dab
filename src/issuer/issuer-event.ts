import type { DocumentFailure } from '../net/document-error.ts'

/** What the identity provider side has to tell; logging and metrics are made of it elsewhere. */
export type IssuerEvent =
  | {
      readonly kind: 'fetched'
      readonly document: 'discovery' | 'keys'
      /** Milliseconds. */
      readonly duration: number
    }
  | {
      readonly kind: 'fetch_failed'
      readonly document: 'discovery' | 'keys'
      /** Milliseconds. */
      readonly duration: number
      readonly reason: DocumentFailure
      /** For people; addresses and codes, never a part of a body. */
      readonly message: string
    }
  | {
      readonly kind: 'keys_changed'
      /** RFC 7638 thumbprints. */
      readonly added: readonly string[]
      readonly removed: readonly string[]
      readonly count: number
    }
