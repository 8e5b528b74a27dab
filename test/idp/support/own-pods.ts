import assert from 'node:assert/strict'
import { PODS, type Team } from '../../environment/cluster/contents.ts'
import { openMcpSession } from '../../environment/mcp-session.ts'

/** Whose pods each of the people may see. */
const MAY_SEE: Readonly<Record<string, Team | undefined>> = {
  alice: 'team-a',
  bob: 'team-b',
  carol: undefined,
}

export interface Caller {
  readonly person: 'alice' | 'bob' | 'carol'
  /** What the cluster calls that person. */
  readonly username: string
  readonly token: string
}

/** The MCP server at a URL shows this person their team's pods, and the cluster refuses the other's. */
export async function assertSeesOwnPods(url: string, caller: Caller): Promise<void> {
  const { person, username, token } = caller
  const session = await openMcpSession(url, token)
  for (const namespace of ['team-a', 'team-b'] as const) {
    const { isError, text } = await session.call('pods_list_in_namespace', { namespace })
    const sees = MAY_SEE[person] === namespace
    assert.equal(isError, !sees, `${person} in ${namespace}: ${text}`)
    const shown = PODS[namespace].filter((pod) => text.includes(pod))
    assert.deepEqual(shown, sees ? PODS[namespace] : [])
    if (!sees) assert.ok(text.includes(`User "${username}" cannot list`), text)
  }
  await session.close()
}
