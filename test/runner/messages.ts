/** To a process that runs test files. */
export type Order =
  | { readonly kind: 'run'; readonly file: string }
  /** There is no more; `patience`: milliseconds after which what is still open is a failure. */
  | { readonly kind: 'end'; readonly patience: number }

/** From such a process. */
export type Message =
  /** It is ready for its first file. */
  | { readonly kind: 'waiting' }
  /** Of everything that it ran until now, this began last. */
  | { readonly kind: 'began'; readonly name: string }
  | { readonly kind: 'result'; readonly result: TestResult }
  /** It is ready for the next file. */
  | { readonly kind: 'file ended' }

export type Outcome = 'pass' | 'fail' | 'skip' | 'todo'

export interface TestResult {
  /** Empty where nothing tells which. */
  readonly file: string
  /** The suites around the test and its own name. */
  readonly path: readonly string[]
  readonly outcome: Outcome
  /** Why it was skipped, or how it failed. */
  readonly text: string
}
