import { execFile } from 'node:child_process'
import { delimiter } from 'node:path'
import { promisify } from 'node:util'
import { kubeCacheFolder } from '../../environment/cluster/real/kube-binaries.ts'

/** A PATH that begins where `npm run cluster:build` puts kubectl. */
export function pathWithKubectl(): string {
  const { KUBEBUILDER_ASSETS: assets, PATH: path } = process.env
  return [assets || kubeCacheFolder(), path].filter((part) => part).join(delimiter)
}

/** @throws where that PATH has none */
export async function requireKubectl(): Promise<void> {
  const env = { PATH: pathWithKubectl() }
  await promisify(execFile)('kubectl', ['version', '--client'], { env }).catch(() => {
    throw new Error(
      'mcp-server-kubernetes runs kubectl: put it on the PATH or run "npm run cluster:build"',
    )
  })
}
