import type { Explanation } from '../../oauth/explanation.ts'

/** AADSTS numbers that are told to people in the same words. */
export interface EntraErrorRow extends Omit<Explanation, 'code'> {
  readonly codes: readonly number[]
}
