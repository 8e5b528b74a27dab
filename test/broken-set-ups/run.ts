import { examine, type Told } from './examine.ts'
import type { BrokenSetUp, GoodSetUp, Teller } from './set-up.ts'
import { createWorld, type Ends } from './world.ts'

/** What came of one row. */
export interface RowResult {
  readonly fault: string
  /** Who named it, in which words, with which remedy. */
  readonly named: readonly Told[]
  /** What is not as it has to be; empty: all well. */
  readonly problems: readonly string[]
}

/** Builds a set-up with a fault, lets all three tell, and judges what they told. */
export async function runRow(row: BrokenSetUp, t: Ends): Promise<RowResult> {
  const world = createWorld(t)
  const setUp = await row.build(world)
  const { told, exit } = await examine(setUp, world)
  const words = (one: Told) => `${one.sentence} ${one.remedy}`
  const names = (one: Told) => row.named[one.by]?.test(words(one)) ?? false
  const tellers = Object.keys(row.named) as Teller[]
  const silent = tellers.filter((by) => !told.some((one) => one.by === by && names(one)))
  const besides = told.filter(
    (one) => isAlarm(one) && !isNamed(one, told.filter(names)) && !row.besides?.test(words(one)),
  )
  const code = setUp.onlyChecked ? exit.check : exit.doctor
  const wanted = row.exit ?? 1
  return {
    fault: row.fault,
    named: tellers.flatMap((by) =>
      shown(
        told.find((one) => one.by === by && names(one)),
        world,
      ),
    ),
    problems: [
      ...silent.map((by) => `${by} does not name it; told was: ${JSON.stringify(told, null, 1)}`),
      ...besides.map((one) => `${one.by} also says: ${words(one)}`),
      ...(code === wanted
        ? []
        : [`it ends with ${code}, not ${wanted}: ${JSON.stringify(told, null, 1)}`]),
    ],
  }
}

/** What is said of a good set-up, all of it a false alarm. */
export async function falseAlarms(row: GoodSetUp, t: Ends): Promise<readonly string[]> {
  const world = createWorld(t)
  const { told, exit } = await examine(await row.build(world), world)
  const alarms = told.map((one) => `${one.by} says: ${one.sentence} ${one.remedy}`)
  return exit.doctor === 0 ? alarms : [...alarms, `doctor ends with ${exit.doctor}`]
}

/** A consequence is no alarm of its own: it points at the cause. */
function isAlarm({ verdict }: Told): boolean {
  return verdict !== 'not reached'
}

/** The same in the words of another teller. */
function isNamed(one: Told, named: readonly Told[]): boolean {
  return named.some(({ remedy, sentence }) => remedy === one.remedy || sentence === one.sentence)
}

function shown(told: Told | undefined, world: { shown(text: string): string }): readonly Told[] {
  if (told === undefined) return []
  return [{ ...told, sentence: world.shown(told.sentence), remedy: world.shown(told.remedy) }]
}
