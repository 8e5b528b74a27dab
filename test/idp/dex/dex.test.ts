import assert from 'node:assert/strict'
import { after, before, describe } from 'node:test'
import { onRealCluster } from '../../real/availability.ts'
import { whenThere } from '../support/when-there.ts'
import { clusterSuite } from './cluster-suite.ts'
import { type Dex, startDex } from './dex.ts'
import { DEX, findDex } from './distribution.ts'
import { sessionSuite } from './session-suite.ts'
import { signInSuite } from './sign-in-suite.ts'
import { tokenKindSuite } from './token-kind-suite.ts'

whenThere(`dex ${DEX.version}`, findDex, (program) => {
  let dex: Dex | undefined
  const theDex = (): Dex => dex ?? assert.fail('it did not start')
  before(async () => {
    dex = await startDex(program)
  })
  after(() => dex?.close())

  describe('signing in', () => signInSuite(theDex))
  describe('sessions', () => sessionSuite(theDex))
  describe('ID tokens and access tokens', () => tokenKindSuite(theDex))
  onRealCluster('with a real API server', () => clusterSuite(theDex))
})
