import assert from 'node:assert/strict'
import { test } from 'node:test'
import { UsageError } from '../../src/cli/arguments.ts'
import { sourcesFrom } from '../../src/cli/configuration.ts'
import { recordingTerminal } from '../support/terminal.ts'

function read(...argv: string[]) {
  const sources = sourcesFrom(argv, recordingTerminal())
  return sources instanceof UsageError ? sources.message : sources.flags
}

test('flags take their value after a space or an equals sign', () => {
  const expected = { upstream: 'http://a/mcp', 'log-level': 'warn' }
  assert.deepEqual(read('--upstream', 'http://a/mcp', '--log-level=warn'), expected)
})

test('a switch is true by itself and takes a value with an equals sign', () => {
  assert.deepEqual(read('--unsafe-any-origin'), { 'unsafe-any-origin': 'true' })
  assert.deepEqual(read('--unsafe-any-origin=false'), { 'unsafe-any-origin': 'false' })
})

test('a list may be given by commas or by repeating its flag', () => {
  assert.deepEqual(read('--audience', 'a,b', '--audience', 'c'), { audience: 'a,b,c' })
})

test('environment and files are those of the terminal', () => {
  const terminal = recordingTerminal({ '/a': 'text' }, { ROLECALL_CONFIG: '/a' })
  const sources = sourcesFrom([], terminal)
  assert.ok(!(sources instanceof UsageError))
  assert.equal(sources.environment['ROLECALL_CONFIG'], '/a')
  assert.equal(sources.readFile('/a'), 'text')
})

const refused = [
  { argv: ['--upstrem', 'x'], words: /--upstrem is not a flag. Did you mean "--upstream"\?/ },
  { argv: ['--upstream'], words: /--upstream needs a value/ },
  { argv: ['--upstream', '--listen', 'x'], words: /--upstream needs a value/ },
  { argv: ['--listen', 'a', '--listen', 'b'], words: /--listen is given twice/ },
  { argv: ['--client-secret', 'hunter2'], words: /--client-secret is not a flag/ },
  { argv: ['--sealing-keys=hunter2'], words: /--sealing-keys is not a flag/ },
  { argv: ['hunter2'], words: /no flag/ },
  { argv: ['-x'], words: /-x is not a flag/ },
]
for (const { argv, words } of refused) {
  test(`refused: ${argv.join(' ')}`, () => {
    const message = read(...argv)
    assert.ok(typeof message === 'string')
    assert.match(message, words)
    assert.doesNotMatch(message, /hunter2/)
  })
}
