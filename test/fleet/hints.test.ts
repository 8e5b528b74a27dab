import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import {
  askFleet,
  callFleet,
  type FleetAsked,
  rpc,
  scriptOf,
  textsOf,
} from '../support/fleet-calls.ts'
import { startFleetGateway } from '../support/fleet-gateway.ts'
import { type RecordingUpstream, startUpstream } from '../support/recording-upstream.ts'
import { bodyOf, followScript, listing, success, tool } from '../support/scripted-mcp.ts'

const READS = { annotations: { readOnlyHint: true } }
/** Everybody may call what only reads. */
const allow = [{ tools: ['*'], hint: 'read_only', groups: [], clients: [] }] as const

interface Started {
  readonly upstream: RecordingUpstream
  /** `pods_list` in the lists from now on: as one that reads, or as one that writes. */
  show(what: 'reads' | 'writes'): void
  readonly alice: FleetAsked
  readonly bob: FleetAsked
  /** At the member's own path. */
  own(asked: FleetAsked): FleetAsked
}

async function start(t: TestContext): Promise<Started> {
  const upstream = await startUpstream(t)
  const show = (what: 'reads' | 'writes'): void => {
    const listed = tool('pods_list', what === 'reads' ? READS : {})
    followScript(upstream, scriptOf({ list: listing(listed), call: () => success }))
  }
  show('reads')
  const gateway = await startFleetGateway(t, [
    { name: 'prod', upstream: upstream.url, allow: [...allow] },
  ])
  const as = async (person: string) => ({
    url: gateway.fleetUrl,
    token: await gateway.entra.mint({ person }),
  })
  return {
    upstream,
    show,
    alice: await as('alice'),
    bob: await as('bob'),
    own: (asked) => ({ ...asked, url: `${gateway.origin}/c/prod/mcp` }),
  }
}

function asked({ upstream }: Started, method: string): number {
  return upstream.received.filter((one) => one.method === 'POST' && bodyOf(one).method === method)
    .length
}

const inFleet = (by: FleetAsked) => callFleet(by, 'pods_list', { cluster: 'prod' })
const inOwn = (by: FleetAsked) => callFleet(by, 'pods_list', {})

test("the fleet's list of a user's tools counts at the member's own path: none is asked for", async (t) => {
  const started = await start(t)
  await askFleet(started.alice, rpc('tools/list'))
  const lists = asked(started, 'tools/list')
  assert.notEqual((await inOwn(started.own(started.alice))).isError, true)
  assert.equal(asked(started, 'tools/list'), lists)
})

test('nor does it open anything to another user, whose own list is asked for', async (t) => {
  const started = await start(t)
  await askFleet(started.alice, rpc('tools/list'))
  started.show('writes')
  const answer = await inOwn(started.own(started.bob))
  assert.equal(answer.isError, true)
  assert.match(textsOf(answer)[0] ?? '', /if the MCP server marked it as read-only/)
  assert.equal(asked(started, 'tools/call'), 0)
})

for (const [where, seenBy] of [
  ["at the member's own path", 'own'],
  ['in the fleet', 'fleet'],
] as const) {
  test(`a list ${where} that says it writes closes it in the fleet, for everybody`, async (t) => {
    const started = await start(t)
    const { alice, bob, own, show } = started
    assert.notEqual((await inFleet(alice)).isError, true)
    show('writes')
    await askFleet(seenBy === 'own' ? own(bob) : bob, rpc('tools/list'))
    const calls = asked(started, 'tools/call')
    for (const cluster of ['prod', '*']) {
      assert.equal((await callFleet(alice, 'pods_list', { cluster })).isError, true)
    }
    assert.equal(asked(started, 'tools/call'), calls)
    const { message } = await askFleet(alice, rpc('tools/list'))
    const tools = message.result?.['tools'] as { name: string }[]
    assert.deepEqual(
      tools.map(({ name }) => name),
      ['clusters_list'],
    )
  })
}
