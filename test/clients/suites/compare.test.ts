import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compareRuns, lossesAtFleet } from '../conformance/compare.ts'
import type { Check, SuiteRun } from '../conformance/suite.ts'

const check = (over: Partial<Check> = {}): Check => ({
  id: 'ping',
  name: 'Ping',
  status: 'SUCCESS',
  reason: undefined,
  ...over,
})

const run = (scenario: string, ...checks: Check[]): SuiteRun => ({
  isConformant: true,
  scenarios: new Map([[scenario, checks]]),
})

test('runs that came out alike have no differences, whatever order their checks are in', () => {
  const other = check({ id: 'pong' })
  assert.deepEqual(compareRuns(run('ping', check(), other), run('ping', other, check())), [])
})

const DIFFERENT: readonly (readonly [what: string, proxied: SuiteRun])[] = [
  ['a check that failed', run('ping', check({ status: 'FAILURE' }))],
  ['a check that was skipped', run('ping', check({ status: 'SKIPPED' }))],
  ['a check of another name', run('ping', check({ name: 'Pong' }))],
  ['a check that was made twice', run('ping', check(), check())],
  ['a check that was not made', run('ping')],
  ['another scenario', run('pong', check())],
]

for (const [what, proxied] of DIFFERENT) {
  test(`${what} is a difference, on either side`, () => {
    assert.notDeepEqual(compareRuns(run('ping', check()), proxied), [])
    assert.notDeepEqual(compareRuns(proxied, run('ping', check())), [])
  })
}

test('what rolecall has to refuse itself is no difference, the other way round it is', () => {
  const own = {
    id: 'tasks-headers-reject-mismatched-method',
    name: 'TasksHeadersRejectMismatchedMethod',
  }
  const [failed, passed] = [check({ ...own, status: 'FAILURE' }), check(own)]
  assert.deepEqual(compareRuns(run('tasks', failed), run('tasks', passed)), [])
  assert.notDeepEqual(compareRuns(run('tasks', passed), run('tasks', failed)), [])
})

const failed = check({ status: 'FAILURE' })
const AT_FLEET: readonly (readonly [
  what: string,
  direct: SuiteRun,
  fleet: SuiteRun,
  lost: number,
])[] = [
  ['what passes there too', run('ping', check()), run('ping', check(), check()), 0],
  ['what passes there alone', run('ping', failed), run('ping', check()), 0],
  ['what fails in both', run('ping', failed), run('ping', failed), 0],
  ['what fails there', run('ping', check()), run('ping', failed), 1],
  ['what is not made there', run('ping', check()), run('ping'), 1],
  ['what passes there less often', run('ping', check(), check()), run('ping', check()), 1],
  ['a scenario that is not run there', run('ping', check()), run('pong', check()), 1],
]
for (const [what, direct, fleet, lost] of AT_FLEET) {
  test(`at the fleet, ${what} is ${lost === 0 ? 'no loss' : 'a loss'}`, () => {
    const losses = lossesAtFleet(direct, fleet, {})
    assert.equal(losses.length, lost)
    assert.ok(losses.every(({ reason }) => reason === undefined))
  })
}

test('a loss that is meant has its reason, and another check has not', () => {
  const direct = run('ping', check({ id: 'ping-1' }), check({ id: 'other' }))
  const reasons = lossesAtFleet(direct, run('ping'), { 'ping-': 'why' }).map((it) => it.reason)
  assert.deepEqual(reasons, [undefined, 'why'])
})
