import { consequenceOf, type DoctorCheck } from './report.ts'

/** An `nbf` has 30 s of leeway, and an hour's token that ends a minute early is felt. */
const TOLERATED_SECONDS = 30
const BROKEN_SECONDS = 60

/**
 * @param offset how far the provider's clock is ahead of ours, milliseconds; absent: no answer said
 * @param discovered whether there was an answer at all
 */
export function clockCheck(offset: number | undefined, discovered: boolean): DoctorCheck {
  const name = 'clock'
  if (offset === undefined) {
    if (!discovered) return { name, ...consequenceOf('discovery') }
    const sentence = "The identity provider's answers have no date to compare it with."
    return { name, verdict: 'warning', sentence, remedy: 'See that this machine has NTP.' }
  }
  const seconds = Math.round(Math.abs(offset) / 1000)
  // The Date header has whole seconds, so that one of them says nothing.
  if (seconds <= 1) {
    return { name, verdict: 'ok', sentence: 'It agrees with that of the identity provider.' }
  }
  const side = offset > 0 ? 'behind' : 'ahead of'
  const sentence = `It is ${seconds} s ${side} the identity provider's.`
  if (seconds <= TOLERATED_SECONDS) return { name, verdict: 'ok', sentence }
  return {
    name,
    verdict: seconds > BROKEN_SECONDS ? 'failed' : 'warning',
    sentence,
    remedy:
      'Synchronise the clock of this machine (NTP): valid tokens look expired or not yet valid.',
  }
}
