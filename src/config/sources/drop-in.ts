import { providerAssignments, providerOfUrl } from '../provider/provider-url.ts'
import type { Report } from '../report/report.ts'
import {
  type DropIn,
  dropInSchema,
  ignoredKeys,
  isUpstreamCredentialKey,
} from '../schema/drop-in.ts'
import { dropInNode } from '../schema/settings.ts'
import { parseWithoutWrong } from '../validate.ts'
import {
  type Assignment,
  type DraftTable,
  type Path,
  pathText,
  SettingsDraft,
  tableOf,
  valueAt,
} from './draft.ts'

type DropInKey = keyof DropIn

/** The settings that each key stands for. */
const standsFor: Readonly<Partial<Record<DropInKey, readonly Path[]>>> = {
  upstream: [['resource', 0, 'upstream']],
  authorization_url: ['kind', 'tenant_id', 'cloud', 'authority', 'issuer'].map((key) => [
    'identity_provider',
    key,
  ]),
  oauth_audience: [['resource', 0, 'audiences']],
  oauth_scopes: [['resource', 0, 'request_scopes']],
  issuer_url: [['resource', 0, 'token_issuers']],
  server_url: [['public_url']],
  certificate_authority: [['identity_provider', 'certificate_authority_file']],
  disable_dynamic_client_registration: [['sign_in', 'registration']],
  port: [['listen']],
}

const remedyAtServer =
  'Remove it here. In the configuration of the MCP server leave it out too, and set require_oauth = true and skip_jwt_verification = true without authorization_url: it then passes on the token that rolecall sends.'

/** Settings whose absence is reported under that server's name for them. */
const alwaysNamed: readonly string[] = [
  'upstream',
  'oauth_audience',
  'authorization_url',
  'server_url',
]

/** What comes of a file with drop-in keys. */
export interface Translated {
  /** The file without them. */
  readonly table: DraftTable
  readonly assignments: readonly Assignment[]
  /** What problems with a setting that has no value are to call it. */
  readonly names: readonly { readonly path: Path; readonly label: string }[]
}

/** Whether the top of a file has a key of kubernetes-mcp-server that means something here. */
function hasDropInKeys(table: DraftTable): boolean {
  return Object.keys(table).some((key) => isDropInKey(key) || isUpstreamCredentialKey(key))
}

/** Reads the keys of kubernetes-mcp-server at the top of a file as the settings they stand for. */
export function translateDropIn(table: DraftTable, report: Report): Translated {
  if (!hasDropInKeys(table)) return { table, assignments: [], names: [] }
  const ours = Object.entries(table).filter(([key, value]) => !isTheirs(key, value, report))
  const rest = tableOf(ours.filter(([key]) => !isDropInKey(key)))
  const found = new SettingsDraft(tableOf(ours.filter(([key]) => isDropInKey(key))))
  const written = Object.keys(found.root)
  const dropIn = parseWithoutWrong(
    dropInSchema,
    found,
    report,
    ([key]) => dropInNode.properties?.[String(key)],
  )
  refuseUnsafe(dropIn, report)
  for (const key of written) {
    refuseTwice(key as DropInKey, rest, report)
    if (Object.hasOwn(found.root, key)) continue
    for (const path of standsFor[key as DropInKey] ?? []) report.mark(path)
  }
  const names = Object.entries(standsFor).flatMap(([key, paths]) =>
    paths
      .filter(() => alwaysNamed.includes(key) || written.includes(key))
      .filter((path) => valueAt(rest, path) === undefined)
      .map((path) => ({ path, label: key })),
  )
  return { table: rest, assignments: assignmentsOf(dropIn), names }
}

function isDropInKey(key: string): key is DropInKey {
  return Object.hasOwn(dropInSchema.shape, key)
}

/** Tells of keys that only the MCP server knows: those that would harm are problems. */
function isTheirs(key: string, value: unknown, report: Report): boolean {
  if (isUpstreamCredentialKey(key)) {
    report.add({
      key,
      message:
        "belongs to the MCP server, not to rolecall: it makes that server use another token than the user's",
      remedy: remedyAtServer,
    })
    return true
  }
  const ignored = ignoredKeys.has(key) && !(key === 'log_level' && typeof value === 'string')
  if (!ignored) return false
  report.warnings.push({
    key,
    message: 'belongs to kubernetes-mcp-server and is ignored',
    remedy: 'Keep it in the configuration of that server; remove it here.',
  })
  return true
}

function refuseUnsafe(dropIn: DropIn, report: Report): void {
  if (dropIn.require_oauth === false) {
    report.add({
      key: 'require_oauth',
      message: 'is false, but rolecall accepts no request without a token',
      remedy: 'Write require_oauth = true, or remove it.',
    })
  }
  if (dropIn.skip_jwt_verification === true) {
    report.add({
      key: 'skip_jwt_verification',
      message: 'belongs to the MCP server: rolecall verifies every token',
      remedy: remedyAtServer,
    })
  }
}

function refuseTwice(key: DropInKey, rest: DraftTable, report: Report): void {
  const resources = valueAt(rest, ['resource'])
  const ofResource = standsFor[key]?.some(([table]) => table === 'resource') ?? false
  if (ofResource && Array.isArray(resources) && resources.length > 1) {
    report.add({
      key,
      message: 'does not say which resource it is for',
      remedy: 'Write the setting into each [[resource]].',
    })
  }
  for (const path of standsFor[key] ?? []) {
    if (valueAt(rest, path) === undefined) continue
    report.add({
      key,
      message: `stands for ${pathText(path)}, which is there too`,
      remedy: 'Remove one of the two.',
    })
  }
}

function assignmentsOf(dropIn: DropIn): Assignment[] {
  const { authorization_url: url, oauth_audience: audience, issuer_url: issuer, port } = dropIn
  const unregistered = dropIn.disable_dynamic_client_registration
  const values: Partial<Record<DropInKey, unknown>> = {
    upstream: dropIn.upstream,
    oauth_audience: audience === undefined ? undefined : [audience],
    oauth_scopes: dropIn.oauth_scopes,
    issuer_url: issuer === undefined ? undefined : [issuer],
    server_url: dropIn.server_url,
    certificate_authority: dropIn.certificate_authority,
    disable_dynamic_client_registration: unregistered === undefined ? undefined : !unregistered,
    port: port === undefined ? undefined : `127.0.0.1:${port}`,
  }
  const plain = Object.entries(values).flatMap(([label, value]) => {
    const path = standsFor[label as DropInKey]?.[0]
    return path === undefined || value === undefined ? [] : [{ path, value, label }]
  })
  const provider =
    url === undefined ? [] : providerAssignments(providerOfUrl(url), 'authorization_url')
  return [...plain, ...provider.filter(({ value }) => value !== undefined)]
}
