import type { Explanation } from './explanation.ts'

export interface ProviderError {
  readonly error: string
  readonly suberror?: string
  readonly codes: readonly number[]
  readonly description?: string
}

export function explain({ error }: ProviderError): Explanation {
  return {
    what: `The identity provider answered ${error}.`,
    whose: 'person',
    remedy: 'sign in again.',
  }
}

export function needsSignIn(error: string, _suberror?: string): boolean {
  return error === 'invalid_grant'
}
