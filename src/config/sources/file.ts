import { extname } from 'node:path'
import { parse as parseToml, TomlDate, TomlError } from 'smol-toml'
import { parseDocument } from 'yaml'
import { ValueError } from '../value-error.ts'
import { type DraftTable, isTable, tableOf } from './draft.ts'

/**
 * Parses a configuration file by its ending: TOML, or YAML with its core schema. Dates become the
 * text they were written as. Nothing is known of the keys yet.
 */
export function parseFile(path: string, text: string): DraftTable | ValueError {
  const parsers: Readonly<Record<string, (text: string) => unknown>> = {
    '.toml': (source) => parseToml(source, { maxDepth: 32 }),
    '.yaml': parseYaml,
    '.yml': parseYaml,
  }
  const parse = parsers[extname(path).toLowerCase()]
  if (parse === undefined) {
    return new ValueError(
      'is neither TOML nor YAML by its ending',
      'Give the file a name that ends with .toml, .yaml or .yml.',
    )
  }
  try {
    const value = plain(parse(text.replace(/^\uFEFF/, '')))
    if (isTable(value)) return value
    return new ValueError('holds no table', 'Write keys and their values.')
  } catch (error) {
    return new ValueError(`cannot be parsed: ${reasonOf(error)}`, 'Correct the file there.')
  }
}

/** YAML 1.2, core schema: no custom tags, no merge keys, bounded aliases (billion laughs). */
function parseYaml(text: string): unknown {
  const document = parseDocument(text, {
    schema: 'core',
    merge: false,
    customTags: null,
    uniqueKeys: true,
    logLevel: 'error',
  })
  const [trouble] = [...document.errors, ...document.warnings]
  if (trouble !== undefined) throw trouble
  return document.toJS({ maxAliasCount: 50 }) ?? {}
}

/** The first line of the parser's words: the ones after it show the file, and secrets in it. */
function reasonOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error)
  const first = (text.split('\n', 1)[0] ?? '').replace(/:$/, '')
  return error instanceof TomlError ? `${first} (line ${error.line})` : first
}

function plain(value: unknown): unknown {
  if (value instanceof TomlDate || value instanceof Date) return value.toISOString()
  if (Array.isArray(value)) return value.map(plain)
  if (!isTable(value)) return value
  return tableOf(Object.entries(value).map(([key, item]) => [key, plain(item)]))
}
