import { startRealCluster } from '../environment/cluster/real/real.ts'
import { clusterSuite } from '../support/cluster-suite.ts'
import { onRealCluster } from './availability.ts'

for (const trust of ['structured', 'webhook'] as const) {
  const name = `real cluster, trust: ${trust}`
  onRealCluster(name, () => {
    clusterSuite(name, (identityProvider, contents) =>
      startRealCluster({ identityProvider, contents, trust }),
    )
  })
}
