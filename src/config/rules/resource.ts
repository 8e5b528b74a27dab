import { kindOfProvider } from '../provider/identity-provider.ts'
import { aksAudience } from '../schema/identifiers.ts'
import type { Settings } from '../schema/schema.ts'
import type { Path } from '../sources/draft.ts'
import { isTrustedTransport } from '../urls/url.ts'
import { demand, type RuleInput, warnSwitch } from './rule.ts'
import { judgeToolRules } from './tool-rules.ts'

type Resource = Settings['resource'][number]
type Rule = (input: RuleInput, resource: Resource, at: (key: keyof Resource) => Path) => void

/** What the settings of the resources demand of each other and of the rest. */
export function judgeResources(input: RuleInput): void {
  const { settings, draft, report } = input
  if (settings.resource.length === 0 && !report.isWrong(['resource'])) {
    report.wrong(
      draft,
      ['resource', 0, 'upstream'],
      'is required',
      'Write a [[resource]] with upstream, the URL of the MCP server (flag: --upstream URL).',
    )
  }
  for (const [index, resource] of settings.resource.entries()) {
    for (const rule of rules) rule(input, resource, (key) => ['resource', index, key])
    judgeToolRules(input, resource, index)
  }
  refuseTwice(input, 'name')
  refuseTwice(input, 'path')
}

function refuseTwice({ settings, draft, report }: RuleInput, key: 'name' | 'path'): void {
  const seen = new Map<string, number>()
  for (const [index, resource] of settings.resource.entries()) {
    const path = ['resource', index, key]
    const first = seen.get(resource[key])
    if (first === undefined) seen.set(resource[key], index)
    else if (!report.isWrong(path)) {
      const message = `is "${resource[key]}", as that of resource[${first}]`
      report.wrong(draft, path, message, `Give every resource its own ${key}.`)
    }
  }
}

const upstream: Rule = (input, resource, at) => {
  const { draft, report } = input
  const path = at('upstream')
  demand(
    input,
    path,
    resource.upstream,
    'Write the URL of the MCP server, such as "http://kubernetes-mcp-server:8080/mcp".',
  )
  warnSwitch(
    input,
    at('unsafe_plain_http_upstream'),
    resource.unsafe_plain_http_upstream,
    'tokens may travel over plain http',
  )
  const unverified = resource.unsafe_upstream_tls_unverified
  warnSwitch(
    input,
    at('unsafe_upstream_tls_unverified'),
    unverified,
    'whoever sits on the network path can pose as the upstream',
  )
  if (resource.upstream === undefined || resource.unsafe_plain_http_upstream) return
  if (isTrustedTransport(resource.upstream)) return
  report.wrong(
    draft,
    path,
    'is plain http to a name that is neither loopback nor cluster-internal',
    'Write https, or set unsafe_plain_http_upstream = true to send tokens over plain http.',
  )
}

const identity: Rule = (input, resource, at) => {
  const { draft, report } = input
  const own = resource.upstream_identity === 'own'
  const allowed = resource.unsafe_upstream_identity
  const path = at('upstream_identity')
  if (own && !allowed && !report.isWrong(at('unsafe_upstream_identity'))) {
    const remedy =
      'Set unsafe_upstream_identity = true too, if every user may have the rights of the upstream.'
    report.wrong(draft, path, 'is "own" without unsafe_upstream_identity', remedy)
  }
  if (!own && allowed && !report.isWrong(path)) {
    const remedy = 'Remove it, or write upstream_identity = "own".'
    report.wrong(
      draft,
      at('unsafe_upstream_identity'),
      'is on without upstream_identity = "own"',
      remedy,
    )
  }
  if (own && resource.upstream_token_header !== 'authorization') {
    const message = 'has no effect with upstream_identity = "own": no token goes upstream'
    report.warn(draft, at('upstream_token_header'), message, 'Remove it.')
  }
  warnSwitch(
    input,
    at('unsafe_upstream_identity'),
    own && allowed,
    'the upstream acts with its own rights for every user',
  )
}

const audiences: Rule = (input, resource, at) => {
  const { settings, draft, report } = input
  const path = at('audiences')
  const any = resource.unsafe_any_audience
  const none = resource.audiences.length === 0
  const judged = !report.isWrong(path) && !report.isWrong(at('unsafe_any_audience'))
  if (none && !any && judged) {
    report.wrong(
      draft,
      path,
      'is required: which audience must a token name?',
      `Write audiences, for AKS clusters ["${aksAudience}"] (flag: --audience ID; drop-in: oauth_audience).`,
    )
  }
  if (!none && any) {
    const remedy = 'Remove the switch, or leave audiences empty.'
    report.wrong(draft, at('unsafe_any_audience'), 'is on, and audiences are named', remedy)
  }
  warnSwitch(
    input,
    at('unsafe_any_audience'),
    none && any,
    'tokens issued for any other audience are accepted',
  )
  const client = settings.identity_provider.client_id
  if (resource.token_kind !== 'access_token' || client === undefined) return
  if (!resource.audiences.includes(client)) return
  report.warn(
    draft,
    path,
    'names the client_id, which is the audience of ID tokens, not of access tokens',
    'Name the API that the token is for. If the cluster is fed ID tokens (Dex, Google), write token_kind = "id_token".',
  )
}

const accepted: Rule = (input, resource, at) => {
  const { settings, draft, report } = input
  const provider = settings.identity_provider
  const groupless =
    provider.groups_claim === '' && !report.isWrong(['identity_provider', 'groups_claim'])
  if (resource.required_groups.length > 0 && groupless) {
    const remedy = 'Write groups_claim = "groups" in [identity_provider], or remove it there.'
    report.wrong(
      draft,
      at('required_groups'),
      'needs groups_claim: without it no user is in any group',
      remedy,
    )
  }
  if (resource.token_kind === 'id_token' && kindOfProvider(input) === 'entra') {
    const remedy = 'Remove it: AKS takes access tokens.'
    report.wrong(draft, at('token_kind'), 'is for kind = "oidc" only', remedy)
  }
  if (resource.allowed_clients.includes('*') && resource.allowed_clients.length > 1) {
    const remedy = 'Keep the client ids, or write ["*"] alone for any client.'
    report.wrong(draft, at('allowed_clients'), 'has "*" beside client ids', remedy)
  }
  const byDefault = resource.allowed_clients.length === 0 && provider.client_id === undefined
  if (!byDefault || report.isWrong(at('allowed_clients'))) return
  report.warn(
    draft,
    at('allowed_clients'),
    'is not set: tokens of any client are accepted',
    'Name the client ids: allowed_clients = ["…"], as `appid`, `azp` or `cid` of a token says (rolecall explain shows it). If any client will do, write ["*"].',
  )
}

const rules: readonly Rule[] = [upstream, identity, audiences, accepted]
