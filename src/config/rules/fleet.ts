import type { FleetConfig, ProtectedResource, ResourceConfig } from '../config.ts'
import { likelyHint } from '../report/nearest.ts'
import type { Settings } from '../schema/schema.ts'
import type { RuleInput } from './rule.ts'

type Resource = Settings['resource'][number]

/** What the fleet's own resource is called: in metadata, logs and `/oauth/fleet`. */
const NAME = 'fleet'

/**
 * Each key of a resource, and whether the members of a fleet must agree on it. They must on what decides
 * who may come in, since one sign-in at the fleet counts at each of its clusters.
 */
const AMONG_MEMBERS = {
  name: 'may differ',
  path: 'may differ',
  description: 'may differ',
  labels: 'may differ',
  upstream: 'may differ',
  unsafe_plain_http_upstream: 'may differ',
  upstream_certificate_authority_file: 'may differ',
  upstream_client_certificate_file: 'may differ',
  upstream_client_key_file: 'may differ',
  unsafe_upstream_tls_unverified: 'may differ',
  upstream_token_header: 'may differ',
  upstream_identity: 'must agree', // "own" is refused of each
  unsafe_upstream_identity: 'may differ',
  connect_timeout: 'may differ',
  response_timeout: 'may differ',
  stream_keep_alive: 'may differ',
  probe_tool: 'may differ',
  audiences: 'must agree',
  unsafe_any_audience: 'must agree',
  request_scopes: 'must agree',
  required_scopes: 'must agree',
  required_groups: 'may differ', // who has which cluster
  allowed_clients: 'must agree',
  allow_app_tokens: 'must agree',
  token_issuers: 'must agree',
  token_kind: 'must agree',
  clusters_from: 'may differ',
  rules: 'may differ',
  allow: 'may differ', // who may do what there
} as const satisfies Readonly<Record<keyof Resource, 'must agree' | 'may differ'>>

type Ruled = typeof AMONG_MEMBERS
type Shared = {
  [Key in keyof Ruled]: Ruled[Key] extends 'must agree' ? Key : never
}[keyof Ruled]

const SHARED = Object.entries(AMONG_MEMBERS).flatMap(([key, rule]) =>
  rule === 'must agree' ? [key as Shared] : [],
)

/** HolmesGPT does, and the answers of the fleet name its clusters. */
const SIGNS_USERS_OUT = /401|unauthorized/

/** What the fleet demands of the resources that it is made of. */
export function judgeFleet(input: RuleInput): void {
  const { settings, draft, report } = input
  const { fleet } = settings
  warnOutsideFleet(input, membersOf(fleet?.resources ?? [], settings.resource))
  if (fleet === undefined) return
  const taken = settings.resource.find(({ name }) => name === NAME)
  if (taken) {
    report.wrong(
      draft,
      ['resource', settings.resource.indexOf(taken), 'name'],
      `is "${NAME}", which is the name of the [fleet] itself`,
      'Give the resource another name.',
    )
  }
  judgePath(input, fleet.path)
  judgeSelectors(input, fleet.resources)
  judgeMembers(input, membersOf(fleet.resources, settings.resource))
}

/** Only a fleet reads them. */
function warnOutsideFleet(
  { settings, draft, report }: RuleInput,
  members: readonly Resource[],
): void {
  for (const [index, resource] of settings.resource.entries()) {
    const at = (key: keyof Resource) => ['resource', index, key]
    const remedy = 'Remove it, or write [fleet], with this resource among its resources.'
    if (Object.keys(resource.labels).length > 0 && settings.fleet === undefined) {
      report.warn(draft, at('labels'), 'has no effect without a fleet', remedy)
    }
    if (resource.clusters_from === undefined || members.includes(resource)) continue
    report.warn(draft, at('clusters_from'), 'has no effect outside the fleet', remedy)
  }
}

function judgePath({ settings, draft, report }: RuleInput, path: string): void {
  const other = settings.resource.findIndex((resource) => resource.path === path)
  if (other === -1) return
  report.wrong(
    draft,
    ['fleet', 'path'],
    `is "${path}", as that of resource[${other}]`,
    'Give the fleet a path of its own, such as "/fleet/mcp".',
  )
}

function judgeSelectors(
  { settings, draft, report }: RuleInput,
  selectors: readonly string[],
): void {
  for (const [index, selector] of selectors.entries()) {
    if (membersOf([selector], settings.resource).length > 0) continue
    const isLabel = selector.includes('=')
    const known = settings.resource.flatMap(({ name, labels }) =>
      isLabel ? Object.entries(labels ?? {}).map(([key, value]) => `${key}=${value}`) : [name],
    )
    report.wrong(
      draft,
      ['fleet', 'resources', index],
      isLabel ? 'is a label that no resource has' : 'is the name of no resource',
      known.length === 0
        ? 'Write labels = { … } in a [[resource]], or take the selector out.'
        : (likelyHint(selector, known) ?? `Write one of: ${[...new Set(known)].join(', ')}.`),
    )
  }
  if (selectors.length > 0) return
  report.wrong(draft, ['fleet', 'resources'], 'is empty', 'Write ["*"] for all resources.')
}

function judgeMembers(input: RuleInput, members: readonly Resource[]): void {
  const { settings, draft, report } = input
  const [first] = members
  for (const member of members) {
    const at = (key: keyof Resource) => ['resource', settings.resource.indexOf(member), key]
    if (SIGNS_USERS_OUT.test(member.name)) {
      report.wrong(
        draft,
        at('name'),
        'has "401" or "unauthorized" in it: clients that read these words in an answer of the fleet sign their user out',
        'Give the resource another name, or take it out of fleet.resources.',
      )
    }
    if (member.upstream_identity === 'own') {
      report.wrong(
        draft,
        at('upstream_identity'),
        'is "own", and a fleet calls every cluster as the user',
        'Take this resource out of fleet.resources, or give its MCP server the token of the user.',
      )
    }
    if (first === undefined) continue
    for (const key of SHARED) {
      if (key === 'upstream_identity' || haveSame(first[key], member[key])) continue
      report.wrong(
        draft,
        at(key),
        `differs from that of resource "${first.name}", and both are in the fleet: one sign-in serves them all`,
        `Write the same ${key} in "${first.name}" and "${member.name}" (or once, in [resource_defaults]), or take one out of fleet.resources.`,
      )
    }
  }
}

/** Lists count without regard to order. */
function haveSame(one: unknown, other: unknown): boolean {
  const text = (value: unknown) =>
    JSON.stringify(Array.isArray(value) ? value.toSorted() : (value ?? null))
  return text(one) === text(other)
}

function membersOf<R extends Pick<Resource, 'name' | 'labels'>>(
  selectors: readonly string[],
  resources: readonly R[],
): readonly R[] {
  const isChosen = ({ name, labels }: R) =>
    selectors.some((selector) => {
      const [label = '', ...value] = selector.split('=')
      if (value.length === 0) return selector === '*' || selector === name
      return Object.hasOwn(labels, label) && labels[label] === value.join('=')
    })
  return resources.filter(isChosen)
}

/** The fleet of a configuration without problems. */
export function fleetConfig(
  fleet: Settings['fleet'],
  resources: readonly ResourceConfig[],
): FleetConfig | undefined {
  if (fleet === undefined) return undefined
  const members = membersOf(fleet.resources, resources)
  const [first] = members
  if (first === undefined) return undefined
  return {
    resource: protectedAs(first, fleet.path, members),
    selectors: fleet.resources,
    members: members.map(({ name }) => name),
    fan_out: fleet.fan_out,
  }
}

/** Groups are each cluster's own to demand: they decide who has it, not who may come in. */
function protectedAs(
  first: ResourceConfig,
  path: string,
  members: readonly ResourceConfig[],
): ProtectedResource {
  const shared = Object.fromEntries(
    SHARED.flatMap((key) => (Object.hasOwn(first, key) ? [[key, first[key]]] : [])),
  ) as Pick<ResourceConfig, Shared>
  return {
    ...shared,
    name: NAME,
    path,
    description: `Clusters: ${members.map(({ name }) => name).join(', ')}`,
    required_groups: [],
    // Names every group that a cluster asks for, so that those are resolved at sign-in; allows nothing.
    allow: members.flatMap(({ allow, required_groups: groups }) => [
      ...allow,
      { tools: [], groups, clients: [] },
    ]),
  }
}
