import type { Settings } from '../schema/schema.ts'
import type { Path } from '../sources/draft.ts'
import { matchesTool } from '../tool-pattern.ts'
import type { RuleInput } from './rule.ts'

type Resource = Settings['resource'][number]
type ToolRule = Resource['allow'][number]

/** What the tool rules of a resource demand of the rest, and which of them can never count. */
export function judgeToolRules(input: RuleInput, resource: Resource, index: number): void {
  const at = (...keys: Path): Path => ['resource', index, ...keys]
  if (input.report.isWrong(at('allow'))) return
  judgeMode(input, resource, at)
  for (const [number, rule] of resource.allow.entries()) {
    const place = (key: keyof ToolRule): Path => at('allow', number, key)
    judgeGroups(input, rule, place('groups'))
    warnUnknownClients(input, { resource, rule, path: place('clients') })
    const before = resource.allow.slice(0, number).findIndex((earlier) => covers(earlier, rule))
    if (before === -1) continue
    input.report.warn(
      input.draft,
      at('allow', number),
      `has no effect: resource[${index}].allow[${before}] allows all that it allows`,
      'Remove it, or narrow the other one.',
    )
  }
}

function judgeMode(
  { draft, report }: RuleInput,
  resource: Resource,
  at: (...keys: Path) => Path,
): void {
  const { allow, rules, upstream_identity: identity } = resource
  if (rules === 'shadow' && allow.length === 0) {
    const message = 'has no effect: there are no rules in allow'
    report.warn(draft, at('rules'), message, 'Write [[resource.allow]], or remove it.')
  } else if (rules === 'shadow') {
    const message = 'is "shadow": the rules are logged, and no call is refused'
    report.warn(draft, at('rules'), message, 'Write "enforce" once the log shows what you expect.')
  }
  const byHint = allow.findIndex(({ hint }) => hint === 'read_only')
  if (byHint === -1 || identity !== 'own') return
  report.warn(
    draft,
    at('allow', byHint, 'hint'),
    'is all that keeps users from writing: the MCP server says itself which tools only read, and with upstream_identity = "own" RBAC does not tell users apart',
    'Name the tools in `tools` too, or let the upstream act as the caller.',
  )
}

function judgeGroups({ settings, draft, report }: RuleInput, rule: ToolRule, path: Path): void {
  const provider = settings.identity_provider
  if (rule.groups.length === 0 || provider.groups_claim !== '') return
  if (report.isWrong(['identity_provider', 'groups_claim'])) return
  report.wrong(
    draft,
    path,
    'needs groups_claim: without it no user is in any group',
    'Write groups_claim = "groups" in [identity_provider], or remove it there.',
  )
}

interface JudgedRule {
  readonly resource: Resource
  readonly rule: ToolRule
  readonly path: Path
}

/**
 * Warns of clients that no token can name. Where clients hold the provider's tokens, that is the client
 * a token was issued to; where rolecall hands out its own, the MCP client, and that one is rolecall.
 */
function warnUnknownClients(input: RuleInput, { resource, rule, path }: JudgedRule): void {
  const { settings, draft, report, mode } = input
  const { sign_in: signIn, identity_provider: provider } = settings
  const own = provider.client_id === undefined ? [] : [provider.client_id]
  const sealed = mode !== 'off' && (signIn.tokens ?? byMode[mode]) === 'sealed'
  const allowed = resource.allowed_clients.length > 0 && !sealed ? resource.allowed_clients : own
  if (!sealed && (allowed.length === 0 || allowed.includes('*'))) return
  const isKnown = (client: string): boolean =>
    allowed.includes(client) || (sealed && mode === 'broker' && isKnownToBroker(client, signIn))
  const unknown = rule.clients.filter((client) => !isKnown(client))
  if (unknown.length === 0) return
  report.warn(
    draft,
    path,
    `names ${unknown.map((client) => `"${client}"`).join(', ')}, which no token can be of here`,
    sealed && mode === 'broker'
      ? 'Write the client_id of a [[sign_in.client]], a host of sign_in.client_metadata_hosts, or the id that a client got at registration.'
      : 'Write one of allowed_clients: clients hold the tokens of the identity provider here, which name the client that they were issued to.',
  )
}

const byMode = { broker: 'sealed', relay: 'passthrough' } as const

function isKnownToBroker(client: string, signIn: Settings['sign_in']): boolean {
  const hosts = signIn.client_metadata_hosts
  if (signIn.client.some(({ client_id }) => client_id === client)) return true
  if (signIn.registration && client.startsWith('rc1.')) return true
  const host = URL.canParse(client) ? new URL(client).host : client.toLowerCase()
  return hosts.some((known) => known.toLowerCase() === host)
}

/** Whether one rule allows all that another one does. */
function covers(one: ToolRule, other: ToolRule): boolean {
  const allTools = other.tools.every((name) => one.tools.some((tool) => matchesTool(tool, name)))
  const hint = one.hint === undefined || one.hint === other.hint
  return (
    allTools && hint && holdsAll(one.groups, other.groups) && holdsAll(one.clients, other.clients)
  )
}

/** An empty list stands for everybody. */
function holdsAll(one: readonly string[], other: readonly string[]): boolean {
  if (one.length === 0) return true
  return other.length > 0 && other.every((item) => one.includes(item))
}
