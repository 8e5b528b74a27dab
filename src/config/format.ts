import { stringify } from 'smol-toml'
import type {
  Config,
  FleetConfig,
  IdentityProviderConfig,
  ProviderCredential,
  ResourceConfig,
  SignInConfig,
} from './config.ts'
import { formatListenAddress } from './schema/address.ts'
import { formatDuration, formatMoment } from './schema/duration.ts'
import { type Setting, settings } from './schema/settings.ts'
import { isTable } from './sources/draft.ts'
import { describeCertificates } from './sources/pem.ts'

const mask = '********'
const durations = keysOf(({ kind }) => kind === 'duration')
const secrets = keysOf(({ node }) => node.writeOnly === true)

/** Last keys: a name means the same in every table. */
function keysOf(has: (setting: Setting) => boolean): ReadonlySet<string | undefined> {
  return new Set(settings.filter(has).map(({ path }) => path.at(-1)))
}

/**
 * Writes the effective configuration as TOML, with the keys of a file. Secrets are masked, or told
 * by the file they came from; certificates are told by subject and fingerprint where their file is
 * not known, so that those lines cannot be read back.
 */
export function formatConfig(config: Config): string {
  const { tls, files: _files, resources, fleet, ...rest } = config
  return `${stringify({
    ...written(rest),
    listen: formatListenAddress(config.listen),
    admin_listen: formatListenAddress(config.admin_listen),
    ...(tls && certificateAndKey('tls', tls)),
    identity_provider: writtenProvider(config.identity_provider),
    sign_in: writtenSignIn(config.sign_in),
    resource: resources.map(writtenResource),
    ...(fleet && { fleet: writtenFleet(fleet) }),
  })}\n`
}

function writtenFleet({ resource: { path }, selectors, fan_out }: FleetConfig): object {
  return { path, resources: selectors, fan_out }
}

function writtenProvider(provider: IdentityProviderConfig): Record<string, unknown> {
  const { credential, certificate_authority: authority, ...rest } = provider
  return {
    groups_claim: '',
    ...written(rest),
    ...writtenCredential(credential),
    ...(authority && { certificate_authority: describeCertificates(authority) }),
  }
}

function writtenCredential(credential: ProviderCredential): Record<string, unknown> {
  switch (credential.kind) {
    case 'none':
      return {}
    case 'secret': {
      const { file, method } = credential
      return {
        ...(file === undefined ? { client_secret: mask } : { client_secret_file: file }),
        ...(method && { client_secret_method: method }),
      }
    }
    case 'certificate': {
      const { certificate_file, key_file } = credential
      return { client_certificate_file: certificate_file, client_key_file: key_file }
    }
    case 'federated_token':
      return { federated_token_file: credential.file }
  }
}

function writtenSignIn(signIn: SignInConfig): Record<string, unknown> {
  if (signIn.mode === 'off') return { mode: 'off' }
  const { sessions_valid_after: validAfter } = signIn
  const { clients, ...rest } = signIn.mode === 'broker' ? signIn : { ...signIn, clients: [] }
  return {
    ...written(rest),
    ...(validAfter !== undefined && { sessions_valid_after: formatMoment(validAfter) }),
    ...(clients.length > 0 && { client: clients.map(written) }),
  }
}

function writtenResource(resource: ResourceConfig): Record<string, unknown> {
  const {
    upstream_certificate_authority: authority,
    upstream_client_certificate: client,
    allowed_clients: clients,
    ...rest
  } = resource
  return {
    ...written({ ...rest, allowed_clients: clients === 'any' ? ['*'] : clients }),
    ...(authority && { upstream_certificate_authority: describeCertificates(authority) }),
    ...(client && certificateAndKey('upstream_client', client)),
  }
}

function certificateAndKey(name: string, pair: { readonly certificate: string }) {
  return { [`${name}_certificate`]: describeCertificates(pair.certificate), [`${name}_key`]: mask }
}

/** As in a file: durations with their unit, secrets masked, `${` as a literal, and no empty tables. */
function written(table: object): Record<string, unknown> {
  const entries = Object.entries(table).map(([key, value]) => [key, writtenValue(key, value)])
  return Object.fromEntries(entries.filter(([, value]) => !isTable(value) || !isEmpty(value)))
}

function writtenValue(key: string, value: unknown): unknown {
  if (secrets.has(key)) return Array.isArray(value) ? value.map(() => mask) : mask
  if (durations.has(key) && typeof value === 'number') return formatDuration(value)
  if (Array.isArray(value)) return value.map((item) => writtenValue('', item))
  if (typeof value === 'string') return value.replaceAll('${', () => '$${')
  return isTable(value) ? written(value) : value
}

function isEmpty(table: object): boolean {
  return Object.keys(table).length === 0
}
