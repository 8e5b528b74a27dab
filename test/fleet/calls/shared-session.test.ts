import assert from 'node:assert/strict'
import { test } from 'node:test'
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { z } from 'zod'
import { callFleet, textsOf } from '../../support/fleet-calls.ts'
import { startFleetGateway } from '../../support/fleet-gateway.ts'
import { startSessionCluster } from '../../support/session-cluster.ts'

const CALLS = 8

test('calls at once in one session of a cluster get their own answers, whichever comes first', async (t) => {
  const waiting: (() => void)[] = []
  const cluster = await startSessionCluster(t, () => {
    const server = new McpServer({ name: 'x', version: '1' })
    const annotations = { readOnlyHint: true }
    server.registerTool(
      'say',
      { inputSchema: { what: z.string() }, annotations },
      async ({ what }) => {
        if (what !== 'first') {
          await new Promise<void>((resolve) => waiting.push(resolve))
        }
        return { content: [{ type: 'text', text: what }] }
      },
    )
    return server
  })
  const gateway = await startFleetGateway(t, [{ name: 'prod', upstream: cluster.url }])
  const token = await gateway.entra.mint({ person: 'alice' })
  const say = (what: string) =>
    callFleet({ url: gateway.fleetUrl, token }, 'say', { cluster: 'prod', what })
  await say('first')
  const calls = Array.from({ length: CALLS }, (_, index) => say(`call ${index}`))
  while (waiting.length < CALLS) await new Promise((resolve) => setTimeout(resolve, 10))
  for (const answer of waiting.toReversed()) answer()
  const answers = await Promise.all(calls)
  assert.deepEqual(
    answers.map((answer) => textsOf(answer)[0]),
    Array.from({ length: CALLS }, (_, index) => `call ${index}`),
  )
  assert.equal(cluster.sessions.size, 1)
})
