import { sha256 } from '../../sealing/digest.ts'

/** What is kept for single use. Within a process no kind crowds out another. */
type Kind = 'claim' | 'code' | 'use' | 'answer'

/** Where the store keeps something about a value: by a digest, so that the store holds no ids. */
export function storeKey(kind: Kind, name: string): string {
  return `${kind}:${sha256(name)}`
}
