import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { findKubeBinaries } from '../../environment/cluster/real/kube-binaries.ts'
import { aksServerId, graphId, holmes } from '../../environment/mock-entra/directory.ts'
import { helmFolder } from '../helm/distribution.ts'

const PROGRAMS = ['../walk-through/bin', '../entra/bin'].map((folder) =>
  fileURLToPath(new URL(folder, import.meta.url)),
)

/** The blocks of shell commands in a page, also in lists. */
export function commandsIn(text: string): readonly string[] {
  return [...text.matchAll(/^( *)```sh\n([\s\S]*?)^\1```/gm)].map(([, indent = '', block = '']) =>
    block.replaceAll(new RegExp(`^${indent}`, 'gm'), ''),
  )
}

export interface Surroundings {
  readonly kubeconfig: object
  readonly tenantId: string
  /** What `az account get-access-token` prints. */
  readonly accessToken?: string
}

/**
 * Puts what commands need into the folder in which they run: who reaches the cluster, what the
 * stand-in for Azure knows (a tenant with the mock's ids and a cluster), and a log.
 */
export function prepareFolder(folder: string, { kubeconfig, ...azure }: Surroundings): void {
  const published = {
    [aksServerId]: ['user.read'],
    [graphId]: ['openid', 'profile', 'email', 'offline_access'],
  }
  const principals = Object.entries(published).map(([appId, scopes]) => ({
    id: `sp-of-${appId}`,
    appId,
    oauth2PermissionScopes: scopes.map((value) => ({ value, id: `${appId}/${value}` })),
  }))
  const state = {
    ...azure,
    nextAppId: holmes.client_id,
    nextPassword: holmes.client_secret,
    published,
    principals,
    clusters: { 'my-group/my-cluster': { aadProfile: { managed: true } } },
    apps: [],
    grants: [],
    assignments: [],
  }
  writeFileSync(join(folder, 'kubeconfig'), JSON.stringify(kubeconfig))
  writeFileSync(join(folder, 'state.json'), JSON.stringify(state))
  writeFileSync(join(folder, 'log'), '')
}

/** Runs commands there, with kubectl and Helm on the real cluster and stand-ins for the rest. */
export function runScript(
  script: string,
  folder: string,
  variables: Readonly<Record<string, string>> = {},
): { status: number | null; stdout: string; stderr: string } {
  return spawnSync('bash', ['-euo', 'pipefail', '-c', script], {
    cwd: folder,
    encoding: 'utf8',
    env: {
      PATH: [...PROGRAMS, process.env['PATH']].join(':'),
      HOME: folder,
      REAL_HELM: join(helmFolder(), 'helm'),
      REAL_KUBECTL: findKubeBinaries().kubectl,
      WALK_KUBECONFIG: join(folder, 'kubeconfig'),
      FAKE_AZ_STATE: join(folder, 'state.json'),
      FAKE_AZ_LOG: join(folder, 'log'),
      ...variables,
    },
  })
}
