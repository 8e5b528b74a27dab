import { resolve } from 'node:path'
import { errorCode } from '../net/error-code.ts'
import type { Config } from './config.ts'
import { effectiveConfig } from './effective.ts'
import { lowerCaseEntraGuids } from './provider/entra-guids.ts'
import type { Problem } from './report/problem.ts'
import { Report } from './report/report.ts'
import { judgeRuntime } from './rules/runtime.ts'
import { signInMode } from './rules/sign-in-config.ts'
import { aksAudience } from './schema/identifiers.ts'
import {
  type Assignment,
  type DraftTable,
  isNothing,
  SettingsDraft,
  valueAt,
  withoutEmptyTexts,
} from './sources/draft.ts'
import { translateDropIn } from './sources/drop-in.ts'
import { readEnvironment } from './sources/environment.ts'
import { parseFile } from './sources/file.ts'
import { readFlags } from './sources/flags.ts'
import { interpolate } from './sources/interpolate.ts'
import { applyResourceDefaults } from './sources/resource-defaults.ts'
import { readSecretFiles } from './sources/secrets.ts'
import { ValueFiles } from './sources/value-files.ts'
import { validate } from './validate.ts'
import { ValueError } from './value-error.ts'

/** Where values come from. */
export interface Sources {
  /** Texts by the flag's name without hyphens; a switch is `true` or `false`. */
  readonly flags: Readonly<Record<string, string>>
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Reads a file as UTF-8; throws when it cannot. Gets absolute paths. */
  readonly readFile: (path: string) => string
}

export type Loaded =
  | { readonly kind: 'config'; readonly config: Config; readonly warnings: readonly Problem[] }
  | { readonly kind: 'problems'; readonly problems: readonly Problem[] }

/**
 * Brings flags, environment, file and defaults together, in this order of rank, and judges the
 * whole. Never throws for what is configured. Not checked: anything that needs the network or the
 * time, such as whether a certificate has expired.
 *
 * @returns the frozen configuration, or every problem at once
 */
export function load(sources: Sources): Loaded {
  const report = new Report()
  const path = sources.flags['config'] || sources.environment['ROLECALL_CONFIG'] || undefined
  const table = path === undefined ? {} : readTable(path, sources, report)
  if (table === undefined) return { kind: 'problems', problems: report.problems }
  const draft = draftOf(table, sources, report)
  const files = new ValueFiles(sources.readFile, draft, report)
  readSecretFiles(draft, files, report)
  const settings = lowerCaseEntraGuids(validate(draft, report))
  const mode = signInMode(settings, report)
  judgeRuntime(sources.environment, report)
  const config = effectiveConfig({ settings, draft, report, mode }, files)
  if (report.problems.length > 0) return { kind: 'problems', problems: report.problems }
  const own = path === undefined ? [] : [resolve(path)]
  return {
    kind: 'config',
    config: deepFreeze({ ...config, files: [...new Set([...own, ...files.paths])] }),
    warnings: report.warnings,
  }
}

/** Reads the file; nothing else is worth judging when that fails. */
function readTable(path: string, sources: Sources, report: Report): DraftTable | undefined {
  let text: string
  try {
    text = sources.readFile(resolve(path))
  } catch (error) {
    const remedy = 'Give another file with --config or ROLECALL_CONFIG.'
    report.add({ key: path, message: `cannot be read (${errorCode(error)})`, remedy })
    return undefined
  }
  const parsed = parseFile(path, text)
  if (!(parsed instanceof ValueError)) return parsed
  report.add({ key: path, message: parsed.message, remedy: parsed.remedy })
  return undefined
}

/** Lays the sources over each other, the one of highest rank last. */
function draftOf(table: DraftTable, sources: Sources, report: Report): SettingsDraft {
  const file = withoutEmptyTexts(interpolate(table, sources.environment, report)) as DraftTable
  const dropIn = translateDropIn(file, report)
  const draft = new SettingsDraft(dropIn.table)
  for (const { path, label } of dropIn.names) draft.name(path, label)
  putAll(draft, dropIn.assignments, report)
  putAll(draft, readEnvironment(sources.environment, report), report)
  const resources = valueAt(draft.root, ['resource'])
  const count = Array.isArray(resources) ? resources.length : 0
  putAll(draft, readFlags(sources.flags, count, report), report)
  applyResourceDefaults(draft)
  if (sources.flags['tenant'] !== undefined) assumeAks(draft, report)
  return draft
}

/** An empty text takes the setting away, as it does in a file. */
function putAll(draft: SettingsDraft, assignments: readonly Assignment[], report: Report): void {
  for (const { path, value, label } of assignments) {
    if (path[0] === 'listen') warnPort(draft, label, report)
    const given = isNothing(value, path) ? undefined : value
    if (draft.assign({ path, value: given, label })) continue
    report.add({
      key: label,
      message: 'skips a number',
      remedy: 'Number the items of a list from 0, without a gap.',
    })
  }
}

function warnPort(draft: SettingsDraft, label: string, report: Report): void {
  if (label === 'port' || draft.labelOf(['listen']) !== 'port') return
  const message = `has no effect: ${label} gives address and port`
  report.warnings.push({ key: 'port', message, remedy: `Remove it, or remove ${label}.` })
}

/** With `--tenant` alone the first try is against AKS; an audience is never guessed in silence. */
function assumeAks(draft: SettingsDraft, report: Report): void {
  const path = ['resource', 0, 'audiences']
  const resource = valueAt(draft.root, ['resource', 0])
  if (resource === undefined || valueAt(draft.root, path) !== undefined) return
  if (valueAt(draft.root, ['resource', 0, 'unsafe_any_audience']) !== undefined) return
  draft.assign({ path, value: [aksAudience], label: '--audience' })
  report.warnings.push({
    key: '--audience',
    message: `is not given: with --tenant it is ${aksAudience}, the API servers of AKS clusters`,
    remedy: `Give --audience ${aksAudience}, or the audience of your own cluster.`,
  })
}

function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  for (const item of Object.values(value)) deepFreeze(item)
  return Object.freeze(value)
}
