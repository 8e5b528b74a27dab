import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { kubeCacheFolder } from '../../environment/cluster/real/kube-binaries.ts'

export const KEYCLOAK = {
  version: '26.7.3',
  artifact: 'org.keycloak:keycloak-quarkus-dist:26.7.3:tar.gz',
  file: 'keycloak-quarkus-dist-26.7.3.tar.gz',
  sha256: '77657f30b7e90d70f727712ce1c967f430fd6a5e9f458d32d8c6df0635345f47',
  /** What is decided when it is built, and costs 25 seconds to change. */
  buildOptions: ['--db=dev-mem'],
  /** By version and build options. */
  folder: 'keycloak-26.7.3-dev-mem',
} as const

/** Where `npm run idp:keycloak` puts it: in the same cache as the programs of a cluster. */
export function keycloakFolder(environment: NodeJS.ProcessEnv = process.env): string {
  return join(dirname(kubeCacheFolder(environment)), KEYCLOAK.folder)
}

/**
 * The folder of a Keycloak that is ready to be started.
 *
 * @throws naming the remedy where there is none
 */
export function findKeycloak(environment: NodeJS.ProcessEnv = process.env): string {
  const folder = keycloakFolder(environment)
  if (existsSync(join(folder, 'lib', 'quarkus-run.jar'))) return folder
  throw new Error(
    `no Keycloak in ${folder}: fetch and build it with "npm run idp:keycloak" (needs Maven and Java 17; about a minute, once)`,
  )
}
