import { LRUCache } from 'lru-cache'
import type { TokenOpener } from '../../access/authenticate.ts'
import { expiresAt } from '../../access/issuer-and-time-checks.ts'
import type { Clock } from '../../clock.ts'
import { readJwt } from '../../oauth/jwt.ts'
import type { KeyRing } from '../../sealing/derived-keys.ts'
import { sha256 } from '../../sealing/digest.ts'
import { openBytes, sealBytes } from '../../sealing/sealed-value.ts'
import {
  audienceDigest,
  compressJwt,
  type DecompressedJwt,
  decompressJwt,
} from './jwt-compression.ts'

/** A resource that a sealed token is for. */
export interface SealedFor {
  /** The resource's name. */
  readonly name: string
  /** Its public URL, as clients know it. */
  readonly url: string
}

/**
 * Seals a token of the identity provider for the client that it is handed out to: what the client
 * holds is good at the named resources of this rolecall and nowhere else. It tells nothing and ends
 * with the token inside, whose `exp` is judged on every request.
 *
 * Header and claims are kept without their base64url and deflated: 200 groups take about 7,000
 * characters, where the token itself has 12,000. What can be seen of that is a length. Whoever sees
 * it can put nothing of their own beside what is compressed, as such attacks need, since the identity
 * provider alone writes it; and the signature, without which the claims are worth nothing, is not
 * compressed at all.
 *
 * @param token a JWT that was judged, as the identity provider wrote it
 * @param keys those of `access token`
 */
export function sealAccessToken(
  token: string,
  audience: readonly SealedFor[],
  keys: KeyRing,
): Promise<string> {
  return sealBytes(compressJwt({ token, audience: audience.map(nameOf) }), keys)
}

interface Remembered extends DecompressedJwt {
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
  openerFor(resource: SealedFor): TokenOpener {
    const own = audienceDigest(nameOf(resource))
    return {
      recall: (sealed) => tokenFor(own, this.#recall(sealed)),
      open: async (sealed) => tokenFor(own, await this.#open(sealed)),
    }
  }

  #recall(sealed: string): DecompressedJwt | undefined {
    const fingerprint = fingerprintOf(sealed)
    const remembered = this.#remembered.get(fingerprint)
    if (!remembered || this.#clock.now() < remembered.end) return remembered
    this.#remembered.delete(fingerprint)
    return undefined
  }

  async #open(sealed: string): Promise<DecompressedJwt | undefined> {
    const bytes = await openBytes(sealed, this.#keys)
    const opened = bytes && decompressJwt(bytes)
    if (!opened) return undefined
    const end = expiresAt(readJwt(opened.token)?.claims ?? {})
    if (end !== undefined && this.#clock.now() < end) {
      this.#remembered.set(fingerprintOf(sealed), { ...opened, end })
    }
    return opened
  }
}

function nameOf({ name, url }: SealedFor): string {
  return `${name} ${url}`
}

function tokenFor(resource: string, opened: DecompressedJwt | undefined): string | undefined {
  return opened?.audience.has(resource) ? opened.token : undefined
}

function fingerprintOf(sealed: string): string {
  return sha256(sealed)
}
