import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Client, ElicitRequestParams } from '@modelcontextprotocol/client'
import { McpServer as SessionServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { ElicitResultSchema } from '@modelcontextprotocol/sdk/types.js'
import {
  acceptedContent,
  inputRequired,
  McpServer,
  type ServerContext,
} from '@modelcontextprotocol/server'
import { z } from 'zod'
import { startFleetCluster } from '../../support/fleet-cluster.ts'
import { connectClient, startFleetGateway } from '../../support/fleet-gateway.ts'
import { startSessionCluster } from '../../support/session-cluster.ts'

const WHY = z.object({ why: z.string() })
const URI = 'k8s://secret'

/** A server of 2026-07-28 that asks why before it gives a prompt or a resource. */
function asksByResult(): McpServer {
  const server = new McpServer({ name: 'newer', version: '2' })
  const why = ({ mcpReq }: ServerContext) => acceptedContent(mcpReq.inputResponses, 'why', WHY)?.why
  const question = () =>
    inputRequired({
      inputRequests: { why: inputRequired.elicit({ message: 'Why?', requestedSchema: WHY }) },
      requestState: 'own',
    })
  const said = (context: ServerContext) => {
    const text = why(context)
    return text === undefined ? undefined : `${text} ${context.mcpReq.requestState<string>()}`
  }
  server.registerPrompt('report', {}, (context) => {
    const text = said(context)
    if (text === undefined) return question()
    return { messages: [{ role: 'user', content: { type: 'text', text } }] }
  })
  server.registerResource('secret', URI, {}, (_uri, context) => {
    const text = said(context)
    return text === undefined ? question() : { contents: [{ uri: URI, text }] }
  })
  return server
}

/** One of 2025-11-25 that asks on the stream. */
function asksOnStream(): SessionServer {
  const server = new SessionServer({ name: 'earlier', version: '1' })
  server.registerPrompt('report', {}, async ({ sendRequest }) => {
    const properties = { why: { type: 'string' as const } }
    const requestedSchema = { type: 'object' as const, properties }
    const params = { message: 'Why?', requestedSchema }
    const asked = await sendRequest({ method: 'elicitation/create', params }, ElicitResultSchema)
    const text = `${asked.content?.['why']} on stream`
    return { messages: [{ role: 'user', content: { type: 'text', text } }] }
  })
  return server
}

const promptOf = async (client: Client, cluster: string) => {
  const { messages } = await client.getPrompt({ name: 'report', arguments: { cluster } })
  const content = messages[1]?.content
  return content?.type === 'text' ? content.text : undefined
}

const resourceOf = async (client: Client, cluster: string) => {
  const { contents } = await client.readResource({ uri: `rolecall://${cluster}/${URI}` })
  const [content] = contents
  return content && 'text' in content ? content.text : undefined
}

for (const mode of ['auto', 'legacy'] as const) {
  test(`what a cluster asks before a prompt or a resource is put to the client (${mode})`, async (t) => {
    const newer = await startFleetCluster(t, asksByResult)
    const earlier = await startSessionCluster(t, asksOnStream)
    const gateway = await startFleetGateway(t, [
      { name: 'newer', upstream: newer.url },
      { name: 'earlier', upstream: earlier.url },
    ])
    const token = await gateway.entra.mint({ person: 'alice' })
    const messages: string[] = []
    const client = await connectClient(t, gateway.fleetUrl, token, {
      mode,
      capabilities: { elicitation: { form: {} } },
      prepare: (one) =>
        one.setRequestHandler('elicitation/create', ({ params }) => {
          messages.push((params as ElicitRequestParams).message)
          return { action: 'accept', content: { why: 'audit' } }
        }),
    })
    assert.equal(await promptOf(client, 'newer'), 'audit own')
    assert.equal(await resourceOf(client, 'newer'), 'audit own')
    assert.deepEqual(messages, ['[newer] Why?', '[newer] Why?'])
    if (mode === 'legacy') {
      assert.equal(await promptOf(client, 'earlier'), 'audit on stream')
      assert.equal(messages.at(-1), '[earlier] Why?')
    } else {
      const message = /earlier: asks for input in a way that clients of MCP 2026-07-28 cannot/
      await assert.rejects(promptOf(client, 'earlier'), { message })
    }
    const silent = await connectClient(t, gateway.fleetUrl, token, { mode })
    for (const asked of [promptOf(silent, 'newer'), resourceOf(silent, 'newer')]) {
      await assert.rejects(asked, {
        message: /newer: .*asks for input that this client cannot give/,
      })
    }
    // It answered: that nobody could be asked says nothing of its health.
    assert.equal(await promptOf(client, 'newer'), 'audit own')
  })
}

test("a prompt's state is of no use for a resource, another user or without it", async (t) => {
  const newer = await startFleetCluster(t, asksByResult)
  const gateway = await startFleetGateway(t, [{ name: 'newer', upstream: newer.url }])
  const token = await gateway.entra.mint({ person: 'alice' })
  const capabilities = { elicitation: { form: {} } }
  const client = await connectClient(t, gateway.fleetUrl, token, { capabilities })
  const prompt = { name: 'report', arguments: { cluster: 'newer' } }
  const asked = await client.request(
    { method: 'prompts/get', params: prompt },
    { allowInputRequired: true },
  )
  const { requestState } = asked as unknown as { requestState: string }
  assert.doesNotMatch(requestState, /own/)
  const answers = {
    inputResponses: { why: { action: 'accept', content: { why: 'x' } } },
    requestState,
  }
  const uri = `rolecall://newer/${URI}`
  const bob = await connectClient(
    t,
    gateway.fleetUrl,
    await gateway.entra.mint({ person: 'bob' }),
    { capabilities },
  )
  const before = newer.requests.length
  await assert.rejects(
    client.request({ method: 'resources/read', params: { uri, ...answers } }),
    /made for something else/,
  )
  await assert.rejects(
    bob.request({ method: 'prompts/get', params: { ...prompt, ...answers } }),
    /made for another user/,
  )
  const reads = newer.requests.slice(before).map((headers) => headers['mcp-method'])
  assert.ok(!reads.includes('resources/read') && !reads.includes('prompts/get'))
  const own = await client.request({ method: 'prompts/get', params: { ...prompt, ...answers } })
  assert.match(JSON.stringify(own), /x own/)
})
