import { PODS, type Team } from '../../test/environment/cluster/contents.ts'
import { openMcpSession } from '../../test/environment/mcp-session.ts'
import { signInThroughBroker } from './broker-walk.ts'
import type { DemoFleet } from './demo.ts'

/** What somebody is to find with one call for all clusters. */
interface Expected {
  readonly username: string
  readonly team: Team
  /** Where they see all pods of the team; everywhere else nothing. */
  readonly sees: readonly string[]
  /** The last line of the answer. */
  readonly counts: string
}

const NOT_ALLOWED = 'not allowed for you'

const ALL_UP: readonly Expected[] = [
  {
    username: 'alice',
    team: 'team-a',
    sees: ['prod', 'staging'],
    counts: `2 of 3 clusters answered. Not in this answer: dev (${NOT_ALLOWED}).`,
  },
  {
    username: 'bob',
    team: 'team-b',
    sees: ['prod'],
    counts: `1 of 3 clusters answered. Not in this answer: staging (${NOT_ALLOWED}), dev (${NOT_ALLOWED}).`,
  },
]

const ONE_STOPPED: Expected = {
  username: 'alice',
  team: 'team-a',
  sees: ['prod'],
  counts: `1 of 3 clusters answered. Not in this answer: staging (unreachable), dev (${NOT_ALLOWED}).`,
}

/**
 * Signs people in at the fleet and asks all clusters at once, then again with one of them stopped.
 *
 * @param tell gets what was answered, for people
 * @returns what is not as it should be, in sentences
 */
export async function walkThroughFleet(
  { url, members }: DemoFleet,
  tell: (text: string) => void,
): Promise<readonly string[]> {
  const tokens = new Map<string, string>()
  const look = async (expected: Expected): Promise<readonly string[]> => {
    const { username, team } = expected
    const token = tokens.get(username) ?? (await signInThroughBroker(url, username))
    tokens.set(username, token)
    const session = await openMcpSession(url, token)
    const { text } = await session.call('pods_list_in_namespace', { cluster: '*', namespace: team })
    await session.close()
    tell(`${username}, ${team} on every cluster (cluster "*")\n${indented(text)}\n`)
    return fleetDifferences(expected, text)
  }
  const wrong: string[] = []
  for (const expected of ALL_UP) wrong.push(...(await look(expected)))
  const stopped = members.find(({ name }) => name === 'staging')
  await stopped?.mcpServer.close()
  tell('The MCP server of staging is stopped.\n')
  return [...wrong, ...(await look(ONE_STOPPED))]
}

/** What an answer of several clusters should have said and did not. */
export function fleetDifferences(
  { username, team, sees, counts }: Expected,
  text: string,
): readonly string[] {
  const parts = text.split(/^## /m).slice(1)
  const seen = parts
    .filter((part) => PODS[team].every((pod) => part.includes(pod)))
    .map((part) => /^[a-z]+/.exec(part)?.[0] ?? '')
  const last = text.trimEnd().split('\n').at(-1)
  return [
    ...(seen.join() === sees.join()
      ? []
      : [
          `${username}: should see ${team} on ${sees.join(', ')}; saw it on ${seen.join(', ') || 'none'}`,
        ]),
    ...(last === counts
      ? []
      : [`${username}: the answer should end "${counts}"; it ends "${last}"`]),
  ]
}

function indented(text: string): string {
  return text.replaceAll(/^(?=.)/gm, '  ')
}
