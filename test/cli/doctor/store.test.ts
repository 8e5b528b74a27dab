import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { stringify } from 'smol-toml'
import { command as doctor } from '../../../src/cli/doctor/doctor.ts'
import type { DoctorCheck } from '../../../src/cli/doctor/report.ts'
import { freePort } from '../../environment/ports.ts'
import { fileWith } from '../../support/configuration.ts'
import { startEntra } from '../../support/gateway.ts'
import { onRedis, startRedis } from '../../support/redis-server.ts'
import { recordingTerminal } from '../../support/terminal.ts'

/** What doctor says of the store with this URL, and everything that it prints. */
async function examine(t: TestContext, url: string | undefined, mode = 'relay') {
  const entra = await startEntra(t)
  const file = fileWith({
    public_url: 'http://localhost:8080',
    identity_provider: {
      kind: 'entra',
      tenant_id: entra.tenantId,
      authority: entra.origin,
      client_id: 'an-app',
    },
    'resource.0.upstream': 'http://127.0.0.1:9/mcp',
    sign_in: mode === 'off' ? { mode } : { mode, redirect_uris: ['robusta'] },
    ...(url !== undefined && { store: { redis_url: url } }),
  })
  const terminal = recordingTerminal({ '/etc/rolecall.toml': stringify(file) })
  await doctor.run(['--config', '/etc/rolecall.toml', '--json'], terminal)
  const { checks } = JSON.parse(terminal.out()) as { checks: DoctorCheck[] }
  return { checks: checks.filter(({ name }) => name === 'store'), printed: terminal.out() }
}

onRedis('doctor looks at the store', () => {
  test('a store that can be used is named with its version', async (t) => {
    const server = await startRedis(t)
    const { checks } = await examine(t, server.url)
    assert.deepEqual(
      checks.map(({ verdict, remedy }) => [verdict, remedy]),
      [['ok', undefined]],
    )
    assert.match(
      checks[0]?.sentence ?? '',
      /^(Redis|Valkey) \d+\.\d+\.\d+ keeps what it is given\.$/,
    )
  })

  test('a store that refuses the login is a failure with the remedy, and the password is nowhere', async (t) => {
    const server = await startRedis(t, { password: 'right' })
    const { checks, printed } = await examine(t, server.url.replace('right', 'hunter2'))
    assert.equal(checks[0]?.verdict, 'failed')
    assert.match(checks[0]?.sentence ?? '', /WRONGPASS.*no user can sign in.*calls go on/)
    assert.match(checks[0]?.remedy ?? '', /redis_password_file/)
    assert.doesNotMatch(printed, /hunter2/)
  })
})

test('a store that is away is a failure that names the setting', async (t) => {
  const { checks } = await examine(t, `redis://127.0.0.1:${await freePort()}`)
  assert.equal(checks[0]?.verdict, 'failed')
  assert.match(checks[0]?.sentence ?? '', /ECONNREFUSED/)
  assert.match(checks[0]?.remedy ?? '', /redis_url of \[store\]/)
})

test('without a store, and in mode off, nothing is said of it', async (t) => {
  assert.deepEqual((await examine(t, undefined)).checks, [])
  assert.deepEqual((await examine(t, 'redis://127.0.0.1:9', 'off')).checks, [])
})
