import { startRealCluster } from '../environment/cluster/real/real.ts'
import { startStandInCluster } from '../environment/cluster/stand-in/stand-in.ts'
import { onRealCluster } from './availability.ts'
import { fleetSuite } from './fleet-suite.ts'

fleetSuite('stand-in clusters', (identityProvider, contents) =>
  startStandInCluster({ identityProvider, contents }),
)

onRealCluster('three real clusters: the fleet', () => {
  fleetSuite(
    'three real clusters',
    (identityProvider, contents) =>
      startRealCluster({ identityProvider, contents, trust: 'structured' }),
    { waits: true },
  )
})
