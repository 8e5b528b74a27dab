import type { SettingKind } from '../schema/settings.ts'

/**
 * Turns the text of a flag or an environment variable into what a file would hold. A text that
 * does not fit stays as it is, so that the schema tells what is wrong with it.
 */
export function coerce(kind: SettingKind, text: string): unknown {
  if (kind === 'switch' && (text === 'true' || text === 'false')) return text === 'true'
  if (kind === 'number' && /^-?\d{1,15}$/.test(text)) return Number(text)
  if (kind !== 'list') return text
  return text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '')
}
