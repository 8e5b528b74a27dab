import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { TaskToolExecution } from '@modelcontextprotocol/sdk/experimental/tasks'
import { InMemoryTaskStore } from '@modelcontextprotocol/sdk/experimental/tasks'
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { askFleet, callFleet, outcomesOf, rpc, textsOf } from '../support/fleet-calls.ts'
import { connectClient, startFleetGateway } from '../support/fleet-gateway.ts'
import { startUpstream } from '../support/recording-upstream.ts'
import { bodyOf } from '../support/scripted-mcp.ts'
import { startSessionCluster } from '../support/session-cluster.ts'

/** A server of 2025-11-25 with a tool that only runs as a task, and one that may. */
function taskServer(t: TestContext): McpServer {
  const taskStore = new InMemoryTaskStore()
  t.after(() => taskStore.cleanup()) // each task has a timer
  const server = new McpServer(
    { name: 'tasks', version: '1' },
    { capabilities: { tasks: { requests: { tools: { call: {} } } } }, taskStore },
  )
  const register = (name: string, taskSupport: TaskToolExecution['taskSupport']) =>
    server.experimental.tasks.registerToolTask(
      name,
      { annotations: { readOnlyHint: true }, execution: { taskSupport } },
      {
        async createTask({ taskStore: store }) {
          const task = await store.createTask({ ttl: 60_000, pollInterval: 10 })
          const content = [{ type: 'text' as const, text: `${name} is done` }]
          await store.storeTaskResult(task.taskId, 'completed', { content })
          return { task }
        },
        getTask: ({ taskStore: store, taskId }) => store.getTask(taskId),
        async getTaskResult({ taskStore: store, taskId }) {
          const { content } = await store.getTaskResult(taskId)
          return { content: content as { type: 'text'; text: string }[] }
        },
      },
    )
  register('only_as_task', 'required')
  register('also_as_task', 'optional')
  return server
}

for (const mode of ['auto', 'legacy'] as const) {
  test(`no client is offered tasks, and a tool that may run as one is answered (${mode})`, async (t) => {
    const cluster = await startSessionCluster(t, () => taskServer(t))
    const gateway = await startFleetGateway(t, [{ name: 'prod', upstream: cluster.url }])
    const token = await gateway.entra.mint({ person: 'alice' })
    const client = await connectClient(t, gateway.fleetUrl, token, { mode })
    assert.equal(client.getServerCapabilities()?.tasks, undefined)
    const { tools } = await client.listTools()
    for (const { execution } of tools) assert.equal(execution, undefined)
    const given = { name: 'also_as_task', arguments: { cluster: 'prod' } }
    assert.deepEqual((await client.callTool(given)).content, [
      { type: 'text', text: 'also_as_task is done' },
    ])
  })
}

test('a tool that only runs as a task is a tool error that says so, and is not called', async (t) => {
  const cluster = await startSessionCluster(t, () => taskServer(t))
  const gateway = await startFleetGateway(t, [{ name: 'prod', upstream: cluster.url }])
  const asked = { url: gateway.fleetUrl, token: await gateway.entra.mint({ person: 'alice' }) }
  const one = await callFleet(asked, 'only_as_task', { cluster: 'prod' })
  assert.equal(one.isError, true)
  assert.match(textsOf(one)[0] ?? '', /"only_as_task" runs as a task alone.*\/c\/prod\/mcp\.$/)
  const all = await callFleet(asked, 'only_as_task', { cluster: '*' })
  assert.deepEqual(outcomesOf(all), { prod: 'tool_error' })
  assert.ok(!cluster.methods.includes('tools/call'))
  const lines = gateway.log.filter(({ kind }) => kind === 'audit')
  assert.deepEqual(
    lines.map(({ cluster: at, decision, reason }) => [at, decision, reason]),
    Array(2).fill(['prod', 'refuse', 'needs_task']),
  )
})

test('a client that asks for a task all the same gets its answer, and no task (MCP 2025-11-25)', async (t) => {
  const cluster = await startSessionCluster(t, () => taskServer(t))
  const gateway = await startFleetGateway(t, [{ name: 'prod', upstream: cluster.url }])
  const asked = { url: gateway.fleetUrl, token: await gateway.entra.mint({ person: 'alice' }) }
  const call = { name: 'also_as_task', arguments: { cluster: 'prod' }, task: { ttl: 60_000 } }
  const { message } = await askFleet(asked, rpc('tools/call', call))
  assert.deepEqual(message.result?.['content'], [{ type: 'text', text: 'also_as_task is done' }])
  assert.equal(message.result?.['task'], undefined)
  for (const method of ['tasks/get', 'tasks/result', 'tasks/list', 'tasks/cancel']) {
    const answer = await askFleet(asked, rpc(method, { taskId: 'x' }))
    assert.equal(answer.message.error?.code, -32601, method)
  }
  assert.ok(cluster.methods.every((method) => !method.startsWith('tasks/')))
})

const TASKS = 'io.modelcontextprotocol/tasks'

type Extension = readonly [what: string, answer: object, status: number, words: RegExp]

const extensions: readonly Extension[] = [
  [
    'a task that nobody asked for',
    { result: { resultType: 'task', taskId: 'x', status: 'working', createdAt: '2026-01-01' } },
    200,
    /gave an answer of a kind that this endpoint does not have/,
  ],
  [
    'that it wants the extension of its client',
    {
      error: {
        code: -32021,
        message: 'Missing capability',
        data: { requiredCapabilities: { extensions: { [TASKS]: {} } } },
      },
    },
    400,
    /wants an extension of MCP, such as tasks, that this endpoint does not have/,
  ],
]

for (const [what, answer, status, words] of extensions) {
  test(`${what}, from a server of 2026-07-28, is a tool error, and the cluster is not away`, async (t) => {
    const upstream = await startUpstream(t)
    const tool = { name: 'pods_wait', inputSchema: { type: 'object' } }
    const kept = { resultType: 'complete', ttlMs: 0, cacheScope: 'private' }
    const discover = { ...kept, supportedVersions: ['2026-07-28'], capabilities: { tools: {} } }
    const answers: Readonly<Record<string, object>> = {
      'server/discover': { result: discover },
      'tools/list': { result: { ...kept, tools: [tool] } },
      'tools/call': answer,
    }
    upstream.answerWith((_request, response) => {
      const { id, method } = bodyOf(upstream.received.at(-1))
      const code = method === 'tools/call' ? status : 200
      response.writeHead(code, { 'content-type': 'application/json' })
      response.end(JSON.stringify({ jsonrpc: '2.0', id, ...answers[method] }))
    })
    const gateway = await startFleetGateway(t, [{ name: 'prod', upstream: upstream.url }])
    const asked = { url: gateway.fleetUrl, token: await gateway.entra.mint({ person: 'alice' }) }
    for (let call = 0; call < 5; call += 1) {
      const result = await callFleet(asked, 'pods_wait', { cluster: 'prod' })
      assert.equal(result.isError, true)
      assert.match(textsOf(result)[0] ?? '', words)
    }
    const sent = upstream.received
      .map((one) => bodyOf(one))
      .filter(({ params }) => params?.['name'])
    assert.equal(sent.length, 5, 'each call once')
    for (const { params } of sent) assert.ok(!JSON.stringify(params?.['_meta']).includes(TASKS))
  })
}
