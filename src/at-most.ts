/**
 * For an `LRUCache` of at most so many entries, that takes memory as they come: with `max` it takes
 * room for all of them at once, 20 to 40 bytes each, and a process of 500 resources 300 MB.
 */
export function atMost(count: number): {
  readonly maxSize: number
  readonly sizeCalculation: () => number
} {
  return { maxSize: count, sizeCalculation: one }
}

const one = (): number => 1
