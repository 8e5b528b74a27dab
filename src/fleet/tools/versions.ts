/**
 * Which of two versions is newer, by their numbers in order: enough to choose which of two schemas to
 * show. What holds no number, or is absent, is the oldest.
 *
 * @returns more than 0 when the first is newer
 */
export function compareVersions(a: string | undefined, b: string | undefined): number {
  const [one, other] = [numbersOf(a), numbersOf(b)]
  for (let i = 0; i < Math.max(one.length, other.length); i++) {
    const difference = (one[i] ?? -1) - (other[i] ?? -1)
    if (difference !== 0) return difference
  }
  return 0
}

function numbersOf(version: string | undefined): readonly number[] {
  return (version?.match(/\d{1,9}/g) ?? []).map(Number)
}
