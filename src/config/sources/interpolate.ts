import type { Report } from '../report/report.ts'
import { type DraftTable, isTable, type Path, pathText, tableOf } from './draft.ts'

type Environment = Readonly<Record<string, string | undefined>>

/**
 * Replaces `${NAME}` in every text of a parsed file by the environment variable, once: what comes
 * out is not looked at again, and a value can add no key (injection). `$${` is a literal `${`. Keys are
 * left alone.
 */
export function interpolate(
  table: DraftTable,
  environment: Environment,
  report: Report,
): DraftTable {
  const replaceIn = (value: unknown, path: Path): unknown => {
    if (typeof value === 'string') return replaceNames(value, path, environment, report)
    if (Array.isArray(value)) return value.map((item, index) => replaceIn(item, [...path, index]))
    if (!isTable(value)) return value
    return tableOf(
      Object.entries(value).map(([key, item]) => [key, replaceIn(item, [...path, key])]),
    )
  }
  return replaceIn(table, []) as DraftTable
}

function replaceNames(text: string, path: Path, environment: Environment, report: Report): string {
  const key = pathText(path)
  return text.replace(
    /\$\$\{|\$\{(?<name>[^}]*)(?<end>\}?)/g,
    (found, name?: string, end?: string) => {
      if (name === undefined) return '${'
      if (end === '' || !/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
        report.add({
          key,
          message: `has \${ without the name of an environment variable and }`,
          remedy: `Write \${NAME}, or $\${ for a literal \${.`,
        })
        return found
      }
      const value = environment[name]
      if (value !== undefined) return value
      report.add({
        key,
        message: `names the environment variable ${name}, which is not set`,
        remedy: `Set ${name}, or write $\${ for a literal \${.`,
      })
      return ''
    },
  )
}
