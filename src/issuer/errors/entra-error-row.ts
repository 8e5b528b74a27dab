import type { ProviderExplanation } from '../../oauth/provider-explanation.ts'

/** AADSTS numbers that are told to people in the same words. */
export interface EntraErrorRow extends Omit<ProviderExplanation, 'code'> {
  readonly codes: readonly number[]
}
