import { hash, timingSafeEqual } from 'node:crypto'

/** SHA-256 (FIPS 180-4) as text; of a string its UTF-8 counts. */
export function sha256(
  data: string | NodeJS.ArrayBufferView,
  encoding: 'base64url' | 'base64' | 'hex' = 'base64url',
): string {
  return hash('sha256', data, encoding)
}

/**
 * Compares two secrets in constant time: digests of both are compared, so that the time tells neither
 * where they differ nor how long they are.
 */
export function equal(one: string, other: string): boolean {
  return timingSafeEqual(hash('sha256', one, 'buffer'), hash('sha256', other, 'buffer'))
}
