import { hash } from 'node:crypto'

const DIGEST_BYTES = 16

/**
 * How a family is named where it is not to be told: in sealed tokens and in the store. Families are
 * random, so that nobody finds one by its digest.
 *
 * @returns 22 characters of base64url
 */
export function familyDigest(family: string): string {
  return hash('sha256', family, 'buffer').subarray(0, DIGEST_BYTES).toString('base64url')
}
