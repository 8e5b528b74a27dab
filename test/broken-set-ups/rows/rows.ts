import type { FaultGroup } from '../set-up.ts'
import { configurationFaults } from './configuration.ts'
import { credentialFaults } from './credential.ts'
import { providerFaults } from './provider.ts'
import { upstreamFaults } from './upstream.ts'

/** Every kind of fault, in the order of the page. */
export const faultGroups: readonly FaultGroup[] = [
  configurationFaults,
  providerFaults,
  credentialFaults,
  upstreamFaults,
]
