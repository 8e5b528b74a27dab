import { accessSync, constants, existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { isAbsolute, join } from 'node:path'

/** The release that `test/kube-apiserver/go.mod` requires. */
export const KUBERNETES_VERSION = 'v1.36.3'

/** The programs of a control plane, by the names that envtest of controller-runtime uses, too. */
export const KUBE_PROGRAMS = ['etcd', 'kube-apiserver', 'kubectl'] as const
export type KubeProgram = (typeof KUBE_PROGRAMS)[number]

/** The path of each program. */
export type KubeBinaries = Readonly<Record<KubeProgram, string>>

/**
 * Finds etcd, kube-apiserver and kubectl: in the folder that `KUBEBUILDER_ASSETS` names where it is
 * set, else in the cache that `npm run cluster:build` fills. Their versions are not looked at.
 *
 * @throws naming what is missing, where, and the remedy
 */
export function findKubeBinaries(environment: NodeJS.ProcessEnv = process.env): KubeBinaries {
  const assets = environment['KUBEBUILDER_ASSETS']
  const folder = assets || kubeCacheFolder(environment)
  const missing = KUBE_PROGRAMS.filter((program) => !isExecutable(join(folder, program)))
  if (missing.length === 0) return binariesIn(folder)
  const what = missing.join(', ')
  if (assets) throw new Error(`KUBEBUILDER_ASSETS is ${assets}, where there is no ${what}`)
  throw new Error(
    `no ${what} in ${folder}: build them with "npm run cluster:build" (needs Go; about five ` +
      'minutes, once), or set KUBEBUILDER_ASSETS to a folder that has them',
  )
}

/** Whether a real cluster can be started here without building anything. */
export function realClusterAvailable(environment: NodeJS.ProcessEnv = process.env): boolean {
  return realClusterMissing(environment) === undefined
}

/** What a real cluster lacks here, and the remedy, in one line; `undefined`: nothing. */
export function realClusterMissing(
  environment: NodeJS.ProcessEnv = process.env,
): string | undefined {
  try {
    findKubeBinaries(environment)
    return undefined
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

/** Where built programs are kept: `$XDG_CACHE_HOME` or `~/.cache`, then by version. */
export function kubeCacheFolder(environment: NodeJS.ProcessEnv = process.env): string {
  const chosen = environment['XDG_CACHE_HOME'] ?? ''
  // The XDG Base Directory Specification: a relative path is to be ignored.
  const cache = isAbsolute(chosen) ? chosen : join(homedir(), '.cache')
  return join(cache, 'rolecall', `kube-${KUBERNETES_VERSION}`)
}

export function binariesIn(folder: string): KubeBinaries {
  return {
    etcd: join(folder, 'etcd'),
    'kube-apiserver': join(folder, 'kube-apiserver'),
    kubectl: join(folder, 'kubectl'),
  }
}

function isExecutable(path: string): boolean {
  if (!existsSync(path)) return false
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
