import type { Config, FleetConfig } from '../../config/config.ts'
import type { TransportFailure } from '../../fleet/calls/member-fetch.ts'
import { mergeTools } from '../../fleet/tools/catalogue.ts'
import { hasOwnCluster } from '../../fleet/tools/cluster-argument.ts'
import { consequenceOf, type DoctorCheck, type Finding } from '../doctor/report.ts'
import type { Examined } from '../doctor/resource.ts'
import { toolRulesCheck } from '../given-token/tool-rules-checks.ts'

/** What one cluster of the fleet says to the user of a token. */
export type ClusterAnswer = { readonly cluster: string } & (
  | {
      readonly kind: 'listed'
      readonly user: string
      /** As the MCP server says of itself. */
      readonly serverVersion?: string | undefined
      readonly tools: Parameters<typeof hasOwnCluster>[0]
    }
  | { readonly kind: 'failed'; readonly outcome: TransportFailure | 'timeout' }
  | { readonly kind: 'rpc_error'; readonly message: string }
  | { readonly kind: 'not_permitted' }
  | { readonly kind: 'not_signed_in' }
)

/**
 * The fleet: its clusters and what they have in common, and with a token what its user is offered
 * there. A cluster that is away is told where its connection is; here, what that means for the fleet.
 *
 * @param upstreams what is known of each resource's upstream
 */
export async function fleetChecks(
  token: string | undefined,
  examined: Examined,
  upstreams: readonly DoctorCheck[],
): Promise<readonly DoctorCheck[]> {
  const { fleet } = examined.config
  if (fleet === undefined) return []
  const away = upstreams.flatMap(({ name, verdict, resource }) =>
    name === 'upstream connection' && verdict === 'failed' && resource !== undefined
      ? [resource]
      : [],
  )
  const members = { name: 'fleet', ...membersFinding(fleet, away) } as const
  if (token === undefined) return [members]
  // The MCP SDK is loaded only where a fleet is asked.
  const { askClusters } = await import('./ask-clusters.ts')
  const answers = await askClusters(token, examined)
  return [members, ...fleetToolChecks(answers, { config: examined.config, away })]
}

/** @param away members whose connection failed */
export function membersFinding(
  { members, resource }: FleetConfig,
  away: readonly string[],
): Finding {
  const { audiences, allowed_clients: clients } = resource
  const taken = [
    `audience ${audiences.join(', ') || 'any'}`,
    clients === 'any' ? 'any client' : `clients ${clients.join(', ')}`,
  ]
  const sentence = `One sign-in serves ${inWords(members)}: ${taken.join(', ')}.`
  const lost = members.filter((member) => away.includes(member))
  if (lost.length === 0) return { verdict: 'ok', sentence }
  return {
    verdict: 'warning',
    sentence: `${sentence} Away: ${lost.join(', ')}. Calls there end in a tool error that says so, and ${lost.length === members.length ? 'no other is left' : 'the others are served'}.`,
    remedy: 'See upstream connection.',
  }
}

/** What the clusters' lists of tools come to. */
export function fleetToolChecks(
  answers: readonly ClusterAnswer[],
  { config, away }: { readonly config: Config; readonly away: readonly string[] },
): readonly DoctorCheck[] {
  const each = answers.map(
    (answer): DoctorCheck => ({
      name: 'fleet tools',
      resource: answer.cluster,
      ...(away.includes(answer.cluster) && answer.kind === 'failed'
        ? consequenceOf('upstream connection')
        : answerFinding(answer)),
    }),
  )
  const listed = answers.filter((answer) => answer.kind === 'listed')
  if (listed.length === 0) return each
  const rules = listed.flatMap(({ cluster, tools }) => {
    const resource = config.resources.find(({ name }) => name === cluster)
    return resource === undefined ? [] : toolRulesCheck(resource, tools, config)
  })
  const about = { name: 'fleet tools', resource: 'fleet' } as const
  const findings = [...differing(listed), ...ownCluster(listed), ...withoutContexts(listed, config)]
  const ok: Finding = {
    verdict: 'ok',
    sentence: `${mergeTools(listed).length} tools, alike on each cluster that has them${notEverywhere(listed)}.`,
  }
  return [
    ...each,
    ...rules,
    ...(findings.length === 0 ? [ok] : findings).map((one) => ({ ...about, ...one })),
  ]
}

type Listed = Extract<ClusterAnswer, { kind: 'listed' }>

const OUTCOMES: Readonly<Record<TransportFailure | 'timeout', string>> = {
  unreachable: 'the MCP server gives no answer that can be read',
  sign_in_needed: 'the MCP server refuses the token itself',
  forbidden: 'the MCP server refuses the request (403)',
  too_large: 'it is larger than 4 MiB',
  timeout: 'it did not come within 10 s',
}

function answerFinding(answer: ClusterAnswer): Finding {
  switch (answer.kind) {
    case 'listed': {
      const { serverVersion: version = 'of no version that it tells', tools, user } = answer
      return { verdict: 'ok', sentence: `Server ${version}, ${tools.length} tools for ${user}.` }
    }
    case 'failed':
      return {
        verdict: 'failed',
        sentence: `There is no list of its tools: ${OUTCOMES[answer.outcome]}.`,
        remedy:
          'Look at the log of the MCP server; the request has this User-Agent: rolecall, req=doctor-fleet.',
      }
    case 'rpc_error':
      return {
        verdict: 'failed',
        sentence: 'There is no list of its tools: the MCP server answers with an error.',
        remedy: 'Look at the log of the MCP server.',
      }
    case 'not_permitted':
      return {
        verdict: 'warning',
        sentence: 'It does not let the user of this token in, who is not shown this cluster.',
        remedy: 'If they are to have it, put them into one of its required_groups.',
      }
    case 'not_signed_in':
      return {
        verdict: 'warning',
        sentence:
          'It does not take this token, although the fleet does: calls there say that a sign-in is needed.',
        remedy: 'See token.',
      }
  }
}

function differing(listed: readonly Listed[]): readonly Finding[] {
  const differ = mergeTools(listed).filter(({ differsOn }) => differsOn.length > 0)
  const places = [...new Set(differ.map(({ differsOn }) => differsOn.join(', ')))]
  return places.map((place) => {
    const tools = differ.filter(({ differsOn }) => differsOn.join(', ') === place)
    const names = tools.map(({ name }) => name).join(', ')
    return {
      verdict: 'warning',
      sentence: `On ${place} the schema is another than the one shown, so that these are not offered there: ${names}.`,
      remedy: 'Run the same version of the MCP server, with the same settings, on every cluster.',
    }
  })
}

function ownCluster(listed: readonly Listed[]): readonly Finding[] {
  const tools = new Set(
    listed.flatMap((one) =>
      one.tools.filter((tool) => hasOwnCluster([tool])).map(({ name }) => name),
    ),
  )
  if (tools.size === 0) return []
  return [
    {
      verdict: 'warning',
      sentence: `An argument "cluster" of their own have ${[...tools].toSorted().join(', ')}: every tool of the fleet takes its cluster in "rolecall_cluster".`,
      remedy:
        'Nothing, if they mean something else by it. If the MCP server chooses a cluster by it, set clusters_from = "cluster" for that resource.',
    },
  ]
}

function withoutContexts(listed: readonly Listed[], { resources }: Config): readonly Finding[] {
  return listed.flatMap(({ cluster, tools }) => {
    const argument = resources.find(({ name }) => name === cluster)?.clusters_from
    const takes = ({ inputSchema }: (typeof tools)[number]) =>
      argument !== undefined && Object.hasOwn(inputSchema.properties ?? {}, argument)
    if (argument === undefined || tools.some(takes)) return []
    return [
      {
        verdict: 'failed',
        sentence: `No tool of ${cluster} takes the argument "${argument}" of clusters_from, so that its calls may reach another cluster.`,
        remedy: `Take clusters_from out of resource "${cluster}", or let its MCP server serve several clusters.`,
      },
    ]
  })
}

function notEverywhere(listed: readonly Listed[]): string {
  const some = mergeTools(listed).filter(({ clusters }) => clusters.length < listed.length)
  return some.length === 0 ? '' : `; not on all: ${some.map(({ name }) => name).join(', ')}`
}

function inWords(names: readonly string[]): string {
  const [one = ''] = names
  return names.length === 1
    ? `one cluster, ${one}`
    : `${names.length} clusters, ${names.join(', ')}`
}
