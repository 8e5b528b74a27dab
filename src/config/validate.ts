import type * as z from 'zod'
import { nearestHint } from './report/nearest.ts'
import type { Report } from './report/report.ts'
import { describeSchemaError } from './report/schema-errors.ts'
import { type Settings, settingsSchema } from './schema/schema.ts'
import { dropInNode, type SchemaNode, settingAt, settings, tableAt } from './schema/settings.ts'
import { type Path, pathText, type SettingsDraft } from './sources/draft.ts'

/**
 * Holds every value against the schema. What is wrong is told and taken out of the draft, so that
 * the rest can be judged in the same run.
 *
 * @returns the settings without those that are wrong
 */
export function validate(draft: SettingsDraft, report: Report): Settings {
  return parseWithoutWrong(settingsSchema, draft, report, (path) => {
    const setting = settingAt(path) ?? settingAt(path.slice(0, -1))
    return setting?.node ?? tableAt(path)
  })
}

/**
 * As {@link validate}, for any schema in which no key is required.
 *
 * @param nodeAt the JSON Schema of the setting at a path
 */
export function parseWithoutWrong<T extends z.ZodType>(
  schema: T,
  draft: SettingsDraft,
  report: Report,
  nodeAt: (path: Path) => SchemaNode | undefined,
): z.output<T> {
  for (;;) {
    // Read once: zod compiles a parser for each object, which takes longer than this (25 ms of a start).
    const result = schema.safeParse(draft.root, { jitless: true })
    if (result.success) return result.data
    // From the last to the first, so that taking one item out moves none that is yet to go.
    const wrong = new Map<string, Path>()
    for (const issue of result.error.issues) {
      for (const path of tellIssue(issue, draft, report, nodeAt)) wrong.set(pathText(path), path)
    }
    const before = JSON.stringify(draft.root)
    for (const path of [...wrong.values()].toReversed()) draft.remove(path)
    // Nothing can be taken out of a default that is wrong itself.
    if (JSON.stringify(draft.root) === before) throw result.error
  }
}

function tellIssue(
  issue: z.core.$ZodIssue,
  draft: SettingsDraft,
  report: Report,
  nodeAt: (path: Path) => SchemaNode | undefined,
): Path[] {
  const path = issue.path as Path
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => {
      report.wrong(draft, [...path, key], 'is not a setting', unknownKeyHint(path, key))
      return [...path, key]
    })
  }
  const { message, remedy } = describeSchemaError(issue, draft.root, nodeAt(path))
  report.wrong(draft, path, message, remedy)
  return [removable(path)]
}

/** The whole list for an item of a list of texts: the rest of it would mean something else. */
function removable(path: Path): Path {
  return typeof path.at(-1) === 'number' && settingAt(path.slice(0, -1)) ? path.slice(0, -1) : path
}

function unknownKeyHint(path: Path, key: string): string {
  const known = Object.keys(tableAt(path)?.properties ?? {})
  const isPlural = known.includes(key.replace(/s$/, ''))
  const elsewhere = settings.find((setting) => setting.path.at(-1) === key)
  if (elsewhere !== undefined && !isPlural) {
    const table = elsewhere.path.slice(0, -1).filter((part) => part !== '*')
    const list = elsewhere.path.includes('*')
    const place = list ? `[[${table.join('.')}]]` : `[${table.join('.')}]`
    return table.length === 0 ? 'It belongs to the top of the file.' : `It belongs into ${place}.`
  }
  const dropIns = path.length === 0 ? Object.keys(dropInNode.properties ?? {}) : []
  return nearestHint(key, [...known, ...dropIns])
}
