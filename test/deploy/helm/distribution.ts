import { accessSync, constants } from 'node:fs'
import { dirname, join } from 'node:path'
import { kubeCacheFolder } from '../../environment/cluster/real/kube-binaries.ts'

/** The release that `module/go.mod` requires. */
export const HELM_VERSION = 'v4.3.2'

/** Definitions of kinds that an API server alone lacks, from the modules that publish them. */
export const DEFINITIONS = [
  {
    module: 'sigs.k8s.io/gateway-api@v1.6.2',
    sum: 'h1:vh5YzKlbdBivEaLX61+APKLGRq4tZ7Fj4XfGkv08xB4=',
    file: 'config/crd/standard/gateway.networking.k8s.io_httproutes.yaml',
  },
  ...['servicemonitors', 'prometheusrules'].map((kind) => ({
    module: 'github.com/prometheus-operator/prometheus-operator@v0.85.0',
    sum: 'h1:M5xLCLEoaW2IJfnuCwFzzpL+jSVQu3KGT84Pye+fW8s=',
    file: `example/prometheus-operator-crd/monitoring.coreos.com_${kind}.yaml`,
  })),
] as const

/** Where `npm run helm:build` puts them: in the same cache as the programs of a cluster. */
export function helmFolder(environment: NodeJS.ProcessEnv = process.env): string {
  return join(dirname(kubeCacheFolder(environment)), `helm-${HELM_VERSION}`)
}

/** The path of a definition's file there. */
export function definitionPath(file: string): string {
  return join(helmFolder(), file.slice(file.lastIndexOf('/') + 1))
}

/** What is missing here, and the remedy, in one line; `undefined`: nothing. */
export function helmMissing(): string | undefined {
  const wanted = [
    join(helmFolder(), 'helm'),
    ...DEFINITIONS.map(({ file }) => definitionPath(file)),
  ]
  try {
    for (const path of wanted) accessSync(path, constants.R_OK)
    return undefined
  } catch {
    return `no helm ${HELM_VERSION} in ${helmFolder()}: build it with "npm run helm:build" (needs Go; about two minutes, once)`
  }
}
