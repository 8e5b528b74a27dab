import { createHmac } from 'node:crypto'
import type { KeyRing } from '../../sealing/derived-keys.ts'

/** Whose sessions are meant: a user's, an MCP client's, or everybody's. */
export type SessionOwner =
  | { readonly kind: 'user' | 'client'; readonly name: string }
  | { readonly kind: 'all' }

/** To whom a session belongs. */
export interface OwnersOfSession {
  /** What the cluster calls the user. */
  readonly userName: string
  /** The MCP client's id. */
  readonly client: string
}

const NAME_BYTES = 16

/**
 * Names for users and clients that tell nothing: the store holds these alone. Keyed (HMAC-SHA-256),
 * so that whoever reads the store cannot try names out, as they could against a plain digest.
 *
 * With several sealing keys there are several names for each: the first counts for what is written,
 * and every one for what is looked up, so that keys can be rotated.
 */
export class SessionNames {
  readonly #keys: KeyRing

  /** @param keys those of `session name` */
  constructor(keys: KeyRing) {
    this.#keys = keys
  }

  /** 22 characters of base64url each; that of the newest key first. */
  of(owner: SessionOwner): readonly [string, ...string[]] {
    const text = JSON.stringify(owner.kind === 'all' ? ['all'] : [owner.kind, spelling(owner)])
    const [newest, ...older] = this.#keys
    return [nameWith(newest, text), ...older.map((key) => nameWith(key, text))]
  }

  /** Every name under which a session may have been ended. */
  ofSession({ userName, client }: OwnersOfSession): readonly string[] {
    return [
      ...this.of({ kind: 'user', name: userName }),
      ...this.of({ kind: 'client', name: client }),
      ...this.of({ kind: 'all' }),
    ]
  }
}

/** Users without regard to case: whoever ends Alice's sessions means alice, and too many is safe. */
function spelling({ kind, name }: { readonly kind: 'user' | 'client'; readonly name: string }) {
  return kind === 'user' ? name.toLowerCase() : name
}

function nameWith(key: Buffer, text: string): string {
  const mac = createHmac('sha256', key).update(text).digest()
  return mac.subarray(0, NAME_BYTES).toString('base64url')
}
