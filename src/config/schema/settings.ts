import * as z from 'zod'
import { dropInSchema } from './drop-in.ts'
import { durationMark } from './duration.ts'
import { settingsSchema } from './schema.ts'

/** The part of JSON Schema that the schema gives rise to. */
export interface SchemaNode {
  readonly type?: string
  readonly properties?: Readonly<Record<string, SchemaNode>>
  readonly additionalProperties?: boolean | SchemaNode
  readonly items?: SchemaNode
  readonly enum?: readonly string[]
  readonly anyOf?: readonly SchemaNode[]
  readonly description?: string
  readonly default?: unknown
  readonly examples?: readonly unknown[]
  readonly writeOnly?: boolean
  readonly $comment?: string
}

export type SettingKind = 'text' | 'choice' | 'duration' | 'number' | 'switch' | 'list' | 'texts'

/** One setting as an operator writes it. `texts` is a table of texts under free names. */
export interface Setting {
  /** Keys from the top; `*` for an item of a list of tables. */
  readonly path: readonly string[]
  readonly kind: SettingKind
  readonly node: SchemaNode
}

/**
 * JSON Schema (2020-12) of a file, drop-in keys among them. It demands no key, since a value may
 * come from flag or environment, and says nothing of what settings demand of each other.
 */
export function jsonSchema(): SchemaNode {
  const file = z.strictObject({ ...settingsSchema.shape, ...dropInSchema.shape }).meta({
    title: 'rolecall configuration',
  })
  return z.toJSONSchema(file, { io: 'input' }) as SchemaNode
}

/** The root table without drop-in keys. */
export const rootNode = z.toJSONSchema(settingsSchema, { io: 'input' }) as SchemaNode

/** The drop-in keys. */
export const dropInNode = z.toJSONSchema(dropInSchema, { io: 'input' }) as SchemaNode

/** Every setting, in the order of the schema. */
export const settings: readonly Setting[] = settingsBelow(rootNode, [])

/** The setting at a path whose list items are numbers or `*`. */
export function settingAt(path: readonly PropertyKey[]): Setting | undefined {
  const wanted = path.map((key) => (typeof key === 'number' ? '*' : String(key))).join('.')
  return settings.find((setting) => setting.path.join('.') === wanted)
}

/** The table at a path; its `properties` are the keys that may stand there. */
export function tableAt(path: readonly PropertyKey[]): SchemaNode | undefined {
  let node: SchemaNode | undefined = rootNode
  for (const key of path) {
    node = typeof key === 'number' ? node?.items : node?.properties?.[String(key)]
  }
  return node?.properties === undefined ? undefined : node
}

function settingsBelow(table: SchemaNode, above: readonly string[]): Setting[] {
  return Object.entries(table.properties ?? {}).flatMap(([key, node]) => {
    const path = [...above, key]
    if (node.properties !== undefined) return settingsBelow(node, path)
    if (node.items?.properties !== undefined) return settingsBelow(node.items, [...path, '*'])
    return [{ path, kind: kindOf(node), node }]
  })
}

function kindOf(node: SchemaNode): SettingKind {
  if (node.$comment === durationMark) return 'duration'
  if (node.enum !== undefined) return 'choice'
  const kinds: Readonly<Record<string, SettingKind>> = {
    boolean: 'switch',
    integer: 'number',
    array: 'list',
    object: 'texts',
  }
  return kinds[node.type ?? ''] ?? 'text'
}
