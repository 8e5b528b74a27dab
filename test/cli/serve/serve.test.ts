import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { type AddressInfo, connect, createServer } from 'node:net'
import { type TestContext, test } from 'node:test'
import { freePort } from '../../environment/ports.ts'
import { prepareServe, type ServeProcess, untilReady } from '../../support/fault-process.ts'
import { startEntra } from '../../support/gateway.ts'
import { post, send } from '../../support/raw-http.ts'
import { startUpstream } from '../../support/recording-upstream.ts'

async function start(
  t: TestContext,
  settings: Readonly<Record<string, unknown>> = {},
  environment: Readonly<Record<string, string>> = {},
) {
  const upstream = await startUpstream(t)
  const entra = await startEntra(t)
  const { tenantId, origin: authority } = entra
  const serve = await prepareServe(t, {
    upstream: upstream.url,
    tenantId,
    authority,
    settings,
    environment,
  })
  return { entra, serve }
}

async function edit({ config }: ServeProcess, from: string | RegExp, to: string): Promise<void> {
  const text = await readFile(config, 'utf8')
  const edited = text.replace(from, to)
  assert.notEqual(edited, text)
  await writeFile(config, edited)
}

async function logged(serving: ServeProcess, pattern: RegExp): Promise<void> {
  const began = performance.now()
  while (!pattern.test(serving.log())) {
    assert.ok(performance.now() - began < 10_000, `${pattern} is not in:\n${serving.log()}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

test('SIGHUP reads the configuration again; one that is wrong is told and changes nothing', async (t) => {
  const { entra, serve } = await start(t)
  const serving = await serve()
  await untilReady(serving)
  const token = await entra.mint()
  assert.equal((await send(serving.url, post(token))).status, 200)

  await edit(serving, 'audiences = ', 'required_scopes = ["cluster.write"]\naudiences = ')
  process.kill(serving.pid, 'SIGHUP')
  await logged(serving, /"outcome":"done"/)
  assert.equal((await send(serving.url, post(token))).status, 403)

  await edit(serving, 'cluster.write"]', 'user.read"]\nrequired_scope = []')
  process.kill(serving.pid, 'SIGHUP')
  await logged(serving, /"outcome":"refused"/)
  assert.match(serving.log(), /"key":"resource\[0\]\.required_scope".*required_scopes/)
  assert.equal((await send(serving.url, post(token))).status, 403)
})

test('SIGUSR1 opens no inspector', async (t) => {
  const port = await freePort()
  const { serve } = await start(t, {}, { NODE_OPTIONS: `--inspect-port=${port}` })
  const serving = await serve()
  await untilReady(serving)
  process.kill(serving.pid, 'SIGUSR1')
  for (let i = 0; i < 10; i += 1) {
    const socket = connect(port, '127.0.0.1')
    const [error] = await once(socket, 'error')
    assert.equal(error.code, 'ECONNREFUSED')
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  assert.equal((await send(`${serving.admin}/livez`)).status, 200)
})

test('a file that changes is read again without a signal', async (t) => {
  const { entra, serve } = await start(t)
  const serving = await serve()
  await untilReady(serving)
  const token = await entra.mint()
  await edit(serving, 'path = "/mcp"', 'path = "/elsewhere"')
  await logged(serving, /"outcome":"done"/)
  assert.equal((await send(serving.url, post(token))).status, 404)
  assert.equal((await send(serving.url.replace('/mcp', '/elsewhere'), post(token))).status, 200)
})

test('SIGINT stops it with 0, and its last lines are written', async (t) => {
  const { serve } = await start(t)
  const serving = await serve()
  await untilReady(serving)
  process.kill(serving.pid, 'SIGINT')
  const { code, signal } = await serving.exited
  assert.deepEqual([code, signal], [0, null])
  assert.match(serving.log(), /"stopped"\}\n$/)
})

for (const setting of ['listen', 'admin_listen']) {
  test(`a taken ${setting} is exit 1 and names the setting`, async (t) => {
    const taken = createServer().listen(0, '127.0.0.1')
    await once(taken, 'listening')
    t.after(() => taken.close())
    const { port } = taken.address() as AddressInfo
    const { serve } = await start(t, { [setting]: `127.0.0.1:${port}` })
    const serving = await serve()
    const { code, lastLines } = await serving.exited
    assert.equal(code, 1)
    assert.match(lastLines.join('\n'), /EADDRINUSE.*`listen` or `admin_listen`/)
  })
}

test('a wrong configuration is exit 2 with every problem, and nothing listens', async (t) => {
  const { serve } = await start(t, { allowed_origin: ['https://a.example'], log_level: 'loud' })
  const serving = await serve()
  const { code, lastLines } = await serving.exited
  assert.equal(code, 2)
  assert.match(
    lastLines.join('\n'),
    /allowed_origins[\s\S]*log_level|log_level[\s\S]*allowed_origins/,
  )
})
