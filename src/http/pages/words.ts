const MINUTE_MS = 60_000

const UNITS = [
  { name: 'day', milliseconds: 1440 * MINUTE_MS, atLeast: 2 },
  { name: 'hour', milliseconds: 60 * MINUTE_MS, atLeast: 1 },
  { name: 'minute', milliseconds: MINUTE_MS, atLeast: 1 },
] as const

/**
 * How long something takes, in the largest unit that says it without a rest: `24 hours`, `90
 * minutes`. What is less than a minute, or has a rest of seconds, is rounded to minutes.
 *
 * @param duration milliseconds
 */
export function durationInWords(duration: number): string {
  const rounded = Math.max(MINUTE_MS, Math.round(duration / MINUTE_MS) * MINUTE_MS)
  for (const { name, milliseconds, atLeast } of UNITS) {
    const count = rounded / milliseconds
    if (!Number.isInteger(count) || count < atLeast) continue
    return `${count} ${name}${count === 1 ? '' : 's'}`
  }
  return `${rounded / MINUTE_MS} minutes`
}

const ROUGH_UNITS = [
  { name: 'days', milliseconds: 1440 * MINUTE_MS },
  { name: 'hours', milliseconds: 60 * MINUTE_MS },
  { name: 'minutes', milliseconds: MINUTE_MS },
] as const

/**
 * About how long something takes or took, for an age that grows: `12 s`, `45 minutes`, `3 days`.
 *
 * @param duration milliseconds
 */
export function aboutInWords(duration: number): string {
  for (const { name, milliseconds } of ROUGH_UNITS) {
    if (duration >= 2 * milliseconds) return `${Math.floor(duration / milliseconds)} ${name}`
  }
  return `${Math.max(0, Math.round(duration / 1000))} s`
}

const DATE_AND_TIME = new Intl.DateTimeFormat('en-GB', {
  dateStyle: 'long',
  timeStyle: 'short',
  timeZone: 'UTC',
})

/**
 * A moment for people: `25 November 2026 at 14:03 UTC`.
 *
 * @param moment milliseconds since the epoch
 */
export function momentInWords(moment: number): string {
  return `${DATE_AND_TIME.format(moment)} UTC`
}
