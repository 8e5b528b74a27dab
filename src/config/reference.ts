import { bounds } from './bounds.ts'
import {
  dropInNode,
  rootNode,
  type Setting,
  settingAt,
  settings,
  tableAt,
} from './schema/settings.ts'
import { isTable } from './sources/draft.ts'
import { environmentName } from './sources/environment.ts'
import { flags } from './sources/flags.ts'

/** Its keys are those of a resource. */
const DEFAULTS = 'resource_defaults'

/** The reference page of the configuration, in Markdown. Everything in it comes from the schema. */
export function referencePage(): string {
  const tables = [...new Set(settings.map(tableOfSetting))].filter(
    (table) => !table.startsWith(`${DEFAULTS}.`),
  )
  return `${[
    '# Configuration',
    '',
    '<!-- Made from the schema: npm run -s schema -- --reference > deploy/configuration.md -->',
    '',
    ...introduction,
    ...tables.flatMap(section),
    ...boundsSection(),
    ...dropInSection(),
  ].join('\n')}\n`
}

const introduction = [
  'A TOML or YAML file by its ending, named by `--config`, else `ROLECALL_CONFIG`. A value comes from',
  'flag, environment, file, default, in this order. `rolecall check` shows what it amounts to.',
  '',
  '- Environment: `ROLECALL__<KEY>`, two underscores between levels, items of lists by number, a list',
  '  of texts also whole, by commas.',
  `- \`\${NAME}\` in a text of the file is replaced by the environment variable, once; \`$\${\` is a literal.`,
  '- Durations are numbers with `ms`, `s`, `m` or `h`. An empty text is the same as no key, but for',
  '  `groups_claim`. Wildcards are errors where a text is compared as a whole.',
  '- Relative paths of files start at the working directory.',
  '- Secrets are never flags; each may be given as a file, `<key>_file`.',
  '- `serve` reads the file and those that it names again within ten seconds of a change, and at SIGHUP. What is',
  '  wrong in it is told in the log, and the former configuration stays in force. What only a start takes is told too.',
  '',
]

function tableOfSetting({ path }: Setting): string {
  return path.slice(0, -1).join('.')
}

function section(table: string): string[] {
  const keys = table === '' ? [] : table.split('.')
  const title = keys.filter((key) => key !== '*').join('.')
  const list = keys.includes('*')
  const heading = list ? `\`[[${title}]]\`` : `\`[${title}]\``
  const description = descriptionOf(keys)
  return [
    `## ${table === '' ? 'Top of the file' : heading}`,
    '',
    ...(description === '' ? [] : [description, '']),
    ...(table === DEFAULTS ? [] : rowsOf(table)),
  ]
}

function rowsOf(table: string): string[] {
  return [
    '| key | type | default | what | environment, flag |',
    '|---|---|---|---|---|',
    ...settings.filter((setting) => tableOfSetting(setting) === table).map(row),
    '',
  ]
}

function descriptionOf(keys: readonly string[]): string {
  if (keys.length === 0) return ''
  if (keys.at(-1) !== '*') return tableAt(keys)?.description ?? ''
  const above = keys.length > 2 ? tableAt(keys.slice(0, -2).map(item)) : rootNode
  return above?.properties?.[keys.at(-2) ?? '']?.description ?? ''
}

/** Any item of a list stands for all. */
function item(key: string): string | number {
  return key === '*' ? 0 : key
}

function row(setting: Setting): string {
  const { path, kind, node } = setting
  const key = path.at(-1) ?? ''
  const types = {
    text: 'text',
    list: 'list of texts',
    texts: 'table of texts',
    switch: 'true or false',
  }
  const type =
    kind === 'choice'
      ? (node.enum ?? []).map(code).join(', ')
      : { ...types, number: 'number', duration: 'duration' }[kind]
  const example = node.examples?.[0]
  const what = [
    node.description,
    node.writeOnly === true ? 'Secret.' : undefined,
    example === undefined ? undefined : `Example: ${code(toml(example))}.`,
  ]
  const flag = flagOf(setting)
  const names = [code(environmentName(setting)), ...(flag === undefined ? [] : [code(`--${flag}`)])]
  const initial = node.default === undefined ? '' : code(toml(node.default))
  return cells([code(key), type, initial, what.filter(Boolean).join(' '), names.join(' ')])
}

/** The name of the flag by which a setting can be given. */
function flagOf({ path }: Setting): string | undefined {
  return flags.find(({ setting }) => setting?.join('.') === path.join('.'))?.name
}

function boundsSection(): string[] {
  return [
    '## Bounds',
    '',
    'Everything that one caller can send, hold or have done, and what is met beyond it. A number in',
    '`code` is the default of its setting.',
    '',
    '| held by | what | bound | setting | beyond |',
    '|---|---|---|---|---|',
    ...bounds.map(({ holder, what, setting, fixed, beyond }) => {
      const [number, name] =
        setting === undefined ? [fixed ?? '', ''] : [code(defaultOf(setting)), code(setting)]
      return cells([`one ${holder}`, what, number, name.replace('resource.*.', ''), beyond])
    }),
    '',
  ]
}

function defaultOf(path: string): string {
  return String(settingAt(path.split('.'))?.node.default)
}

function dropInSection(): string[] {
  return [
    '## Drop-in keys',
    '',
    'The TOML of kubernetes-mcp-server works with one added line, `upstream` (and `server_url` off',
    'loopback). These keys stand at the top of the file, each for a setting; both together are an',
    'error. The resource is called `default`, its path is `/mcp`. Keys by which that server uses a',
    'token of its own are errors, its other keys are ignored with a warning each.',
    '',
    '| key | what |',
    '|---|---|',
    ...Object.entries(dropInNode.properties ?? {}).map(([key, node]) =>
      cells([code(key), node.description ?? '']),
    ),
  ]
}

function cells(texts: readonly string[]): string {
  return `| ${texts.map((text) => text.replaceAll('|', '\\|')).join(' | ')} |`
}

function code(text: string): string {
  return `\`${text}\``
}

function toml(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(toml).join(', ')}]`
  if (!isTable(value)) return JSON.stringify(value)
  const entries = Object.entries(value).map(([key, item]) => `${key} = ${toml(item)}`)
  return entries.length === 0 ? '{}' : `{ ${entries.join(', ')} }`
}
