import assert from 'node:assert/strict'
import { after, before, describe } from 'node:test'
import { onRealCluster } from '../../real/availability.ts'
import { whenThere } from '../support/when-there.ts'
import { clusterSuite } from './cluster-suite.ts'
import { findKeycloak, KEYCLOAK } from './distribution.ts'
import { keySuite } from './key-suite.ts'
import { type Keycloak, startKeycloak } from './keycloak.ts'
import { realm } from './realm.ts'
import { sessionSuite } from './session-suite.ts'
import { signInSuite } from './sign-in-suite.ts'

/** One Keycloak for everything, since it takes 12 seconds and more to start. */
whenThere(`Keycloak ${KEYCLOAK.version}`, findKeycloak, (folder) => {
  let keycloak: Keycloak | undefined
  const theKeycloak = (): Keycloak => keycloak ?? assert.fail('it did not start')
  before(async () => {
    keycloak = await startKeycloak(folder)
    await keycloak.admin.send('POST', '', realm())
  })
  after(() => keycloak?.close())

  describe('signing in', () => signInSuite(theKeycloak))
  describe('sessions', () => sessionSuite(theKeycloak))
  onRealCluster('with a real API server', () => clusterSuite(theKeycloak))
  // Last: it changes what Keycloak signs with.
  describe('keys', () => keySuite(theKeycloak))
})
