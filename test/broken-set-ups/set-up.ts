import type { World } from './world.ts'

/** Who tells what is wrong: two commands, or the running program at somebody's sign-in. */
export type Teller = 'check' | 'doctor' | 'serve'

/** A rolecall with everything around it, as an operator wrote it down. */
export interface SetUp {
  /** The configuration file. */
  readonly file: Readonly<Record<string, unknown>>
  /** Contents of files by path, or the system's code with which reading them fails. */
  readonly files?: Readonly<Record<string, string | { readonly code: string }>>
  readonly environment?: Readonly<Record<string, string>>
  /** Further arguments of doctor. */
  readonly argv?: readonly string[]
  /** Nothing is asked and nothing served: what is configured does not exist on this machine. */
  readonly onlyChecked?: boolean
  /** rolecall does not run. */
  readonly notServed?: boolean
  /** What somebody does once it is served. */
  visit?(): Promise<unknown>
}

/** A complete set-up with one fault. */
export interface BrokenSetUp {
  /** What is wrong, as somebody would say who knows. */
  readonly fault: string
  build(world: World): Promise<SetUp>
  /** Who must name it, in these words. */
  readonly named: Readonly<Partial<Record<Teller, RegExp>>>
  /** How doctor ends: 1 unless said otherwise; 2 where the configuration is refused. */
  readonly exit?: 0 | 1 | 2 | 3
  /** What is rightly said besides, of that fault or of a set-up on one machine. */
  readonly besides?: RegExp
}

/** The faults of one kind, a section of the page. */
export interface FaultGroup {
  readonly title: string
  readonly rows: readonly BrokenSetUp[]
}

/** A complete set-up in which nothing is wrong. */
export interface GoodSetUp {
  readonly name: string
  build(world: World): Promise<SetUp>
}
