import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { SimulatedClock } from '../support/clock.ts'
import { askFleet, rpc, scriptOf } from '../support/fleet-calls.ts'
import { startFleetGateway } from '../support/fleet-gateway.ts'
import { startUpstream } from '../support/recording-upstream.ts'
import { followScript } from '../support/scripted-mcp.ts'

const HOURS = 3_600_000

test('a question and a stream that are open end with the token, at the cluster too', async (t) => {
  const clock = new SimulatedClock(Date.now())
  const upstream = await startUpstream(t)
  const question = { jsonrpc: '2.0', id: 1, method: 'elicitation/create' }
  const params = { message: 'Sure?', requestedSchema: { type: 'object', properties: {} } }
  let closedAtCluster: Promise<unknown> | undefined
  followScript(
    upstream,
    scriptOf({
      call: () => (response) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' })
        response.write(`data: ${JSON.stringify({ ...question, params })}\n\n`)
        closedAtCluster = once(response, 'close')
      },
    }),
  )
  const gateway = await startFleetGateway(t, [{ name: 'a', upstream: upstream.url }], { clock })
  const token = await gateway.entra.mint({ person: 'alice' })
  const alice = { url: gateway.fleetUrl, token }
  const clientInfo = { name: 'test', version: '1' }
  const begun = { protocolVersion: '2025-11-25', capabilities: { elicitation: {} }, clientInfo }
  const { headers: said } = await askFleet(alice, rpc('initialize', begun))
  const headers = {
    authorization: `Bearer ${token}`,
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    'mcp-session-id': said.get('mcp-session-id') ?? '',
  }
  const stream = await fetch(alice.url, { headers })
  const body = JSON.stringify(rpc('tools/call', { name: 'pods_list', arguments: { cluster: 'a' } }))
  const call = await fetch(alice.url, { method: 'POST', headers, body })
  const reader = call.body?.getReader()
  const event = new TextDecoder().decode((await reader?.read())?.value)
  const [, id] = /"id":"([0-9a-f-]+)"/.exec(event) ?? []
  assert.ok(id)
  assert.ok(closedAtCluster)

  await clock.advance(2 * HOURS)
  await assert.rejects(async () => {
    while ((await reader?.read())?.done === false);
  })
  await stream.text()
  await closedAtCluster
  const answer = { jsonrpc: '2.0', id, result: { action: 'accept', content: {} } }
  const late = await fetch(alice.url, { method: 'POST', headers, body: JSON.stringify(answer) })
  assert.equal(late.status, 401)
  assert.ok(!upstream.received.some((one) => one.body.includes('"accept"')))
})
