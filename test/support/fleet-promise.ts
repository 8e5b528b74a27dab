import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { mapAtMost } from '../../src/fleet/concurrency.ts'
import { callFleet, type FleetAsked, scriptOf, textsOf } from './fleet-calls.ts'
import { startFleetGateway } from './fleet-gateway.ts'
import { headerValues, type RecordingUpstream, startUpstream } from './recording-upstream.ts'
import { bodyOf, followScript, type Scripted } from './scripted-mcp.ts'

const CLUSTERS = ['prod', 'staging', 'dev']
/** What calls name, in turn; of neighbours in time each has another user. */
const NAMED = ['prod', 'prod', 'staging', 'staging', 'dev', 'dev', '*', '*']
const AT_ONCE = 24

/**
 * Lets two users call a fleet, interleaved, one cluster and several, and judges every answer and every
 * request that a cluster got: each has exactly one bearer, that of the user whose call it is.
 */
export async function interleaveUsers(t: TestContext, calls: number): Promise<void> {
  const upstreams: { readonly name: string; readonly upstream: RecordingUpstream }[] = []
  for (const name of CLUSTERS) upstreams.push({ name, upstream: await startCluster(t, name) })
  const gateway = await startFleetGateway(
    t,
    upstreams.map(({ name, upstream: { url } }) => ({ name, upstream: url })),
  )
  const users: FleetAsked[] = []
  for (const person of ['alice', 'bob']) {
    users.push({ url: gateway.fleetUrl, token: await gateway.entra.mint({ person }) })
  }
  const userOf = (call: number) => users[call % users.length] ?? assert.fail()
  const namedBy = (call: number) => NAMED[call % NAMED.length] ?? assert.fail()
  await mapAtMost([...Array(calls).keys()], AT_ONCE, async (call) => {
    const cluster = namedBy(call)
    const answer = await callFleet(userOf(call), 'pods_list', { cluster, call })
    const said = CLUSTERS.map((name) => saidBy(name, userOf(call).token, call))
    const expected =
      cluster === '*'
        ? [
            ...said.map((text, index) => `## ${CLUSTERS[index]}\n${text}\n`),
            '3 of 3 clusters answered.',
          ]
        : [said[CLUSTERS.indexOf(cluster)]]
    assert.deepEqual(textsOf(answer), expected)
  })
  for (const { name, upstream } of upstreams) {
    const made: number[] = []
    for (const received of upstream.received) {
      const bearers = headerValues(received.rawHeaders, 'authorization')
      assert.equal(bearers.length, 1)
      const call = callIn(received)
      if (call === undefined) continue
      made.push(call)
      assert.equal(bearers[0], `Bearer ${userOf(call).token}`)
    }
    const meant = [...Array(calls).keys()].filter((call) => [name, '*'].includes(namedBy(call)))
    assert.deepEqual(
      made.toSorted((a, b) => a - b),
      meant,
      'each call once, and no other',
    )
  }
}

/** A cluster that says who it is, whose token came, and for which call. */
async function startCluster(t: TestContext, name: string): Promise<RecordingUpstream> {
  const upstream = await startUpstream(t)
  const answer = (credential: string | undefined): Scripted => {
    const text = saidBy(name, credential?.replace(/^Bearer /, ''), callIn(upstream.received.at(-1)))
    return { result: { content: [{ type: 'text', text }] } }
  }
  followScript(upstream, scriptOf({ sessionId: `session-at-${name}`, call: answer }))
  return upstream
}

function saidBy(name: string, token: string | undefined, call: number | undefined): string {
  return `${name} ${token?.slice(-24)} ${call}`
}

function callIn(received: Parameters<typeof bodyOf>[0]): number | undefined {
  const given = bodyOf(received).params?.['arguments'] as { readonly call?: number } | undefined
  return given?.call
}
