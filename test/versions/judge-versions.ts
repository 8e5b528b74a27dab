import type { Floor } from './floors.ts'

/** One installed copy. */
export interface Installed {
  readonly name: string
  readonly version: string
  /** Where it lies. */
  readonly place: string
}

/** A copy beside what it must be. */
export interface JudgedVersion extends Installed {
  /** The least on its line; absent: its line is below every one that is kept. */
  readonly floor: string | undefined
  readonly verdict: 'ok' | 'below'
  readonly why: string
}

/** Holds every copy against the floor of its name; names without a floor are left out. */
export function judgeVersions(
  installed: readonly Installed[],
  floors: readonly Floor[],
): readonly JudgedVersion[] {
  return floors.flatMap((floor) =>
    installed.filter(({ name }) => name === floor.name).map((copy) => judge(copy, floor)),
  )
}

function judge(copy: Installed, { lines, why }: Floor): JudgedVersion {
  const line = numbers(copy.version)[0] ?? 0
  const majors = Object.keys(lines).map(Number)
  if (line > Math.max(...majors)) return { ...copy, floor: 'any', verdict: 'ok', why }
  const floor = lines[line]
  const good = floor !== undefined && isAtLeast(copy.version, floor)
  return { ...copy, floor, verdict: good ? 'ok' : 'below', why }
}

/** By semver's order; a pre-release comes before its release. */
function isAtLeast(version: string, floor: string): boolean {
  const [one, other] = [numbers(version), numbers(floor)]
  const at = one.findIndex((number, index) => number !== other[index])
  if (at < 0) return !version.includes('-')
  return (one[at] ?? 0) > (other[at] ?? 0)
}

function numbers(version: string): readonly number[] {
  return (version.split(/[-+]/, 1)[0] ?? '').split('.').map(Number)
}

/** One line for each copy; what is below its floor with the advisories. */
export function versionsText(judged: readonly JudgedVersion[]): string {
  return judged
    .map(({ name, version, floor, verdict, place, why }) => {
      const least = floor === undefined ? 'line not kept' : `at least ${floor}`
      const line = `${verdict.padEnd(6)} ${name.padEnd(28)} ${version.padEnd(10)} ${least.padEnd(18)} ${place}`
      return verdict === 'ok' ? `${line}\n` : `${line}\n       ${why}\n`
    })
    .join('')
}
