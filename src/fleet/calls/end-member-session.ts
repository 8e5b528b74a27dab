import type { Clock } from '../../clock.ts'
import { standingAt } from '../fleet-request.ts'
import { knownKey } from './known-key.ts'
import type { KnownMember, SessionUse } from './known-members.ts'
import { memberFetch } from './member-fetch.ts'
import type { ListCall } from './member-lists.ts'

const ENDED_WITHIN_MS = 5_000

/**
 * Ends the session that a user has at one member, for one session of the fleet: an MCP server may keep
 * each for ever. Nothing is said where there is none, and nothing of whether it went well: the member
 * has the last word, and what it forgets by itself is opened anew.
 */
export async function endMemberSession(call: ListCall): Promise<void> {
  const { known: members } = call
  const key = knownKey(call)
  const known = members.get(key)
  if (known === undefined) return
  members.forget(key, known)
  await sendEnd(known, call, AbortSignal.timeout(ENDED_WITHIN_MS))
}

/**
 * The same for a session that nobody uses any more: with the token of the user who used it last, judged
 * anew by the member's own configuration, and so neither after its end nor after its sign-in's. Where it
 * does not count any more, nothing is sent.
 */
export async function endForgottenSession(
  known: KnownMember,
  clock: Clock,
  signal = AbortSignal.timeout(ENDED_WITHIN_MS),
): Promise<void> {
  if (known.era !== 'legacy' || known.usedBy === undefined || signal.aborted) return
  const { member, permit, ...use } = known.usedBy
  if (permit.principal.expiresAt <= clock.now()) return
  const standing = await standingAt(member, permit.principal, clock)
  if (standing.kind === 'permitted') await sendEnd(known, { ...use, ...standing }, signal)
}

async function sendEnd(known: KnownMember, use: SessionUse, signal: AbortSignal): Promise<void> {
  const { member } = use
  if (known.era !== 'legacy' || known.sessionId === undefined) return
  if (member.health.isLeftAlone) return
  const { sessionId, protocolVersion } = known
  const fetch = memberFetch({
    ...use,
    trace: new Map(),
    mostBytes: 64 * 1024,
    onBegin: () => undefined,
    onFailure: () => undefined,
    onEnded: () => undefined,
  })
  const headers = {
    'mcp-session-id': sessionId,
    ...(protocolVersion !== undefined && { 'mcp-protocol-version': protocolVersion }),
  }
  await fetch(member.resource.upstream, { method: 'DELETE', headers, signal })
    .then((answer) => answer.text())
    .catch(() => undefined)
}
