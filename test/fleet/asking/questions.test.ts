import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { Client, ElicitRequestParams } from '@modelcontextprotocol/client'
import { McpServer as SessionServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { ElicitResultSchema } from '@modelcontextprotocol/sdk/types.js'
import { acceptedContent, inputRequired, McpServer } from '@modelcontextprotocol/server'
import { z } from 'zod'
import { SimulatedClock } from '../../support/clock.ts'
import { outcomesOf, rpc, textsOf } from '../../support/fleet-calls.ts'
import { startFleetCluster } from '../../support/fleet-cluster.ts'
import {
  type ClientSettings,
  connectClient,
  startFleetGateway,
} from '../../support/fleet-gateway.ts'
import type { GatewayOptions } from '../../support/gateway.ts'
import { startSessionCluster } from '../../support/session-cluster.ts'

const CONFIRMED = z.object({ confirm: z.boolean() })

/** A server of 2026-07-28 whose tool asks before it answers, and gives a state of its own. */
function asksByResult(name: string) {
  return (): McpServer => {
    const server = new McpServer({ name, version: '2' })
    for (const tool of ['ask', 'other']) {
      server.registerTool(
        tool,
        { inputSchema: z.object({ pod: z.string() }), annotations: { readOnlyHint: true } },
        ({ pod }, { mcpReq }) => {
          const answer = acceptedContent(mcpReq.inputResponses, 'sure', CONFIRMED)
          if (answer === undefined) {
            return inputRequired({
              inputRequests: {
                sure: inputRequired.elicit({
                  message: `Delete ${pod}?`,
                  requestedSchema: CONFIRMED,
                }),
              },
              requestState: `${name}'s own state`,
            })
          }
          const text = `${pod} ${answer.confirm} ${mcpReq.requestState<string>()}`
          return { content: [{ type: 'text', text }] }
        },
      )
    }
    return server
  }
}

/** A server of 2025-11-25 whose tool asks on the stream of its call. */
function asksOnStream(): SessionServer {
  const server = new SessionServer({ name: 'earlier', version: '1' })
  const inputSchema = { pod: z.string() }
  const annotations = { readOnlyHint: true }
  server.registerTool('ask', { inputSchema, annotations }, async ({ pod }, { sendRequest }) => {
    const properties = { confirm: { type: 'boolean' as const } }
    const requestedSchema = { type: 'object' as const, properties }
    const params = { message: `Delete ${pod}?`, requestedSchema }
    const asked = await sendRequest({ method: 'elicitation/create', params }, ElicitResultSchema)
    const text = `${pod} ${asked.action} ${asked.content?.['confirm']}`
    return { content: [{ type: 'text', text }] }
  })
  return server
}

async function startBoth(t: TestContext, options: Partial<GatewayOptions> = {}) {
  const newer = await startFleetCluster(t, asksByResult('newer'))
  const earlier = await startSessionCluster(t, asksOnStream)
  const gateway = await startFleetGateway(
    t,
    [
      { name: 'newer', upstream: newer.url },
      { name: 'earlier', upstream: earlier.url },
    ],
    options,
  )
  const token = await gateway.entra.mint({ person: 'alice' })
  return { gateway, newer, earlier, token }
}

/** Can be asked, and says yes. */
function asked(messages: string[]): ClientSettings {
  return {
    capabilities: { elicitation: { form: {} } },
    prepare: (client) =>
      client.setRequestHandler('elicitation/create', ({ params }) => {
        messages.push((params as ElicitRequestParams).message)
        return { action: 'accept', content: { confirm: true } }
      }),
  }
}

const ask = (client: Client, cluster: string) =>
  client.callTool({ name: 'ask', arguments: { cluster, pod: 'x' } })

type Row = readonly [mode: 'auto' | 'legacy', cluster: 'newer' | 'earlier', answer: RegExp]

const rows: readonly Row[] = [
  ['auto', 'newer', /^x true newer's own state$/],
  ['legacy', 'newer', /^x true newer's own state$/],
  ['legacy', 'earlier', /^x accept true$/],
  ['auto', 'earlier', /^earlier asks for input in a way that clients of MCP 2026-07-28 cannot/],
]

for (const [mode, cluster, words] of rows) {
  test(`a question of a ${cluster} cluster to a client in mode ${mode}`, async (t) => {
    const { gateway, token } = await startBoth(t)
    const messages: string[] = []
    const client = await connectClient(t, gateway.fleetUrl, token, { mode, ...asked(messages) })
    const answer = await ask(client, cluster)
    const bridged = !(mode === 'auto' && cluster === 'earlier')
    assert.deepEqual(messages, bridged ? [`[${cluster}] Delete x?`] : [])
    assert.match(textsOf(answer as never)[0] ?? '', words)
    assert.equal(answer.isError === true, !bridged)
    // The call that could not go on was cancelled, and the next one is not held up by it.
    assert.match(textsOf((await ask(client, 'newer')) as never)[0] ?? '', /^x true/)
  })

  test(`a ${cluster} cluster asks nothing of a client in mode ${mode} that cannot be asked`, async (t) => {
    const { gateway, token } = await startBoth(t)
    const client = await connectClient(t, gateway.fleetUrl, token, { mode })
    const answer = await ask(client, cluster)
    assert.equal(answer.isError, true)
    const text = textsOf(answer as never)[0] ?? ''
    if (cluster === 'newer') assert.match(text, /asks for input that this client cannot give/)
    else assert.match(text, /The client of this call cannot be asked: elicitation/)
  })
}

for (const mode of ['auto', 'legacy'] as const) {
  test(`a cluster among many that asks is to be called alone (${mode})`, async (t) => {
    const { gateway, token } = await startBoth(t)
    const messages: string[] = []
    const client = await connectClient(t, gateway.fleetUrl, token, { mode, ...asked(messages) })
    const answer = (await ask(client, '*')) as never
    assert.deepEqual(outcomesOf(answer), { newer: 'tool_error', earlier: 'tool_error' })
    for (const name of ['newer', 'earlier']) {
      assert.match(textsOf(answer).join('\n'), new RegExp(`${name} asks for input.*call it alone`))
    }
    assert.deepEqual(messages, [])
  })
}

const META = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientInfo': { name: 'raw', version: '1' },
  'io.modelcontextprotocol/clientCapabilities': { elicitation: { form: {} } },
}

interface RawCall {
  readonly url: string
  readonly token: string
  readonly tool?: string
  readonly cluster?: string
  readonly more?: object
}

interface RawAnswer {
  readonly result?: {
    readonly resultType?: string
    readonly requestState?: string
    readonly content?: readonly { readonly text: string }[]
  }
  readonly error?: { readonly code: number; readonly message: string }
}

/** As a client of 2026-07-28 calls; `more`: beside name and arguments. */
async function rawCall({ url, token, tool = 'ask', cluster = 'newer', more = {} }: RawCall) {
  const params = { name: tool, arguments: { cluster, pod: 'x' }, _meta: META, ...more }
  const answer = await fetch(url, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': 'tools/call',
      'mcp-name': tool,
      'mcp-param-cluster': cluster,
    },
    body: JSON.stringify(rpc('tools/call', params)),
  })
  return (await answer.json()) as RawAnswer
}

const YES = { inputResponses: { sure: { action: 'accept', content: { confirm: true } } } }

test("a state is good for its user, tool and cluster, for a while, and hides the cluster's own", async (t) => {
  const clock = new SimulatedClock(Date.now())
  const { gateway, token } = await startBoth(t, { clock })
  const bob = await gateway.entra.mint({ person: 'bob' })
  const call = { url: gateway.fleetUrl, token }
  const question = await rawCall(call)
  assert.equal(question.result?.resultType, 'input_required')
  const { requestState = '' } = question.result ?? {}
  assert.doesNotMatch(Buffer.from(requestState, 'base64url').toString('latin1'), /own state/)
  const more = { ...YES, requestState }
  const good = await rawCall({ ...call, more })
  assert.equal(good.result?.content?.[0]?.text, "x true newer's own state")

  const forged = { ...YES, requestState: `${requestState.slice(0, -6)}AAAAAA` }
  const thieves: readonly (readonly [RawCall, RegExp])[] = [
    [{ ...call, token: bob, more }, /made for another user/],
    [{ ...call, tool: 'other', more }, /made for something else/],
    [{ ...call, cluster: 'earlier', more }, /made for another cluster/],
    [{ ...call, cluster: '*', more }, /goes to the one cluster that asked/],
    [{ ...call, more: forged }, /not made here/],
    [{ ...call, more: { ...YES, requestState: "newer's own state" } }, /not made here/],
  ]
  for (const [stolen, words] of thieves) {
    const { error } = await rawCall(stolen)
    assert.equal(error?.code, -32602)
    assert.match(error?.message ?? '', words)
  }
  await clock.advance(1_799_000)
  const late = await rawCall({
    ...call,
    token: await gateway.entra.mint({ person: 'alice' }),
    more,
  })
  assert.match(late.result?.content?.[0]?.text ?? '', /^x true/)
  await clock.advance(1_001)
  const old = await rawCall({ ...call, token: await gateway.entra.mint({ person: 'alice' }), more })
  assert.match(old.error?.message ?? '', /too old\. Ask again/)
  const refused = gateway.log.filter(({ reason }) => reason === 'bad_request_state')
  assert.equal(refused.filter(({ kind }) => kind === 'audit').length, thieves.length + 1)
})

test('an answer of another session or user is not taken, and the question stays open', async (t) => {
  const { gateway, token } = await startBoth(t)
  const url = gateway.fleetUrl
  const mine = await begin(url, token)
  const other = await begin(url, token)
  const bob = await begin(url, await gateway.entra.mint({ person: 'bob' }))
  const reader = await openCall(mine)
  const question = await reader.next()
  assert.equal(question.method, 'elicitation/create')
  assert.match(String(question.params?.['message']), /^\[earlier\] Delete x\?/)
  const answer = { jsonrpc: '2.0', id: question.id, result: { action: 'accept', content: {} } }
  const thieves = [other, bob, { ...mine, token: bob.token }, { ...bob, token: mine.token }]
  const statuses: number[] = []
  for (const thief of thieves) statuses.push((await post(thief, answer)).status)
  assert.deepEqual(statuses, [400, 400, 404, 404])
  const invented = { ...answer, id: 0 }
  assert.equal((await post(mine, invented)).status, 400)
  const yes = { ...answer, result: { action: 'accept', content: { confirm: true } } }
  assert.equal((await post(mine, yes)).status, 202)
  const result = await reader.next()
  assert.match(JSON.stringify(result), /x accept true/)
  assert.equal((await post(mine, yes)).status, 400)
})

interface Begun {
  readonly url: string
  readonly token: string
  readonly session: string
}

async function begin(url: string, token: string): Promise<Begun> {
  const answer = await post(
    { url, token, session: '' },
    rpc('initialize', {
      protocolVersion: '2025-11-25',
      capabilities: { elicitation: {} },
      clientInfo: { name: 'raw', version: '1' },
    }),
  )
  await answer.text()
  return { url, token, session: answer.headers.get('mcp-session-id') ?? '' }
}

function post({ url, token, session }: Begun, body: object): Promise<Response> {
  return fetch(url, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      ...(session !== '' && { 'mcp-session-id': session }),
    },
    body: JSON.stringify(body),
  })
}

interface Message {
  readonly id?: unknown
  readonly method?: string
  readonly params?: Record<string, unknown>
}

/** Calls the tool that asks, and reads its stream message by message. */
async function openCall(begun: Begun): Promise<{ next(): Promise<Message> }> {
  const call = rpc('tools/call', { name: 'ask', arguments: { cluster: 'earlier', pod: 'x' } })
  const { body } = await post(begun, call)
  assert.ok(body)
  const lines = body.pipeThrough(new TextDecoderStream())[Symbol.asyncIterator]()
  let text = ''
  return {
    async next() {
      for (;;) {
        const [, data] = /^data: (.*)\n\n/m.exec(text) ?? []
        if (data !== undefined) {
          text = text.slice(text.indexOf(data) + data.length)
          return JSON.parse(data) as Message
        }
        const { value, done } = await lines.next()
        assert.ok(!done, 'the stream has ended')
        text += value
      }
    },
  }
}

test('a session of an earlier client is told what that client can be asked, and no other', async (t) => {
  const { gateway, token, earlier } = await startBoth(t)
  const messages: string[] = []
  const can = await connectClient(t, gateway.fleetUrl, token, {
    mode: 'legacy',
    ...asked(messages),
  })
  const cannot = await connectClient(t, gateway.fleetUrl, token, { mode: 'legacy' })
  await ask(can, 'earlier')
  await ask(cannot, 'earlier')
  const told = [...earlier.sessions.values()].map(({ server }) => server.getClientCapabilities())
  assert.deepEqual(told, [{ elicitation: { form: {} } }, {}])
})
