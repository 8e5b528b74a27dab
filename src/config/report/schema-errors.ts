import type * as z from 'zod'
import { durationRemedy } from '../schema/duration.ts'
import { type SchemaNode, settingAt } from '../schema/settings.ts'
import { type Path, valueAt } from '../sources/draft.ts'
import { nearestHint } from './nearest.ts'

/** A problem before its setting is named. */
export interface SchemaErrorText {
  readonly message: string
  readonly remedy: string
}

/**
 * Words for what zod found. Never repeats the value: it may be a secret in the wrong place.
 *
 * @param issue any issue but `unrecognized_keys`
 * @param root what was parsed
 * @param node the JSON Schema of the setting
 */
export function describeSchemaError(
  issue: z.core.$ZodIssue,
  root: unknown,
  node: SchemaNode | undefined,
): SchemaErrorText {
  const path = issue.path as Path
  switch (issue.code) {
    case 'custom':
      return { message: issue.message, remedy: String(issue.params?.['remedy'] ?? exampleOf(node)) }
    case 'invalid_type':
      return typeWords(issue.expected, valueAt(root, path), path, node)
    case 'invalid_value':
      return choiceWords(issue.values, valueAt(root, path), path)
    case 'too_small':
      return smallWords(issue.origin, issue.minimum, node)
    case 'too_big':
      return { message: 'is too much', remedy: `Write ${issue.maximum} or less.` }
    default:
      return { message: issue.message, remedy: exampleOf(node) }
  }
}

function typeWords(
  expected: string,
  value: unknown,
  path: Path,
  node: SchemaNode | undefined,
): SchemaErrorText {
  if (settingAt(path)?.kind === 'duration' && typeof value === 'number') {
    return { message: 'is a number without a unit', remedy: durationRemedy(String(value)) }
  }
  const message = `must be ${typeNames[expected] ?? expected}, not ${typeOf(value)}`
  if (path[0] === 'resource' && path.length === 1) {
    return { message, remedy: 'Write [[resource]], with two brackets (YAML: a list).' }
  }
  if (expected === 'array' && typeof value === 'string') {
    return { message, remedy: 'Put it into brackets: ["…"].' }
  }
  if (expected === 'boolean') return { message, remedy: 'Write true or false, without quotes.' }
  if (expected === 'int' || expected === 'number') {
    return { message, remedy: 'Write the number without quotes.' }
  }
  return { message, remedy: exampleOf(node) }
}

const typeNames: Readonly<Record<string, string>> = {
  string: 'a text',
  boolean: 'true or false',
  number: 'a number',
  int: 'a whole number',
  array: 'a list',
  object: 'a table',
  record: 'a table of texts',
}

function typeOf(value: unknown): string {
  if (value === null) return 'nothing'
  if (Array.isArray(value)) return 'a list'
  const names: Readonly<Record<string, string>> = {
    string: 'a text',
    boolean: 'true or false',
    number: Number.isInteger(value) ? 'a whole number' : 'a number with a fraction',
    bigint: 'a number',
  }
  return names[typeof value] ?? 'a table'
}

function choiceWords(values: readonly unknown[], value: unknown, path: Path): SchemaErrorText {
  const choices = values.map(String)
  const remedy = `Write one of: ${choices.join(', ')}.`
  if (path.includes('signing_algorithms')) {
    return { message: 'is not an asymmetric algorithm: whoever verifies could also sign', remedy }
  }
  const hint = typeof value === 'string' ? nearestHint(value.slice(0, 80), choices) : ''
  const near = hint.startsWith('Did you mean') ? ` ${hint}` : ''
  return { message: 'is not one of the choices', remedy: `${remedy}${near}` }
}

function smallWords(
  origin: string,
  minimum: number | bigint,
  node: SchemaNode | undefined,
): SchemaErrorText {
  if (origin === 'string') return { message: 'is empty', remedy: 'Write a text, or remove it.' }
  if (origin === 'array') return { message: 'is empty', remedy: exampleOf(node) }
  return { message: 'is too little', remedy: `Write ${minimum} or more.` }
}

function exampleOf(node: SchemaNode | undefined): string {
  const example = node?.examples?.[0] ?? node?.default
  if (example !== undefined) return `Write it like this: ${JSON.stringify(example)}.`
  return node?.description ?? 'Remove it.'
}
