import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { allWarningsOf, configOf, loadToml, NO_SIGN_IN, tenant } from '../support/configuration.ts'

const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8')
const example = (/```toml\n(.*?)```/s.exec(readme)?.[1] ?? '').replaceAll('<TENANT_ID>', tenant)
const signIn = example.replace(/^# (?=sealing_keys_file|identity_provider\.)/gm, '')

test('the first example of the README loads, and says as check does that no client can sign in', () => {
  const loaded = loadToml(example)
  assert.equal(configOf(loaded).sign_in.mode, 'off')
  assert.ok(allWarningsOf(loaded).some(({ message }) => NO_SIGN_IN.test(message)))
  assert.match(example, NO_SIGN_IN)
})

test('its three lines make it broker, off loopback', () => {
  assert.equal(signIn.split('\n').length, example.split('\n').length)
  const files = {
    '/etc/rolecall/sealing-keys': 'A'.repeat(43),
    '/etc/rolecall/client-secret': 'hunter2',
  }
  const loaded = loadToml(signIn, { files })
  assert.equal(configOf(loaded).sign_in.mode, 'broker')
  assert.equal(configOf(loaded).public_url, 'https://mcp.example.com')
  assert.deepEqual(allWarningsOf(loaded), [])
})
