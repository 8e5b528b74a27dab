import * as z from 'zod'
import { textAs, ValueError } from '../value-error.ts'

const factors: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }
/** The longest delay that a timer of Node.js takes. */
const longestTimer = 2 ** 31 - 1
const year = 366 * 24 * 3_600_000

/** Marks a duration in the JSON Schema, where its type is only a string. */
export const durationMark = 'duration'

/**
 * A length of time: a number with ms, s, m or h. Its value is milliseconds.
 *
 * @param bounds in milliseconds; `least` is 1 and `most` what a timer can wait unless named
 */
export function duration(bounds: { least?: number; most?: number } = {}) {
  const { least = 1, most = longestTimer } = bounds
  return textAs((text) => readDuration(text, least, most)).meta({ $comment: durationMark })
}

/** For what is compared with a clock and not waited for. */
export const longest = year

function readDuration(text: string, least: number, most: number): number | ValueError {
  const { amount, unit = '' } = /^(?<amount>\d+(\.\d+)?)(?<unit>ms|s|m|h)$/.exec(text)?.groups ?? {}
  if (amount === undefined) {
    return new ValueError('is not a duration', durationRemedy(/^\d+$/.test(text) ? text : '15'))
  }
  const milliseconds = Math.round(Number(amount) * (factors[unit] ?? Number.NaN))
  if (milliseconds < least)
    return new ValueError('is too short', `Write ${formatDuration(least)} or more.`)
  if (milliseconds <= most) return milliseconds
  return new ValueError('is too long', `Write ${formatDuration(most)} or less.`)
}

/** How to write a duration, shown on the number that was written without a unit. */
export function durationRemedy(amount: string): string {
  return `Write the unit with it, ms, s, m or h: "${amount}s" for seconds.`
}

/** The shortest text that reads as this many milliseconds: `90000` is `90s`. */
export function formatDuration(milliseconds: number): string {
  for (const unit of ['h', 'm', 's']) {
    const factor = factors[unit] ?? 1
    if (milliseconds >= factor && milliseconds % factor === 0)
      return `${milliseconds / factor}${unit}`
  }
  return milliseconds === 0 ? '0s' : `${milliseconds}ms`
}

/** A moment, RFC 3339; its value is milliseconds since the epoch. */
export const moment = textAs((text) => {
  const parsed = z.iso.datetime({ offset: true }).safeParse(text)
  if (parsed.success) return Date.parse(parsed.data)
  return new ValueError('is not a moment', 'Write it as RFC 3339 says: "2026-01-31T12:00:00Z".')
})

/** The moment as it is written, to the second where it is one. */
export function formatMoment(milliseconds: number): string {
  return new Date(milliseconds).toISOString().replace('.000Z', 'Z')
}
