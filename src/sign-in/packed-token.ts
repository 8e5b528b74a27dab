import { deflateRawSync, inflateRawSync } from 'node:zlib'

/** A token with the names of what it is for. */
export interface PackedToken {
  /** A JWT whose parts are canonical base64url. */
  readonly token: string
  readonly audience: readonly string[]
}

/** Neither JSON nor a name has a byte 0. */
const SEPARATOR = '\0'
/** Of the length that stands before the signature. */
const LENGTH_BYTES = 2
/** Far above any token that a header has room for. */
const MOST_INFLATED = 1_048_576

/**
 * A token in few bytes: the length of its signature, the signature as it is, and deflated (RFC 1951)
 * its header, its claims and each name.
 *
 * @throws RangeError for a signature of 64 KiB or more
 */
export function packToken({ token, audience }: PackedToken): Uint8Array {
  const [header = '', claims = '', signature = ''] = token.split('.')
  const bytes = Buffer.from(signature, 'base64url')
  const length = Buffer.alloc(LENGTH_BYTES)
  length.writeUInt16BE(bytes.length)
  const texts = [
    ...[header, claims].map((part) => Buffer.from(part, 'base64url').toString('latin1')),
    ...audience.map((name) => Buffer.from(name).toString('latin1')),
  ]
  const deflated = deflateRawSync(Buffer.from(texts.join(SEPARATOR), 'latin1'), { level: 9 })
  return Buffer.concat([length, bytes, deflated])
}

/**
 * What `packToken` made, to the character.
 *
 * Not checked: who packed it. Only bytes that nobody else can have written are for this.
 *
 * @returns `undefined` for what is no packed token
 */
export function unpackToken(packed: Uint8Array): PackedToken | undefined {
  const bytes = Buffer.from(packed.buffer, packed.byteOffset, packed.byteLength)
  try {
    const end = LENGTH_BYTES + bytes.readUInt16BE(0)
    const inflated = inflateRawSync(bytes.subarray(end), { maxOutputLength: MOST_INFLATED })
    const texts = inflated.toString('latin1').split(SEPARATOR)
    const [header, claims, ...names] = texts.map((text) => Buffer.from(text, 'latin1'))
    const parts = [header, claims, bytes.subarray(LENGTH_BYTES, end)]
    return {
      token: parts.map((part) => part?.toString('base64url')).join('.'),
      audience: names.map((name) => name.toString()),
    }
  } catch {
    return undefined
  }
}
