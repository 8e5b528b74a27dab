import { isMap, isScalar, type Pair, parseDocument, type YAMLMap } from 'yaml'

/** The chart's README: what values there are, from the comments that begin with "# --". */
export function chartReadme(values: string): string {
  const rows = rowsOf(mapIn(values), [])
  return `${INTRODUCTION}${rows.map((row) => `| ${row.join(' | ')} |`).join('\n')}\n`
}

function mapIn(values: string): YAMLMap {
  const { contents } = parseDocument(values)
  if (!isMap(contents)) throw new Error('values.yaml is no map')
  return contents
}

const INTRODUCTION = `# The chart rolecall

<!-- Made from values.yaml: npm run chart:files -->

\`\`\`sh
helm install rolecall deploy/helm/rolecall --namespace rolecall --create-namespace -f values.yaml
helm test rolecall --namespace rolecall --logs
\`\`\`

Complete values files to begin with: [presets](../../presets). Wrong values are refused before anything
is installed, all at once, each with what to do.

A changed \`config\` is taken over by running pods without ending streams: no pod is restarted. Secrets
that change are read again, too.

| value | default | what |
|---|---|---|
`

type Row = readonly [key: string, standard: string, text: string]

/** One row a leaf; a map with members has rows of its own only where it is explained. */
function rowsOf(map: YAMLMap, path: readonly string[]): Row[] {
  return map.items.flatMap((pair, index) => {
    const key = keyOf(pair)
    const name = [...path, key]
    // The first key's comment stands before its whole map.
    const before = index === 0 ? map.commentBefore : undefined
    const text = textOf([before, isScalar(pair.key) ? pair.key.commentBefore : undefined])
    const inner = isMap(pair.value) && pair.value.items.length > 0 && opensUp(name)
    if (!inner) return [[`\`${name.join('.')}\``, standardOf(pair), text]]
    const members = rowsOf(pair.value as YAMLMap, name)
    return text === '' ? members : [[`\`${name.join('.')}\``, '', text], ...members]
  })
}

/** Kubernetes' own objects are shown whole. */
function opensUp([first = '']: readonly string[]): boolean {
  return !['resources', 'podSecurityContext', 'securityContext'].includes(first)
}

function keyOf(pair: Pair): string {
  return isScalar(pair.key) ? String(pair.key.value) : String(pair.key)
}

function textOf(comments: readonly (string | null | undefined)[]): string {
  const lines = comments.flatMap((comment) => (comment ?? '').split('\n')).map((it) => it.trim())
  const begin = lines.findLastIndex((line) => line.startsWith('-- '))
  if (begin === -1) return ''
  const text = lines.slice(begin).join(' ').slice(3).trim()
  return text.replaceAll('|', '\\|')
}

function standardOf({ value }: Pair): string {
  const plain: unknown = isScalar(value) ? value.value : (value as { toJSON(): unknown }).toJSON()
  return `\`${JSON.stringify(plain)}\``
}

/**
 * The chart's values schema, with our configuration's own schema as that of `config` and the words of
 * values.yaml for editors.
 */
export function completeSchema(valuesSchema: string, configSchema: string, values: string): string {
  const schema = JSON.parse(valuesSchema) as Schema
  const { $schema: _dialect, title: _title, ...config } = JSON.parse(configSchema) as Schema
  schema.properties = { ...schema.properties, config }
  for (const [key, , text] of rowsOf(mapIn(values), [])) {
    const path = key.replaceAll('`', '').split('.')
    const described = path.reduce<Schema | undefined>((at, name) => at?.properties?.[name], schema)
    if (described && text !== '') described.description = text.replaceAll('\\|', '|')
  }
  return `${JSON.stringify(schema, null, 2)}\n`
}

interface Schema {
  $schema?: string
  title?: string
  description?: string
  properties?: Record<string, Schema>
}
