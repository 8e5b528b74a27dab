import assert from 'node:assert/strict'
import { test } from 'node:test'
import { needsRestart } from '../../../src/cli/reload/needs-restart.ts'
import type { Config } from '../../../src/config/config.ts'
import { DEFAULTS, limitsWith } from '../../support/defaults.ts'

const pair = { certificate: 'a', key: 'b' }
const changes: readonly (readonly [change: Partial<Config>, keys: readonly string[]])[] = [
  [{}, []],
  [{ listen: { host: '127.0.0.1', port: 1 } }, ['listen']],
  [{ admin_listen: { host: '::1', port: 9090 } }, ['admin_listen']],
  [{ keep_alive: 600_000 }, ['keep_alive']],
  [{ limits: limitsWith({ header_bytes: 8192 }) }, ['limits.header_bytes']],
  [{ limits: limitsWith({ header_timeout: 1 }) }, ['limits.header_timeout']],
  [{ limits: limitsWith({ body_timeout: 1 }) }, ['limits.body_timeout']],
  [{ limits: limitsWith({ connections: 9 }) }, ['limits.connections']],
  [{ limits: limitsWith({ body_bytes: 9, calls_per_user: 1, batch_messages: 2 }) }, []],
  [{ tls: pair }, ['tls_certificate_file']],
  [{ log_level: 'debug', shutdown_grace: 1 }, []],
]
for (const [change, keys] of changes) {
  test(`a reload that changes ${JSON.stringify(change).slice(0, 60)} names ${keys.join(', ') || 'nothing'}`, () => {
    const told = needsRestart(DEFAULTS, { ...DEFAULTS, ...change })
    assert.deepEqual(
      told.map(({ key }) => key),
      keys,
    )
  })
}

test('a renewed certificate needs none', () => {
  const renewed = { ...DEFAULTS, tls: { certificate: 'c', key: 'd' } }
  assert.deepEqual(needsRestart({ ...DEFAULTS, tls: pair }, renewed), [])
})
