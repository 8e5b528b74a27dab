import type { Explanation } from './explanation.ts'

/** AADSTS numbers that are told to people in the same words. */
export interface EntraErrorRow extends Omit<Explanation, 'code'> {
  readonly codes: readonly number[]
}
