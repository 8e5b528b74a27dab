import { knownKey } from './call-member.ts'
import { memberFetch } from './member-fetch.ts'
import type { ListCall } from './member-lists.ts'

const ENDED_WITHIN_MS = 5_000

/**
 * Ends the session that a user has at one member, for one session of the fleet: an MCP server may keep
 * each for ever. Nothing is said where there is none, and nothing of whether it went well: the member
 * has the last word, and what it forgets by itself is opened anew.
 */
export async function endMemberSession(call: ListCall): Promise<void> {
  const { known: members, member } = call
  const key = knownKey(call)
  const known = members.get(key)
  if (known === undefined) return
  members.forget(key, known)
  if (known.era !== 'legacy' || known.sessionId === undefined) return
  if (member.health.isLeftAlone) return
  const { sessionId, protocolVersion } = known
  const fetch = memberFetch({
    ...call,
    mostBytes: 64 * 1024,
    onBegin: () => undefined,
    onFailure: () => undefined,
    onEnded: () => undefined,
  })
  const headers = {
    'mcp-session-id': sessionId,
    ...(protocolVersion !== undefined && { 'mcp-protocol-version': protocolVersion }),
  }
  const signal = AbortSignal.timeout(ENDED_WITHIN_MS)
  await fetch(member.resource.upstream, { method: 'DELETE', headers, signal })
    .then((answer) => answer.text())
    .catch(() => undefined)
}
