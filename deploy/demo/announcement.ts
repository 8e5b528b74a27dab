import { kubernetesMcpServerVersion } from '../../test/environment/kubernetes-mcp-server.ts'
import { type Demo, teamsOf } from './demo.ts'
import { alignColumns } from './who-sees-what.ts'

/** What people read when the demo has started: its parts, its people and what to try. */
export function announcement(demo: Demo): string {
  return [
    `Open ${demo.ui.origin} and click "Connect Kubernetes".`,
    '',
    'Everything runs, on this machine only.',
    '',
    alignColumns(parts(demo)),
    '',
    'people',
    alignColumns(people(demo)),
    '',
    ...tries(demo),
    '',
    'Ctrl-C stops everything.',
    '',
  ].join('\n')
}

function parts({ identityProvider, cluster, mcpServer, proxy, ui }: Demo): string[][] {
  const server = `${kubernetesMcpServerVersion()}, passes tokens through, has no credentials`
  return [
    ["  page like Robusta's", ui.origin, 'signs people in as the Robusta UI and HolmesGPT do'],
    ['  rolecall', proxy.url, 'what MCP clients are given; sign_in.mode = "relay"'],
    ['  kubernetes-mcp-server', mcpServer.url, server],
    ['  cluster', cluster.server, cluster.description],
    ['  mock Entra ID', identityProvider.origin, 'whoever reaches it is whoever they say'],
  ]
}

function people({ identityProvider }: Demo): string[][] {
  const directory = identityProvider.people
  return directory.people.map((person) => {
    const teams = teamsOf(person, directory).map((team) => `sees ${team}`)
    return [`  ${person.username}`, person.upn, teams.join(', ') || 'sees nothing']
  })
}

const CALL = {
  jsonrpc: '2.0',
  id: 1,
  method: 'tools/call',
  params: { name: 'pods_list_in_namespace', arguments: { namespace: 'team-a' } },
}

function tries({ identityProvider, cluster, proxy, files }: Demo): string[] {
  const { origin, people: directory } = identityProvider
  const someone = directory.people[0]?.username ?? ''
  return [
    `a token (${directory.people.map(({ username }) => username).join(', ')})`,
    `  TOKEN=$(curl -s '${origin}/_mock/token?person=${someone}')`,
    'a tool call with it',
    `  curl -s ${proxy.url} -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' \\`,
    "    -H 'Accept: application/json, text/event-stream' \\",
    `    -d '${JSON.stringify(CALL)}'`,
    'an MCP client with it',
    `  claude mcp add --transport http rolecall-demo ${proxy.url} --header "Authorization: Bearer $TOKEN"`,
    'the cluster itself, without rolecall',
    `  kubectl --server ${cluster.server} --certificate-authority ${files.clusterAuthority} \\`,
    '    --token "$TOKEN" -n team-a get pods',
    '',
    'rolecall was started with',
    `  ${proxy.config}`,
    'its log lines, and who the cluster says each call was',
    `  tail -f ${files.proxyLog}`,
    `  tail -f ${files.clusterAudit}`,
  ]
}
