import assert from 'node:assert/strict'
import { test } from 'node:test'
import { command as keygen } from '../../src/cli/keygen.ts'
import { command as schema } from '../../src/cli/schema.ts'
import { referencePage } from '../../src/config/reference.ts'
import { jsonSchema } from '../../src/config/schema/settings.ts'
import { configOf, loadWith } from '../support/configuration.ts'
import { recordingTerminal } from '../support/terminal.ts'

test('keygen prints one key that load takes, another each time', async () => {
  const terminal = recordingTerminal()
  assert.equal(await keygen.run([], terminal), 0)
  assert.equal(await keygen.run([], terminal), 0)
  assert.match(terminal.out(), /^([A-Za-z0-9_-]{43}\n){2}$/)
  assert.equal(configOf(loadWith({ sealing_keys: terminal.out() })).sealing_keys.length, 2)
})

test('schema prints the JSON Schema, or the reference page', async () => {
  const terminal = recordingTerminal()
  assert.equal(await schema.run([], terminal), 0)
  assert.deepEqual(JSON.parse(terminal.out()), jsonSchema())
  const page = recordingTerminal()
  assert.equal(await schema.run(['--reference'], page), 0)
  assert.equal(page.out(), referencePage())
})

test('neither takes other arguments', async () => {
  for (const command of [keygen, schema]) {
    assert.equal(await command.run(['x'], recordingTerminal()), 2)
  }
})
