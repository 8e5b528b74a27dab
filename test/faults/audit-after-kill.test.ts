import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { until } from '../support/fault-load.ts'
import { prepareServe, untilReady } from '../support/fault-process.ts'
import { startEntra } from '../support/gateway.ts'
import { post, send, toolCall } from '../support/raw-http.ts'
import { startUpstream } from '../support/recording-upstream.ts'

const CALLERS = 16
const CALLS_BEFORE = 300

interface AfterKill {
  /** The request ids of the calls that reached the upstream. */
  readonly reached: readonly string[]
  /** Of those that were answered to their client. */
  readonly answered: ReadonlySet<string>
  /** Of those whose audit line is in `audit.file`. */
  readonly logged: ReadonlySet<string>
}

/** Callers without a pause, until the process is killed between two of its turns, or within one. */
async function killUnderLoad(t: TestContext, before_dispatch: boolean): Promise<AfterKill> {
  const reached: string[] = []
  const upstream = await startUpstream(t)
  upstream.answerWith((incoming, response) => {
    const id = /\(req=([\w-]+)\)/.exec(incoming.headers['user-agent'] ?? '')?.[1]
    if (id !== undefined) reached.push(id) // without one: rolecall's own question
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end('{"jsonrpc":"2.0","id":1,"result":{}}')
  })
  // A file takes every line; a pipe is full as soon as its reader, which has callers to serve, lags.
  const folder = mkdtempSync(join(tmpdir(), 'rolecall-audit-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'audit.log')
  const entra = await startEntra(t)
  const serve = await prepareServe(t, {
    upstream: upstream.url,
    tenantId: entra.tenantId,
    authority: entra.origin,
    settings: { audit: { before_dispatch, file } },
  })
  const serving = await serve()
  await untilReady(serving)
  const answered = new Set<string>()
  const request = post(await entra.mint(), toolCall('pods_delete'))
  const caller = async (): Promise<void> => {
    for (;;) answered.add(String((await send(serving.url, request)).headers['x-request-id']))
  }
  const callers = Promise.allSettled(Array.from({ length: CALLERS }, caller))
  await until('calls are made', () => reached.length > CALLS_BEFORE)
  await serving.kill()
  await callers
  const lines = readFileSync(file, 'utf8').split('\n').slice(0, -1)
  const logged = lines
    .map((line) => JSON.parse(line) as Record<string, unknown>)
    .filter(({ kind, decision }) => kind === 'audit' && decision === 'allow')
    .map((line) => String(line['request_id']))
  return { reached, answered, logged: new Set(logged) }
}

test('kill -9 under load: with before_dispatch every call that reached the upstream has its line', async (t) => {
  const { reached, logged } = await killUnderLoad(t, true)
  assert.ok(reached.length > CALLS_BEFORE)
  assert.deepEqual(
    reached.filter((id) => !logged.has(id)),
    [],
  )
})

test('without it a kill loses lines of calls that were under way, and of no other', async (t) => {
  const { reached, answered, logged } = await killUnderLoad(t, false)
  const lost = reached.filter((id) => !logged.has(id))
  assert.ok(lost.length <= CALLERS, `${lost.length} of ${reached.length} lines`)
  assert.deepEqual(
    lost.filter((id) => answered.has(id)),
    [],
  )
  t.diagnostic(`${lost.length} of ${reached.length} lines were lost`)
})
