import { startRealCluster } from '../environment/cluster/real/real.ts'
import { startStandInCluster } from '../environment/cluster/stand-in/stand-in.ts'
import { onRealCluster } from './availability.ts'
import { joinSuite } from './join-suite.ts'

joinSuite('stand-in cluster', (identityProvider, contents) =>
  startStandInCluster({ identityProvider, contents }),
)

for (const trust of ['structured', 'webhook'] as const) {
  const name = `real cluster, trust: ${trust}`
  onRealCluster(`${name}: the join`, () => {
    joinSuite(name, (identityProvider, contents) =>
      startRealCluster({ identityProvider, contents, trust }),
    )
  })
}
