import { holmes } from '../../environment/mock-entra/directory.ts'
import { fileWith, tenant } from '../../support/configuration.ts'
import type { BrokenSetUp, FaultGroup } from '../set-up.ts'
import { sealingKeys } from '../world.ts'

const client = '22222222-3333-4444-8555-666666666666'
const signsIn = {
  public_url: 'https://mcp.example.com',
  sealing_keys: sealingKeys,
  'identity_provider.client_id': client,
}

/** What the configuration alone shows. */
function row(
  fault: string,
  changes: Readonly<Record<string, unknown>>,
  check: RegExp,
  over: {
    readonly files?: Record<string, { readonly code: string }>
    readonly warns?: true
    readonly besides?: RegExp
  } = {},
): BrokenSetUp {
  return {
    fault,
    named: { check },
    exit: over.warns ? 0 : 2,
    ...(over.besides && { besides: over.besides }),
    async build() {
      const file = fileWith({ ...signsIn, ...changes })
      return { file, onlyChecked: true, ...(over.files && { files: over.files }) }
    },
  }
}

const secretFile = { 'identity_provider.client_secret_file': '/etc/rolecall/client-secret' }
const unreadable = (code: string) => ({ files: { '/etc/rolecall/client-secret': { code } } })
const drop = { identity_provider: undefined, resource: undefined }

/** Nothing has to be asked to know these. */
export const configurationFaults: FaultGroup = {
  title: 'What the configuration shows by itself',
  rows: [
    row(
      'The tenant is written as a domain',
      { 'identity_provider.tenant_id': 'contoso.onmicrosoft.com' },
      /tenant_id .*is a domain.*az account show/s,
    ),
    row(
      'The tenant is "common"',
      { 'identity_provider.tenant_id': 'common' },
      /tenant_id .*no single tenant.*Overview/s,
    ),
    row(
      'The address of the discovery document is given as issuer',
      {
        identity_provider: {
          issuer: 'https://kc.example.com/realms/k8s/.well-known/openid-configuration',
          client_id: 'rolecall',
        },
      },
      /issuer .*discovery document.*https:\/\/kc\.example\.com\/realms\/k8s/s,
    ),
    row(
      'The authorize endpoint is given as issuer',
      {
        identity_provider: {
          issuer: 'https://kc.example.com/realms/k8s/protocol/openid-connect/auth',
          client_id: 'rolecall',
        },
      },
      /issuer .*endpoint.*https:\/\/kc\.example\.com\/realms\/k8s/s,
    ),
    row(
      'Entra ID is configured as any OIDC provider',
      {
        identity_provider: {
          kind: 'oidc',
          issuer: `https://login.microsoftonline.com/${tenant}/v2.0`,
          client_id: client,
        },
      },
      /issuer .*v1 tokens of AKS are refused.*kind = "entra"/s,
      { warns: true, besides: /offline_access/ },
    ),
    row(
      'The issuer of v1 tokens lacks its slash',
      { 'resource.0.token_issuers': [`https://sts.windows.net/${tenant}`] },
      /token_issuers.*character by character.*sts\.windows\.net\/.*\/"/s,
      { warns: true },
    ),
    row(
      'Cloud and token issuer do not fit',
      {
        'identity_provider.cloud': 'china',
        'resource.0.token_issuers': [`https://sts.windows.net/${tenant}/`],
      },
      /token_issuers.*another cloud.*sts\.chinacloudapi\.cn/s,
      { warns: true },
    ),
    row(
      'The token issuer is of another tenant',
      { 'resource.0.token_issuers': [`https://sts.windows.net/${client}/`] },
      /token_issuers.*another tenant/s,
      { warns: true },
    ),
    row(
      'v2.0 tokens alone are taken, for an api:// audience',
      {
        'resource.0.audiences': ['api://rolecall'],
        'resource.0.token_issuers': [`https://login.microsoftonline.com/${tenant}/v2.0`],
      },
      /audiences.*always a GUID.*Application \(client\) ID/s,
      { warns: true },
    ),
    row('No audience is named', { 'resource.0.audiences': undefined }, /audiences .*is required/s),
    row(
      'The client id is given as audience of access tokens',
      { 'resource.0.audiences': [client] },
      /audiences .*audience of ID tokens.*Name the API/s,
      { warns: true },
    ),
    row(
      'allowed_clients leaves the own client out',
      { 'resource.0.allowed_clients': [holmes.client_id] },
      /allowed_clients .*no user can sign in/s,
      { warns: true },
    ),
    row(
      'request_scopes lack offline_access',
      {
        identity_provider: { issuer: 'https://kc.example.com/realms/k8s', client_id: 'rolecall' },
        'resource.0.request_scopes': ['openid'],
      },
      /request_scopes .*sign in again whenever a token expires/s,
      { warns: true },
    ),
    row(
      'The Secret ID is given in place of the secret',
      { 'identity_provider.client_secret': '0f8fad5b-d9cb-469f-a165-70867728950e' },
      /client_secret .*GUID.*Value/s,
      { warns: true },
    ),
    row(
      'The file of the secret cannot be read: its mode, or fsGroup of the pod',
      secretFile,
      /client_secret_file .*EACCES.*fsGroup/s,
      unreadable('EACCES'),
    ),
    row(
      'A folder is mounted where the secret should be',
      secretFile,
      /client_secret_file .*EISDIR.*subPath/s,
      unreadable('EISDIR'),
    ),
    row(
      'The file of the secret is not there',
      secretFile,
      /client_secret_file .*ENOENT.*Create the file/s,
      unreadable('ENOENT'),
    ),
    row('No sealing key', { sealing_keys: undefined }, /sealing_keys .*required.*keygen/s),
    row(
      'public_url is plain http to a public name',
      { public_url: 'http://mcp.example.com' },
      /public_url .*plain http.*https/s,
    ),
    row(
      'The upstream is plain http to a public name',
      { 'resource.0.upstream': 'http://kms.example.com/mcp' },
      /upstream .*plain http.*unsafe_plain_http_upstream/s,
    ),
    row(
      'Idle connections end before the ingress lets go of them',
      { keep_alive: '5s' },
      /keep_alive .*502.*75s/s,
      { warns: true },
    ),
    row(
      'Event streams are silent for longer than the ingress waits',
      { 'resource.0.stream_keep_alive': '5m' },
      /stream_keep_alive .*cuts it.*25s/s,
      { warns: true },
    ),
    row(
      'An access key with / stands in the URL of Redis',
      { store: { redis_url: 'rediss://:aB/c+d=@redis.example.com:6380' } },
      /redis_url .*not encoded.*redis_password/s,
    ),
    row('A misspelt setting', { 'identity_provider.tenantid': tenant }, /tenantid .*"tenant_id"/s),
    row(
      'A setting of kubernetes-mcp-server that belongs there',
      {
        ...drop,
        require_oauth: true,
        authorization_url: `https://login.microsoftonline.com/${tenant}/v2.0`,
        oauth_audience: client,
        upstream: 'http://kms:8080/mcp',
        skip_jwt_verification: true,
      },
      /skip_jwt_verification .*MCP server/s,
    ),
  ],
}
