import { providerAssignments, providerOfUrl } from '../provider/provider-url.ts'
import { nearestHint } from '../report/nearest.ts'
import type { Report } from '../report/report.ts'
import { type Setting, settings } from '../schema/settings.ts'
import { readIssuer } from '../urls/url.ts'
import { ValueError } from '../value-error.ts'
import type { Assignment, Path } from './draft.ts'
import { valueOfText } from './environment.ts'

/** One flag of `serve` and of every other command that reads the configuration. */
export interface Flag {
  /** Without the two hyphens. */
  readonly name: string
  readonly kind: Setting['kind']
  readonly description: string
  /** The path of the setting that it gives, with `*` for the first resource. */
  readonly setting?: readonly string[]
}

interface SettingFlag extends Flag {
  readonly path: Path
}

const aliases: Readonly<Record<string, string>> = { audiences: 'audience' }

/** The settings of the top and of the first resource; secrets never: others can read arguments. */
const settingFlags: readonly SettingFlag[] = settings.flatMap(({ path, kind, node }) => {
  const [top = '', second, key] = path
  const ofTop = path.length === 1
  const ofResource = top === 'resource' && second === '*' && path.length === 3
  if (node.writeOnly === true || kind === 'texts' || (!ofTop && !ofResource)) return []
  const last = key ?? top
  const name = aliases[last] ?? last.replaceAll('_', '-')
  const where: Path = ofTop ? [top] : ['resource', 0, last]
  return [{ name, kind, description: node.description ?? '', path: where, setting: path }]
})

/** Every flag by which a value is given. */
export const flags: readonly Flag[] = [
  { name: 'config', kind: 'text', description: 'The configuration file, TOML or YAML.' },
  {
    name: 'tenant',
    kind: 'text',
    description: 'Entra: the Directory (tenant) ID.',
    setting: ['identity_provider', 'tenant_id'],
  },
  {
    name: 'issuer',
    kind: 'text',
    description: 'The issuer to discover; one of Entra gives its tenant.',
  },
  ...settingFlags,
]

/**
 * Reads flags as the settings they stand for.
 *
 * @param given texts by the flag's name, without hyphens
 * @param resources how many resources the other sources name
 */
export function readFlags(
  given: Readonly<Record<string, string>>,
  resources: number,
  report: Report,
): readonly Assignment[] {
  if (given['tenant'] !== undefined && given['issuer'] !== undefined) {
    report.add({
      key: '--issuer',
      message: 'and --tenant name two identity providers',
      remedy: 'Give --tenant for Entra, or --issuer for any other provider.',
    })
  }
  return Object.entries(given).flatMap(([name, text]) => {
    if (name === 'config') return []
    if (name === 'tenant') return tenantAssignments(text)
    if (name === 'issuer') return issuerAssignments(text, report)
    const flag = settingFlags.find((known) => known.name === name)
    if (flag === undefined) {
      const remedy = nearestHint(
        name,
        flags.map((known) => known.name),
      )
      report.add({ key: `--${name}`, message: 'is not a flag', remedy })
      return []
    }
    if (flag.path[0] === 'resource' && resources > 1) {
      const remedy = 'Write the setting into its [[resource]].'
      report.add({ key: `--${name}`, message: 'does not say which resource it is for', remedy })
    }
    return [{ path: flag.path, value: valueOfText(flag.kind, text), label: `--${name}` }]
  })
}

/** Cloud and authority stay what the other sources say. */
function tenantAssignments(tenant: string): readonly Assignment[] {
  return providerAssignments({ kind: 'entra', tenant_id: tenant }, '--tenant').filter(
    ({ path }) => path[1] !== 'cloud' && path[1] !== 'authority',
  )
}

function issuerAssignments(text: string, report: Report): readonly Assignment[] {
  const issuer = readIssuer(text)
  if (!(issuer instanceof ValueError)) return providerAssignments(providerOfUrl(issuer), '--issuer')
  report.mark(['identity_provider', 'kind'])
  report.add({ key: '--issuer', message: issuer.message, remedy: issuer.remedy })
  return []
}
