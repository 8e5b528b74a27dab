import type { Digest } from '../sealing/digest.ts'
import type { Refusal } from './refusal.ts'
import type { ResolvedGroups } from './resolved-groups.ts'

/** What a sealed token says of the sign-in session that it was handed out in. */
export interface TokenSession {
  /** Names the session: a digest of its family, 22 characters of base64url. */
  readonly family: string
  /** When the user signed in, milliseconds since the epoch. */
  readonly began: number
  /** The MCP client that it was handed to. */
  readonly client: TokenClient
}

export interface TokenClient {
  readonly id: string
  /** What it calls itself: shown, never believed. */
  readonly name?: string
}

/** What is known of a token beside what it says itself. */
export interface TokenContext {
  /** The session that it was handed out in; absent: it was not handed out. */
  readonly session?: TokenSession
  /** Present: it leaves its user's groups out, and they were asked for. */
  readonly groups?: ResolvedGroups
}

/** A sealed token that was opened: the one that goes upstream, and whose it is. */
export interface OpenedToken extends TokenContext {
  readonly token: string
  /** SHA-256 of the token, base64url. */
  readonly digest: string
  readonly session: TokenSession
}

/** Opens what clients hold where that is not the token that goes upstream. */
export interface TokenOpener {
  /**
   * What is inside of a text that was opened before.
   *
   * @param digest default: SHA-256
   */
  recall(sealed: string, digest?: Digest): OpenedToken | undefined
  /**
   * What is inside. Not checked: everything about that token, and whether its session goes on.
   *
   * @returns `undefined` for all that was not handed out for this resource
   */
  open(sealed: string): OpenedToken | undefined
  /**
   * Why the tokens of a session are not taken any more; asked for each request, also of those that
   * are remembered.
   *
   * @param user as the cluster calls the user
   */
  refuseSession(session: TokenSession, user: string): Refusal | undefined
}
