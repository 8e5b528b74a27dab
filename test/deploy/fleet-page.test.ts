import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { auditLineSchema } from '../../src/observe/log-lines.ts'
import { configOf, loadToml, warningsOf } from '../support/configuration.ts'
import { jqMissing } from '../support/jq.ts'
import { commandsIn } from './support/guide.ts'

const page = readFileSync(new URL('../../deploy/fleet.md', import.meta.url), 'utf8')

test('the configuration of fleet.md is whole, and loads without a warning, with both clusters', () => {
  const [, text = ''] = /```toml\n([\s\S]*?)```/.exec(page) ?? []
  const loaded = loadToml(text.replaceAll(/<[A-Z_]+>/g, '11111111-2222-4333-8444-555555555555'), {
    files: {
      '/etc/rolecall-keys/sealing-keys': randomBytes(32).toString('base64url'),
      '/etc/rolecall-secrets/client-secret': 'secret',
    },
  })
  assert.deepEqual(configOf(loaded).fleet?.members, ['prod-eu', 'staging'])
  assert.deepEqual(warningsOf(loaded), [])
})

test('the query of fleet.md counts the calls at each cluster', { skip: jqMissing }, (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'rolecall-fleet-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const line = {
    level: 'info',
    time: '2026-03-01T12:00:00.000Z',
    client_ip: '10.0.0.1',
    kind: 'audit',
    mcp_method: 'tools/call',
    request_id: 'request-1',
    decision: 'allow',
    user: 'alice@example.com',
    resource: 'fleet',
    tool: 'pods_list',
  }
  const lines = [
    { ...line, cluster: 'prod-eu' },
    { ...line, cluster: 'prod-eu' },
    { ...line, cluster: 'staging' },
    { ...line, resource: 'prod-eu' },
  ].map((one) => JSON.stringify(auditLineSchema.parse(one)))
  writeFileSync(join(folder, 'rolecall.log'), `${lines.join('\n')}\n`)
  const [command = ''] = commandsIn(page)
  const { stdout } = spawnSync('bash', ['-c', command], { cwd: folder, encoding: 'utf8' })
  assert.deepEqual(
    stdout
      .trim()
      .split('\n')
      .map((text) => text.trim().split(/\s+/).slice(0, 3)),
    [
      ['2', 'prod-eu', 'alice@example.com'],
      ['1', 'staging', 'alice@example.com'],
    ],
  )
})
