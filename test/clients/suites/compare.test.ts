import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compareRuns } from '../conformance/compare.ts'
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
