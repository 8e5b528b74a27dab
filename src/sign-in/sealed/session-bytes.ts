import type { TokenSession } from '../../access/token-opener.ts'

const FAMILY_BYTES = 16
const BEGAN_BYTES = 6
/** What a session takes in a sealed token. */
export const SESSION_BYTES = FAMILY_BYTES + BEGAN_BYTES

type Session = Pick<TokenSession, 'family' | 'began'>

/** The session of a sealed token in few bytes: its family's digest, and when it began. */
export function packSession({ family, began }: Session): Buffer {
  const bytes = Buffer.alloc(SESSION_BYTES)
  bytes.write(family, 'base64url')
  bytes.writeUIntBE(began, FAMILY_BYTES, BEGAN_BYTES)
  return bytes
}

/** @param bytes at least {@link SESSION_BYTES} */
export function unpackSession(bytes: Buffer): Session {
  return {
    family: bytes.toString('base64url', 0, FAMILY_BYTES),
    began: bytes.readUIntBE(FAMILY_BYTES, BEGAN_BYTES),
  }
}
