import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { askFleet, callFleet, rpc, scriptOf } from '../../support/fleet-calls.ts'
import { type ClusterSettings, startFleetGateway } from '../../support/fleet-gateway.ts'
import { interleaveUsers } from '../../support/fleet-promise.ts'
import { startUpstream } from '../../support/recording-upstream.ts'
import { bodyOf, followScript, listing, tool } from '../../support/scripted-mcp.ts'

test(
  'two users interleaved over 20,000 calls to the fleet: nothing crosses',
  {
    timeout: 15 * 60_000,
  },
  (t) => interleaveUsers(t, 20_000),
)

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

test('50 clusters with 40 tools each: one list within 2 s and 64 MiB, eight at a time', async (t) => {
  const tools = Array.from({ length: 40 }, (_, i) =>
    tool(`tool_${i}`, {
      description: `What it does. ${'x'.repeat(600)}`,
      annotations: { readOnlyHint: true },
    }),
  )
  let open = 0
  let most = 0
  const clusters: ClusterSettings[] = []
  for (let i = 0; i < 50; i += 1) {
    const upstream = await startUpstream(t)
    // Slow enough that all would be open at once.
    const list = (response: ServerResponse): void => {
      const answer = {
        jsonrpc: '2.0',
        id: bodyOf(upstream.received.at(-1)).id,
        ...listing(...tools),
      }
      response.writeHead(200, { 'content-type': 'application/json' })
      setTimeout(() => response.end(JSON.stringify(answer)), 50)
    }
    followScript(upstream, scriptOf({ list }))
    upstream.server.prependListener('request', (_request, response) => {
      open += 1
      most = Math.max(most, open)
      response.once('close', () => {
        open -= 1
      })
    })
    clusters.push({ name: `c-${i}`, upstream: upstream.url })
  }
  const gateway = await startFleetGateway(t, clusters)
  const asked = { url: gateway.fleetUrl, token: await gateway.entra.mint({ person: 'alice' }) }
  collect()
  const before = process.memoryUsage()
  const began = performance.now()
  const { message } = await askFleet(asked, rpc('tools/list'))
  const milliseconds = performance.now() - began
  const { rss, heapUsed } = process.memoryUsage()
  const mebibytes = (rss - before.rss) / 1_048_576
  t.diagnostic(
    `${Math.round(milliseconds)} ms, ${Math.round(mebibytes)} MiB more, of that heap ${Math.round((heapUsed - before.heapUsed) / 1_048_576)} MiB, ${most} at once`,
  )
  const listed = message.result?.['tools'] as readonly object[]
  assert.equal(listed.length, 41)
  assert.ok(milliseconds < 2_000, `${milliseconds} ms`)
  assert.ok(mebibytes < 64, `${mebibytes} MiB`)
  assert.ok(most > 1 && most <= 8, `${most} at once`)
  const again = performance.now()
  await askFleet(asked, rpc('tools/list'))
  const then = performance.now()
  for (let i = 0; i < 20; i += 1) await callFleet(asked, 'tool_1', { cluster: 'c-7' })
  const each = (performance.now() - then) / 20
  const { structuredContent } = await callFleet(asked, 'clusters_list', {})
  const { clusters: known } = structuredContent as { clusters: { reachable: boolean }[] }
  assert.equal(known.filter(({ reachable }) => reachable).length, 50, 'each was asked')
  t.diagnostic(`the next list: ${Math.round(then - again)} ms; a call: ${Math.round(each)} ms`)
})
