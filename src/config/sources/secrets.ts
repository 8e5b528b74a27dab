import type { Report } from '../report/report.ts'
import { type Setting, settings } from '../schema/settings.ts'
import { isTable, type Path, type SettingsDraft, valueAt } from './draft.ts'
import type { ValueFiles } from './value-files.ts'

/**
 * Puts the contents of every `x_file` of a secret `x` where `x` stands; the line break at the end
 * does not count. Both together are a problem: which of them counts would be a guess.
 */
export function readSecretFiles(draft: SettingsDraft, files: ValueFiles, report: Report): void {
  for (const secret of settings.filter(({ node }) => node.writeOnly === true)) {
    for (const path of pathsOf(secret, draft)) readSecretFile(path, draft, files, report)
  }
}

function readSecretFile(path: Path, draft: SettingsDraft, files: ValueFiles, report: Report): void {
  const filePath: Path = [...path.slice(0, -1), `${path.at(-1)}_file`]
  const file = valueAt(draft.root, filePath)
  if (typeof file !== 'string') return
  if (valueAt(draft.root, path) !== undefined) {
    report.wrong(
      draft,
      filePath,
      `and ${draft.keyOf(path)} give the same secret`,
      'Remove one of the two.',
    )
    return
  }
  const label = draft.keyOf(filePath)
  const text = files.text(file, filePath)?.replace(/\r?\n$/, '')
  if (text === undefined) return
  if (text === '') report.wrong(draft, filePath, 'names an empty file', 'Write the secret into it.')
  else draft.assign({ path, value: text, label })
}

/** The places of a setting in this draft: one, or one for each item of its list. */
function pathsOf(setting: Setting, draft: SettingsDraft): Path[] {
  const star = setting.path.indexOf('*')
  if (star < 0) return [setting.path]
  const list = valueAt(draft.root, setting.path.slice(0, star))
  if (!Array.isArray(list)) return []
  return [...list.entries()]
    .filter(([, item]) => isTable(item))
    .map(([index]) => setting.path.map((key) => (key === '*' ? index : key)))
}
