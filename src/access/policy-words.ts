import { printable } from '../oauth/printable.ts'

/** HolmesGPT takes a JSON-RPC message with one of these for a failed sign-in. */
const SIGNS_USERS_OUT = /401|unauthorized/i

/** Whether a text may stand in a refusal by policy. */
export function isHarmless(text: string): boolean {
  return !SIGNS_USERS_OUT.test(text)
}

/** A name from outside, made fit for a refusal by policy. */
export function quoted(value: string): string {
  const shown = printable(value)
  return isHarmless(shown) ? shown : '(not shown)'
}

/** As {@link quoted}, for the user who is refused. */
export function shownUser(user: string): string {
  return isHarmless(user) ? printable(user) : 'This user'
}
