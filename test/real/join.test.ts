import { startRealCluster } from '../../src/demo/cluster/real.ts'
import { startStandInCluster } from '../../src/demo/cluster/stand-in.ts'
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
