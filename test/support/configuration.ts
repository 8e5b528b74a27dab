import assert from 'node:assert/strict'
import { stringify } from 'smol-toml'
import type { Config } from '../../src/config/config.ts'
import { type Loaded, load } from '../../src/config/load.ts'
import type { Problem } from '../../src/config/report/problem.ts'

export const tenant = '11111111-2222-4333-8444-555555555555'
export const aks = '6dae42f8-4368-4678-94ff-3960e28e3630'

/** A provider of which nothing is said but which one it is. */
export const providerByDefault = {
  credential: { kind: 'none' },
  authorize_parameters: {},
  groups_claim: 'groups',
  signing_algorithms: ['RS256'],
  stale_for: 86_400_000,
} as const
export const entraByDefault = {
  kind: 'entra',
  tenant_id: tenant,
  cloud: 'public',
  resolve_groups: false,
  ...providerByDefault,
} as const

type Changes = Readonly<Record<string, unknown>>

/**
 * A file that loads without a warning but the one of {@link NO_SIGN_IN}, but for changes by dotted path;
 * `undefined` takes away.
 */
export function fileWith(changes: Changes = {}): Record<string, unknown> {
  const file: Record<string, unknown> = {
    identity_provider: { kind: 'entra', tenant_id: tenant },
    resource: [
      {
        name: 'prod',
        path: '/mcp',
        upstream: 'http://kms:8080/mcp',
        audiences: [aks],
        allowed_clients: ['*'],
      },
    ],
  }
  for (const [path, value] of Object.entries(changes)) put(file, path.split('.'), value)
  return file
}

function put(root: Record<string, unknown>, path: readonly string[], value: unknown): void {
  let table = root
  for (const key of path.slice(0, -1)) {
    table[key] ??= {}
    table = table[key] as Record<string, unknown>
  }
  const last = path.at(-1) ?? ''
  if (value === undefined) delete table[last]
  else table[last] = value
}

export interface Given {
  readonly flags?: Readonly<Record<string, string>>
  readonly environment?: Readonly<Record<string, string>>
  /** Contents by absolute path. */
  readonly files?: Readonly<Record<string, string>>
}

/** Loads from nothing but what is given. */
export function loadGiven({ flags = {}, environment = {}, files = {} }: Given): Loaded {
  return load({
    flags,
    environment,
    readFile: (path) => {
      const text = files[path]
      if (text === undefined) throw Object.assign(new Error('no such file'), { code: 'ENOENT' })
      return text
    },
  })
}

/** Loads the text of a TOML file, beside what else is given. */
export function loadToml(text: string, given: Given = {}): Loaded {
  return loadGiven({
    ...given,
    flags: { config: '/etc/rolecall.toml', ...given.flags },
    files: { '/etc/rolecall.toml': text, ...given.files },
  })
}

/** Loads the valid file with changes. */
export function loadWith(changes: Changes = {}, given: Given = {}): Loaded {
  return loadToml(stringify(fileWith(changes)), given)
}

export function configOf(loaded: Loaded): Config {
  if (loaded.kind === 'config') return loaded.config
  return assert.fail(`problems: ${JSON.stringify(loaded.problems, null, 2)}`)
}

export function problemsOf(loaded: Loaded): readonly Problem[] {
  if (loaded.kind === 'problems') return loaded.problems
  return assert.fail('it loads without a problem')
}

/** What is said of every Entra in mode off, which is what most tests load. */
export const NO_SIGN_IN = /AADSTS9010010/

/** The warnings but {@link NO_SIGN_IN}. */
export function warningsOf(loaded: Loaded): readonly Problem[] {
  return allWarningsOf(loaded).filter(({ message }) => !NO_SIGN_IN.test(message))
}

export function allWarningsOf(loaded: Loaded): readonly Problem[] {
  configOf(loaded)
  return loaded.kind === 'config' ? loaded.warnings : []
}

/** That there is exactly one problem, with this key, and words of it that match. */
export function assertProblem(loaded: Loaded, key: string, words: RegExp): void {
  const problems = problemsOf(loaded)
  assert.deepEqual(
    problems.map((problem) => problem.key),
    [key],
    JSON.stringify(problems, null, 2),
  )
  const [problem] = problems
  assert.match(`${problem?.message} ${problem?.remedy}`, words)
}

/** That it loads with exactly one warning, with this key, and words of it that match. */
export function assertWarning(loaded: Loaded, key: string, words: RegExp): void {
  const warnings = warningsOf(loaded)
  assert.deepEqual(
    warnings.map((warning) => warning.key),
    [key],
    JSON.stringify(warnings, null, 2),
  )
  const [warning] = warnings
  assert.match(`${warning?.message} ${warning?.remedy}`, words)
}
