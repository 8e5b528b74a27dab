import { accessSync, constants } from 'node:fs'
import { dirname, join } from 'node:path'
import { kubeCacheFolder } from '../../environment/cluster/real/kube-binaries.ts'

export const DEX = {
  /** The release whose commit `module/go.mod` requires: Go cannot be asked for it by its tag. */
  version: '2.41.1',
  package: 'github.com/dexidp/dex/cmd/dex',
} as const

/** Where `npm run idp:dex` puts it: in the same cache as the programs of a cluster, by version. */
export function dexFolder(environment: NodeJS.ProcessEnv = process.env): string {
  return join(dirname(kubeCacheFolder(environment)), `dex-${DEX.version}`)
}

/**
 * The path of dex's program.
 *
 * @throws naming the remedy where there is none
 */
export function findDex(environment: NodeJS.ProcessEnv = process.env): string {
  const folder = dexFolder(environment)
  const program = join(folder, 'dex')
  try {
    accessSync(program, constants.X_OK)
    return program
  } catch {
    throw new Error(
      `no dex in ${folder}: build it with "npm run idp:dex" (needs Go and a C compiler; about two minutes, once)`,
    )
  }
}
