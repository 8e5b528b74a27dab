import { setTimeout as wait } from 'node:timers/promises'
import type { Clock } from '../../clock.ts'
import { priorOf } from '../calls/call-member.ts'
import { knownKey } from '../calls/known-key.ts'
import type { KnownMember } from '../calls/known-members.ts'
import type { PermittedMember } from '../calls/member.ts'
import { MemberAttempt } from '../calls/member-attempt.ts'
import type { Fleet } from '../fleet.ts'
import { type FleetRequest, standingAt } from '../fleet-request.ts'

const AGAIN_AFTER_MS = 10_000
/** Until a stream that was closed is closed there too. */
const SOON_MS = 500
const ANSWERED_WITHIN_MS = 10_000
/** Of one stream; then another is opened. */
const MOST_BYTES = 1024 * 1024

/**
 * Hears from a cluster that its tools have changed, on a stream of the user's there: in the session that
 * the client's calls have opened, and with the token of the client's own stream, which it ends with. A
 * stream that breaks off is opened again after a while; one that the cluster refuses is not.
 *
 * @param signal ends it
 */
export async function followMember(
  fleet: Fleet,
  by: FleetRequest,
  cluster: string,
  signal: AbortSignal,
): Promise<void> {
  const member = fleet.members.find(({ resource }) => resource.name === cluster)
  let hasTried = false
  while (member !== undefined && !signal.aborted) {
    const at = await standingAt(member, by.principal, fleet.clock)
    if (at.kind !== 'permitted') return
    const outcome = await followOnce(fleet, by, at, signal)
    if (outcome === 'refused') return
    // A server has one stream a session: that of before a reload, or another of this client's.
    if (outcome === 'taken' && !hasTried) await soon(signal)
    else await pause(fleet.clock, signal)
    hasTried = outcome === 'taken'
  }
}

async function followOnce(
  fleet: Fleet,
  by: FleetRequest,
  at: PermittedMember,
  signal: AbortSignal,
): Promise<'ended' | 'refused' | 'taken'> {
  const call = fleet.callTo(at, by)
  const known = call.known.get(knownKey(call))
  if (known === undefined || !tellsChanges(known)) return 'refused'
  let answered = 0
  const attempt = new MemberAttempt({
    ...call,
    asked: 'subscriptions/listen',
    signal,
    timeoutMs: ANSWERED_WITHIN_MS,
    mostBytes: MOST_BYTES,
    isStream: true,
    onStatus: (status) => {
      answered = status
    },
    hear: (client) =>
      client.setNotificationHandler('notifications/tools/list_changed', () =>
        fleet.toolsChanged(at, by),
      ),
  })
  const { client, transport, options } = attempt.open(known)
  try {
    await client.connect(transport, { ...options, ...priorOf(known) })
    if (known.era === 'modern') {
      const subscription = await client.listen({ toolsListChanged: true }, options)
      await subscription.closed
    } else {
      await transport.resumeStream('')
      await attempt.ended(signal)
    }
  } catch {
    // What became of it, its status says.
  } finally {
    attempt.close()
  }
  if (answered === 409) return 'taken'
  return answered >= 400 ? 'refused' : 'ended'
}

function tellsChanges(known: KnownMember): boolean {
  const hasStream = known.era === 'modern' || known.sessionId !== undefined
  return hasStream && known.capabilities?.tools?.listChanged === true
}

async function soon(signal: AbortSignal): Promise<void> {
  await wait(SOON_MS, undefined, { signal, ref: false }).catch(() => undefined)
}

async function pause(clock: Clock, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return
  await new Promise<void>((resolve) => {
    const cancel = clock.after(AGAIN_AFTER_MS, resolve)
    const end = (): void => {
      cancel()
      resolve()
    }
    signal.addEventListener('abort', end, { once: true })
  })
}
