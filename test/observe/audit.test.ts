import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { plainProcessLog } from '../../src/observe/process-log.ts'
import { DEFAULTS } from '../support/defaults.ts'
import { until } from '../support/fault-load.ts'
import { type GatewayOptions, startGateway } from '../support/gateway.ts'
import { post, send, toolCall } from '../support/raw-http.ts'
import { startUpstream } from '../support/recording-upstream.ts'

type Audit = (typeof DEFAULTS)['audit']

function folderOf(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'rolecall-audit-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

async function start(
  t: TestContext,
  audit: Partial<Audit>,
  more: Pick<GatewayOptions, 'lines'> = {},
) {
  const upstream = await startUpstream(t)
  const config = { audit: { ...DEFAULTS.audit, ...audit } }
  const gateway = await startGateway(t, { upstream: upstream.url, config, ...more })
  return { upstream, gateway, token: await gateway.entra.mint() }
}

const linesOf = (file: string): Record<string, unknown>[] =>
  readFileSync(file, 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line))

test('with before_dispatch a call reaches the upstream only once its line is in the file', async (t) => {
  const file = join(folderOf(t), 'audit.jsonl')
  const { upstream, gateway, token } = await start(t, { file, before_dispatch: true })
  const seen: unknown[] = []
  upstream.answerWith((incoming, response) => {
    const id = /req=([\w-]+)/.exec(incoming.headers['user-agent'] ?? '')?.[1]
    seen.push(
      linesOf(file)
        .filter(({ request_id }) => request_id === id)
        .map(({ tool }) => tool),
    )
    response.writeHead(200, { 'content-type': 'application/json' }).end('{}')
  })
  assert.equal((await send(gateway.url, post(token, toolCall('one')))).status, 200)
  const batch = `[${toolCall('two')},${toolCall('three')}]`
  assert.equal((await send(gateway.url, post(token, batch))).status, 200)
  assert.deepEqual(seen, [['one'], ['two', 'three']])
  assert.equal(statSync(file).mode & 0o777, 0o600)
  const onStdout = gateway.log.filter(({ kind }) => kind === 'audit')
  assert.deepEqual(
    onStdout.map(({ tool }) => tool),
    ['one', 'two', 'three'],
    'and on standard output too',
  )
})

test('a line that cannot be written makes no call with before_dispatch, and is told without', async (t) => {
  const strict = await start(t, { file: '/dev/full', before_dispatch: true })
  const answer = await send(strict.gateway.url, post(strict.token))
  assert.equal(answer.status, 503)
  assert.equal(answer.headers['retry-after'], '5')
  assert.equal(strict.upstream.received.length, 0)
  const line = await strict.gateway.logged(({ kind }) => kind === 'request')
  assert.deepEqual(
    [line['decision'], line['reason'], line['outcome']],
    ['unavailable', 'audit_unavailable', 'none'],
  )
  const lax = await start(t, { file: '/dev/full' })
  assert.equal((await send(lax.gateway.url, post(lax.token))).status, 200)
})

test('a client that leaves while its line is written has made no call', async (t) => {
  let write: () => void = () => undefined
  const lines: NonNullable<GatewayOptions['lines']> = (log) => ({
    ...plainProcessLog(log),
    written: () => new Promise<void>((resolve) => (write = resolve)),
  })
  const { upstream, gateway, token } = await start(t, { before_dispatch: true }, { lines })
  const leaving = new AbortController()
  const call = fetch(gateway.url, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: toolCall('a'),
    signal: leaving.signal,
  }).catch(() => undefined)
  await gateway.logged(({ kind }) => kind === 'audit')
  leaving.abort()
  await call
  await gateway.logged(({ kind, status }) => kind === 'request' && status === 499)
  write()
  await new Promise((resolve) => setTimeout(resolve, 50))
  assert.equal(upstream.received.length, 0)
})

test('a reload follows a file that was moved away, and takes another', async (t) => {
  const folder = folderOf(t)
  const file = join(folder, 'audit.jsonl')
  const { gateway, token } = await start(t, { file, before_dispatch: true })
  await send(gateway.url, post(token, toolCall('one')))
  renameSync(file, `${file}.1`)
  await gateway.service.reload(gateway.config)
  await send(gateway.url, post(token, toolCall('two')))
  assert.deepEqual(
    linesOf(`${file}.1`).map(({ tool }) => tool),
    ['one'],
  )
  assert.deepEqual(
    linesOf(file).map(({ tool }) => tool),
    ['two'],
  )
  const audit = { ...gateway.config.audit, file: join(folder, 'nowhere', 'audit.jsonl') }
  await assert.rejects(
    gateway.service.reload({ ...gateway.config, audit }),
    /audit\.file cannot be opened/,
  )
  await send(gateway.url, post(token, toolCall('three')))
  assert.deepEqual(
    linesOf(file).map(({ tool }) => tool),
    ['two', 'three'],
    'the old one goes on',
  )
})

test('the arguments of the tools that are named are logged, masked, and no others', async (t) => {
  const { gateway, token } = await start(t, { arguments: ['pods_delete'] })
  const call = (name: string) =>
    JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'tools/call',
      params: { name, arguments: { namespace: 'é', token: 'S3CR3T' } },
    })
  await send(gateway.url, post(token, call('pods_delete')))
  await send(gateway.url, post(token, call('pods_list')))
  const line = await gateway.logged(({ kind, tool }) => kind === 'audit' && tool === 'pods_delete')
  assert.deepEqual(line['arguments'], { namespace: 'é', token: '********' })
  const other = await gateway.logged(({ kind, tool }) => kind === 'audit' && tool === 'pods_list')
  assert.ok(!('arguments' in other))
  await until(
    'both are over',
    () => gateway.log.filter(({ kind }) => kind === 'request').length === 2,
  )
  assert.doesNotMatch(JSON.stringify(gateway.log), /S3CR3T/)
})
