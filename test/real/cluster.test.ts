import { startRealCluster } from '../../src/demo/cluster/real.ts'
import { clusterSuite } from '../support/cluster-suite.ts'

for (const trust of ['structured', 'webhook'] as const) {
  clusterSuite(`real cluster, trust: ${trust}`, (identityProvider, contents) =>
    startRealCluster({ identityProvider, contents, trust }),
  )
}
