import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { freePort } from '../environment/ports.ts'
import { repeat, until } from '../support/fault-load.ts'
import { send } from '../support/raw-http.ts'
import { startUpstream } from '../support/recording-upstream.ts'

const program = fileURLToPath(new URL('../../src/cli/rolecall.ts', import.meta.url))

test('a log reader that stands still holds up no request, and no stop', async (t) => {
  const upstream = await startUpstream(t)
  const [port, admin] = [await freePort(), await freePort()]
  const flags = ['--upstream', upstream.url, '--issuer', 'http://127.0.0.1:1/', '--audience', 'x']
  const serving = spawn(process.execPath, ['--import', 'tsx', program, 'serve', ...flags], {
    stdio: ['ignore', 'pipe', 'ignore'], // nobody reads it
    env: {
      ...process.env,
      ROLECALL__LISTEN: `127.0.0.1:${port}`,
      ROLECALL__ADMIN_LISTEN: `127.0.0.1:${admin}`,
      ROLECALL__SHUTDOWN_DELAY: '0s',
      ROLECALL__SHUTDOWN_GRACE: '1s',
    },
  })
  t.after(() => serving.kill('SIGKILL'))
  const livez = () =>
    send(`http://127.0.0.1:${admin}/livez`).then(
      () => true,
      () => false,
    )
  await until('it serves', livez, 20_000)
  // Some 300 bytes of log each: several times what a pipe holds.
  await repeat(2_000, 20, async () => {
    const { status } = await send(`http://localhost:${port}/mcp`, { method: 'POST', body: '{}' })
    assert.equal(status, 401)
  })
  const exit = once(serving, 'exit')
  serving.kill('SIGTERM')
  assert.deepEqual(await exit, [0, null])
})
