import { sha256 } from '../../sealing/digest.ts'

/** What is kept for single use, and what claims challenges asked for. Within a process no kind crowds out another. */
type Kind = 'claim' | 'code' | 'session' | 'answer' | 'wanted'

/**
 * Where the store keeps something: under digests, so that it holds no ids and no names.
 *
 * @param user whose it is: within a process one user's crowd out no other's. Absent: nobody's yet
 */
export function storeKey(kind: Kind, name: string, user?: string): string {
  const owner = user === undefined ? '' : sha256(user).slice(0, 22)
  return `${kind}:${owner}:${sha256(name)}`
}
