import { resolve } from 'node:path'
import { demand, type RuleInput } from '../rules/rule.ts'
import { isGuid } from '../schema/identifiers.ts'
import type { ValueFiles } from '../sources/value-files.ts'
import { cloudOfHost } from './provider-url.ts'

const onlyEntra = ['tenant_id', 'cloud', 'authority', 'resolve_groups'] as const
const onlyOidc = ['issuer', 'discovery_url'] as const
const remedies = {
  entra:
    'Write the Directory (tenant) ID, a GUID: Azure portal > Microsoft Entra ID > Overview, or `az account show --query tenantId`.',
  oidc: 'Write the issuer, exactly as its discovery document does.',
} as const
const HOUR_MS = 3_600_000

/** The kind that applies: as written, else as the settings tell it. */
export function kindOfProvider({
  settings,
}: Pick<RuleInput, 'settings'>): 'entra' | 'oidc' | undefined {
  const { kind, tenant_id: tenant, issuer } = settings.identity_provider
  if (kind !== undefined) return kind
  if (tenant !== undefined) return issuer === undefined ? 'entra' : undefined
  return issuer === undefined ? undefined : 'oidc'
}

/** What the settings of the identity provider demand of each other. */
export function judgeIdentityProvider(input: RuleInput, files: ValueFiles): void {
  judgeKind(input)
  judgeCredentials(input, files)
  const { settings, draft, report } = input
  const { issuer, stale_for: staleFor } = settings.identity_provider
  if (issuer !== undefined && cloudOfHost(new URL(issuer).hostname) !== undefined) {
    report.warn(
      draft,
      ['identity_provider', 'issuer'],
      'is Entra ID as a plain OIDC provider, so that the v1 tokens of AKS are refused',
      'Write kind = "entra" with tenant_id.',
    )
  }
  if (issuer !== undefined) warnOfServiceUsers(input, issuer)
  if (staleFor < HOUR_MS) {
    report.warn(
      draft,
      ['identity_provider', 'stale_for'],
      'is shorter than the hour between two fetches of the keys',
      'Write "1h" or more, or every request may meet 503 between two fetches.',
    )
  }
}

/**
 * Providers whose service accounts are users like any other: no claim tells their tokens from a
 * user's. Those alone are told that can be known by their issuer.
 */
function warnOfServiceUsers({ settings, draft, report }: RuleInput, issuer: string): void {
  const { hostname } = new URL(issuer)
  if (hostname !== 'zitadel.cloud' && !hostname.endsWith('.zitadel.cloud')) return
  if (settings.resource.every((one) => one.allow_app_tokens)) return
  report.warn(
    draft,
    ['identity_provider', 'issuer'],
    'is Zitadel, where no claim tells the token of a service user from that of a user: allow_app_tokens = false does not keep them out',
    'Let resources ask for what only users have, with required_groups or required_scopes, and let no service user get tokens for their audiences.',
  )
}

function judgeKind(input: RuleInput): void {
  const { settings, draft, report } = input
  const provider = settings.identity_provider
  const kind = kindOfProvider(input)
  if (kind === undefined) {
    refuseUndecided(input)
    return
  }
  const needed = kind === 'entra' ? 'tenant_id' : 'issuer'
  demand(input, ['identity_provider', needed], provider[needed], remedies[kind])
  const foreign = kind === 'entra' ? onlyOidc : onlyEntra
  for (const key of foreign) {
    if (provider[key] === undefined) continue
    report.wrong(
      draft,
      ['identity_provider', key],
      `has no meaning with kind = "${kind}"`,
      'Remove it, or write the other kind.',
    )
  }
}

function refuseUndecided({ settings, draft, report }: RuleInput): void {
  const both = settings.identity_provider.tenant_id !== undefined
  const paths = ['kind', 'tenant_id', 'issuer'].map((key) => ['identity_provider', key])
  if (paths.some((path) => report.isWrong(path))) return
  report.wrong(
    draft,
    ['identity_provider', 'kind'],
    both ? 'is not set, and both tenant_id and issuer are' : 'is required',
    'Write kind = "entra" with tenant_id, or kind = "oidc" with issuer (flags: --tenant ID or --issuer URL).',
  )
}

function judgeCredentials(input: RuleInput, files: ValueFiles): void {
  const { settings, draft, report, mode } = input
  const provider = settings.identity_provider
  const given = (
    ['client_secret', 'client_certificate_file', 'federated_token_file'] as const
  ).filter((key) => provider[key] !== undefined)
  const [first, second] = given
  warnMethodAlone(input)
  if (first === undefined) return
  const path = ['identity_provider', second ?? first]
  if (second !== undefined) {
    const name = draft.keyOf(['identity_provider', first])
    report.wrong(draft, path, `is there beside ${name}`, 'Keep one credential.')
  }
  const clientPath = ['identity_provider', 'client_id']
  if (mode === 'off' && provider.client_id === undefined && !report.isWrong(clientPath)) {
    report.wrong(draft, path, 'is there without client_id', 'Write client_id too.')
  }
  if (mode !== 'off') warnTokenFileAway(input, files)
  warnSecretId(input)
}

/** Beside the value of a secret Entra's portal shows its id, which is no secret. */
function warnSecretId({ settings, draft, report }: RuleInput): void {
  const { client_secret: secret, client_secret_file: file } = settings.identity_provider
  if (kindOfProvider({ settings }) !== 'entra' || secret === undefined || !isGuid(secret)) return
  const key = file === undefined ? 'client_secret' : 'client_secret_file'
  report.warn(
    draft,
    ['identity_provider', key],
    'holds a GUID, as the Secret ID is one and no secret value of Entra ID',
    "Write the secret's Value: Certificates & secrets of the app registration shows it once, when it is made; make a new one if it is lost.",
  )
}

function warnMethodAlone({ settings, draft, report, mode }: RuleInput): void {
  const provider = settings.identity_provider
  const secret = ['client_secret', 'client_secret_file'].map((key) => ['identity_provider', key])
  if (mode === 'off' || provider.client_secret_method === undefined) return
  if (provider.client_secret !== undefined || secret.some((path) => report.isWrong(path))) return
  report.warn(
    draft,
    ['identity_provider', 'client_secret_method'],
    'has no effect without client_secret',
    'Remove it, or write client_secret or client_secret_file.',
  )
}

/** The file is read at each use, and the webhook of workload identity may mount it later. */
function warnTokenFileAway({ settings, draft, report }: RuleInput, files: ValueFiles): void {
  const { federated_token_file: file } = settings.identity_provider
  const code = file === undefined ? undefined : files.unreadable(file)
  if (file === undefined || code === undefined) return
  report.warn(
    draft,
    ['identity_provider', 'federated_token_file'],
    `names ${resolve(file)}, which cannot be read now (${code}); it is read again at every use`,
    'Correct the path, or let it be mounted: with AKS workload identity the pod has the label azure.workload.identity/use = "true".',
  )
}
