import { redisIsMissing } from '../../support/redis-server.ts'
import type { FaultGroup } from '../set-up.ts'
import { configurationFaults } from './configuration.ts'
import { credentialFaults } from './credential.ts'
import { edgeFaults } from './edge.ts'
import { providerFaults } from './provider.ts'
import { redirectFaults } from './redirect.ts'
import { signInFaults } from './sign-in.ts'
import { realStoreFaults, storeFaults } from './store.ts'
import { tokenFaults } from './token.ts'
import { upstreamFaults } from './upstream.ts'

/** Every kind of fault, in the order of the page. Without redis-server some of its rows are left out. */
export const faultGroups: readonly FaultGroup[] = [
  configurationFaults,
  providerFaults,
  credentialFaults,
  redirectFaults,
  upstreamFaults,
  {
    ...storeFaults,
    rows: [...storeFaults.rows, ...(redisIsMissing ? [] : realStoreFaults.rows)],
  },
  edgeFaults,
  tokenFaults,
  signInFaults,
]
