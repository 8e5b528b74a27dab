import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { parseAllDocuments } from 'yaml'
import { helmFolder } from '../helm/distribution.ts'
import type { KubernetesObject } from './objects.ts'

export const CHART = fileURLToPath(new URL('../../../deploy/helm/rolecall', import.meta.url))

export interface Rendered {
  readonly text: string
  readonly objects: readonly KubernetesObject[]
}

export interface Rendering {
  /** Values files, YAML or JSON, the later over the earlier. */
  readonly values: readonly string[]
  readonly release?: string
  readonly namespace?: string
  /** Whether what runs by \`helm test\` is there, too; the default. */
  readonly hooks?: boolean
}

/**
 * What `helm template` makes of values.
 *
 * @throws with Helm's own words, when it refuses
 */
export async function renderChart(rendering: Rendering): Promise<Rendered> {
  const { release = 'rolecall', namespace = 'holmes', hooks = true } = rendering
  const parameters = ['template', release, CHART, '--namespace', namespace]
  if (!hooks) parameters.push('--no-hooks')
  const text = await withValues(rendering.values, (flags) => helm([...parameters, ...flags]))
  return { text, objects: objectsIn(text) }
}

/** The objects of a file of YAML documents. */
export function objectsIn(text: string): readonly KubernetesObject[] {
  return parseAllDocuments(text)
    .map((document) => document.toJS() as KubernetesObject | null)
    .filter((object) => object !== null)
}

/** What people are told after an installation. */
export async function renderNotes(values: readonly string[]): Promise<string> {
  const parameters = ['install', 'rolecall', CHART, '--namespace', 'holmes', '--dry-run=client']
  return await withValues(values, async (flags) => {
    const told = await helm([...parameters, '--hide-secret', ...flags])
    return told.slice(told.indexOf('NOTES:'))
  })
}

/** Runs Helm with nothing of the person who runs the tests. */
export async function helm(
  parameters: readonly string[],
  environment: NodeJS.ProcessEnv = {},
): Promise<string> {
  const home = helmFolder()
  const { stdout } = await promisify(execFile)(join(home, 'helm'), parameters, {
    maxBuffer: 64 * 1024 * 1024,
    env: {
      PATH: process.env['PATH'],
      HOME: tmpdir(),
      HELM_CACHE_HOME: join(tmpdir(), 'rolecall-helm-cache'),
      HELM_CONFIG_HOME: join(tmpdir(), 'rolecall-helm-config'),
      HELM_DATA_HOME: join(tmpdir(), 'rolecall-helm-data'),
      KUBECONFIG: '/dev/null',
      ...environment,
    },
  })
  return stdout
}

/** Lends values as files. */
export async function withValues<T>(
  values: readonly string[],
  use: (flags: readonly string[]) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'rolecall-values-'))
  try {
    const flags: string[] = []
    for (const [index, text] of values.entries()) {
      const path = join(folder, `${index}.yaml`)
      await writeFile(path, text)
      flags.push('--values', path)
    }
    return await use(flags)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
