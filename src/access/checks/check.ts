import type { Jwt } from '../../oauth/jwt.ts'
import { printable } from '../../oauth/printable.ts'
import type { ResourcePolicy } from '../policy.ts'
import type { Refusal } from '../refusal.ts'

/**
 * One named judgement on a token. Requests call only `refuse`; `expected` and `found` are for people
 * and are never part of a request.
 */
export interface Check {
  readonly kind: 'check'
  readonly name: string
  /** Time or discovery can change its outcome: it is asked also of a token that passed before. */
  readonly again?: true
  /** The setting that decides what is expected; absent: not a matter of configuration. */
  readonly setting?: string
  /** @param now milliseconds since the epoch */
  refuse(token: Jwt, policy: ResourcePolicy, now: number): Refusal | undefined
  expected(policy: ResourcePolicy, now: number): string
  /** What the token says: cut and cleaned values of claims, never the token. */
  found(token: Jwt): string
}

/** Where in the order the signature is verified. */
export interface SignatureSlot {
  readonly kind: 'signature'
  readonly name: 'signature'
}

/** A value of a token as people read it: one line, printable ASCII, at most 100 characters. */
export function shown(value: unknown): string {
  if (value === undefined) return 'absent'
  return printable(typeof value === 'object' ? JSON.stringify(value) : String(value))
}

/** A list in a configuration as people read it. */
export function oneOf(values: readonly string[] | 'any'): string {
  if (values === 'any') return 'any'
  return values.length === 0 ? 'none' : values.map((value) => printable(value)).join(' or ')
}
