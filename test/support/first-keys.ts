import { createFirstKeys, type FirstKeys } from '../environment/mock-entra/signing-keys.ts'

let made: Promise<FirstKeys> | undefined

/** The keys that every mock Entra of a test file begins with: made once, when first asked for. */
export function firstKeys(): Promise<FirstKeys> {
  made ??= createFirstKeys()
  return made
}
