import { kubernetesMcpServerVersion } from '../../test/environment/kubernetes-mcp-server.ts'
import type { Demo } from './demo.ts'
import type { Paint } from './paint.ts'
import { rightsOf } from './teams.ts'
import { alignColumns } from './who-sees-what.ts'

/**
 * What people read when the demo has started: its people, what to look into, its parts, and last the
 * three lines that matter.
 */
export function announcement(demo: Demo, paint: Paint): string {
  const section = (title: string, lines: readonly string[]): string[] => {
    return [paint('bold', title), ...lines, '']
  }
  return [
    '',
    ...section('Who there is', [alignColumns(people(demo))]),
    ...section('What runs, on this machine only', [alignColumns(parts(demo))]),
    ...section('What to look into', looks(demo)),
    ...section('What to try without signing in', tries(demo)),
    alignColumns(whatMatters(demo))
      .split('\n')
      .map((line) => emphasized(line, paint))
      .join('\n'),
    '',
  ].join('\n')
}

/** Each with its first word in colour. */
function emphasized(line: string, paint: Paint): string {
  const [verb = ''] = line.split(' ', 1)
  return `${paint('cyan', paint('bold', verb))}${line.slice(verb.length)}`
}

function whatMatters({ ui, broker, fleet }: Demo): string[][] {
  const [name, url] =
    fleet === undefined ? ['rolecall-demo', broker.url] : ['rolecall-fleet', fleet.url]
  return [
    ['Open', `${ui.origin} and press "Connect Kubernetes"`],
    ['Add', `${url} to your MCP client: claude mcp add --transport http ${name} ${url}`],
    ['Ctrl-C', 'stops everything'],
  ]
}

function parts(demo: Demo): string[][] {
  const { identityProvider, cluster, mcpServer, broker, relay, ui, fleet } = demo
  const server = `${kubernetesMcpServerVersion()}, passes tokens through, has no credentials`
  return [
    ["  page like Robusta's", ui.origin, 'signs people in as the Robusta UI and HolmesGPT do'],
    ['  rolecall, relay', relay.url, 'behind that page'],
    ['  rolecall, broker', broker.url, 'for every MCP client'],
    ...(fleet === undefined ? [] : [['  its fleet', fleet.url, 'all clusters with one sign-in']]),
    ['  kubernetes-mcp-server', mcpServer.url, server],
    ['  cluster', cluster.server, describe(cluster)],
    ...(fleet?.members ?? []).map(({ name, cluster: { server: at }, description }) => {
      return [`  cluster ${name}`, at, description]
    }),
    ['  mock Entra ID', identityProvider.origin, 'whoever reaches it is whoever they say'],
  ]
}

function describe({ kind, description }: Demo['cluster']): string {
  return kind === 'real' ? description : 'a stand-in; npm run cluster:build makes a real one'
}

function people({ identityProvider }: Demo): string[][] {
  const directory = identityProvider.people
  return directory.people.map((person) => {
    return [`  ${person.username}`, person.upn, rightsOf(person, directory)]
  })
}

function looks({ cluster, broker, relay, files }: Demo): string[] {
  return [
    alignColumns([
      ['  configuration', relay.config, broker.config],
      ['  log lines', relay.log, broker.log],
    ]),
    `  as whom the cluster was asked  ${files.clusterAudit}`,
    `  the cluster itself             kubectl --kubeconfig /dev/null --server ${cluster.server} \\`,
    `    --certificate-authority ${files.clusterAuthority} --token "$TOKEN" -n team-a get pods`,
  ]
}

const CALL = {
  jsonrpc: '2.0',
  id: 1,
  method: 'tools/call',
  params: { name: 'pods_list_in_namespace', arguments: { namespace: 'team-a' } },
}

function tries({ identityProvider, relay }: Demo): string[] {
  const { origin, people: directory } = identityProvider
  const someone = directory.people[0]?.username ?? ''
  return [
    `  TOKEN=$(curl -s '${origin}/_mock/token?person=${someone}')`,
    `  curl -s ${relay.url} -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' \\`,
    "    -H 'Accept: application/json, text/event-stream' \\",
    `    -d '${JSON.stringify(CALL)}'`,
  ]
}
