import { LRUCache } from 'lru-cache'
import { expiresAt } from '../../access/checks/issuer-and-time-checks.ts'
import type { ResolvedGroups } from '../../access/resolved-groups.ts'
import type { OpenedToken, TokenOpener, TokenSession } from '../../access/token-opener.ts'
import type { Clock } from '../../clock.ts'
import { readJwt } from '../../oauth/jwt.ts'
import type { KeyRing } from '../../sealing/derived-keys.ts'
import { type Digest, sha256 } from '../../sealing/digest.ts'
import { openBytes, sealBytes } from '../../sealing/sealed-value.ts'
import { audienceDigest, compressJwt, decompressJwt } from './jwt-compression.ts'
import { packSession, SESSION_BYTES, unpackSession } from './session-bytes.ts'
import { readNote, writeNote } from './session-note.ts'

/** A resource that a sealed token is for. */
export interface SealedFor {
  /** The resource's name. */
  readonly name: string
  /** Its public URL, as clients know it. */
  readonly url: string
}

/** A token of the identity provider that is handed out. */
export interface HandedOut {
  /** A JWT that was judged, as the identity provider wrote it. */
  readonly token: string
  readonly audience: readonly SealedFor[]
  readonly session: TokenSession
  readonly groups?: ResolvedGroups | undefined
}

/**
 * Seals a token of the identity provider for the client that it is handed out to: what the client
 * holds is good at the named resources of this rolecall and nowhere else. It tells nothing and ends
 * with the token inside, whose `exp` is judged on every request, or with its session.
 *
 * Header and claims are kept without their base64url and deflated: 200 groups take about 7,000
 * characters, where the token itself has 12,000. What can be seen of that is a length. Whoever sees
 * it can put nothing of their own beside what is compressed, as such attacks need, but the name and
 * id of a client that the user allowed; and the signature, without which the claims are worth
 * nothing, is not compressed at all.
 *
 * @param keys those of `access token`
 */
export function sealAccessToken(
  { token, audience, session, groups }: HandedOut,
  keys: KeyRing,
): Promise<string> {
  const note = writeNote({ client: session.client, ...(groups && { groups }) })
  const packed = compressJwt({ token, audience: audience.map(nameOf), note })
  return sealBytes(Buffer.concat([packSession(session), packed]), keys)
}

interface Opened extends OpenedToken {
  readonly audience: ReadonlySet<string>
}

interface Remembered extends Opened {
  /** Of the token inside, milliseconds since the epoch. */
  readonly end: number
}

const MOST_REMEMBERED = 10_000
/** Of memory. The token's text itself is shared with the token cache. */
const MOST_BYTES = 64 * 1_048_576

/** Opens sealed tokens, and remembers what was inside until that ends. */
export class OpenedTokens {
  readonly #remembered = new LRUCache<string, Remembered>({
    max: MOST_REMEMBERED,
    maxSize: MOST_BYTES,
    sizeCalculation: ({ token }) => token.length,
  })
  readonly #keys: KeyRing
  readonly #clock: Clock

  /** @param keys those of `access token` */
  constructor(keys: KeyRing, clock: Clock) {
    this.#keys = keys
    this.#clock = clock
  }

  /** What one resource opens tokens with: those sealed for another do not open here. */
  openerFor(resource: SealedFor, refuseSession: TokenOpener['refuseSession']): TokenOpener {
    const own = audienceDigest(nameOf(resource))
    return {
      recall: (sealed, digest) => openedFor(own, this.#recall(sealed, digest)),
      open: (sealed) => openedFor(own, this.#open(sealed)),
      refuseSession,
    }
  }

  #recall(sealed: string, digest: Digest = sha256): Opened | undefined {
    const fingerprint = digest(sealed)
    const remembered = this.#remembered.get(fingerprint)
    if (!remembered || this.#clock.now() < remembered.end) return remembered
    this.#remembered.delete(fingerprint)
    return undefined
  }

  #open(sealed: string): Opened | undefined {
    const bytes = openBytes(sealed, this.#keys)
    const opened = bytes && unpack(bytes)
    if (!opened) return undefined
    const end = expiresAt(readJwt(opened.token)?.claims ?? {})
    if (end !== undefined && this.#clock.now() < end) {
      this.#remembered.set(sha256(sealed), { ...opened, end })
    }
    return opened
  }
}

function unpack(bytes: Uint8Array): Opened | undefined {
  const all = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const jwt = all.length > SESSION_BYTES && decompressJwt(all.subarray(SESSION_BYTES))
  if (!jwt) return undefined
  const noted = readNote(jwt.note)
  if (!noted) return undefined
  const { token, audience } = jwt
  const { client, ...groups } = noted
  const session = { ...unpackSession(all), client }
  return { token, digest: sha256(token), audience, session, ...groups }
}

function nameOf({ name, url }: SealedFor): string {
  return `${name} ${url}`
}

function openedFor(resource: string, opened: Opened | undefined): OpenedToken | undefined {
  return opened?.audience.has(resource) ? opened : undefined
}
