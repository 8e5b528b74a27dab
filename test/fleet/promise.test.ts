import { test } from 'node:test'
import { interleaveUsers } from '../support/fleet-promise.ts'

test(
  'two users interleaved over 2,000 calls to the fleet: nothing crosses',
  { timeout: 300_000 },
  (t) => interleaveUsers(t, 2_000),
)
