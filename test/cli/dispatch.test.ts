import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Command } from '../../src/cli/command.ts'
import { type Commands, dispatch } from '../../src/cli/dispatch.ts'
import { version } from '../../src/version.ts'
import { recordingTerminal } from '../support/terminal.ts'

function commandThat(code: number): Command {
  return {
    summary: `ends with ${code}`,
    usage: `Usage: ends with ${code}\n`,
    run: async (argv, terminal) => {
      terminal.stdout(`ran with ${argv.join(' ')}\n`)
      return code
    },
  }
}

function missing(): Promise<never> {
  const error = Object.assign(new Error('Cannot find module'), { code: 'ERR_MODULE_NOT_FOUND' })
  return Promise.reject(error)
}

const commands: Commands = {
  check: async () => ({ command: commandThat(0) }),
  serve: async () => ({ command: commandThat(2) }),
}

async function run(...argv: string[]) {
  const terminal = recordingTerminal()
  const code = await dispatch(argv, terminal, commands)
  return { code, out: terminal.out(), err: terminal.err() }
}

test('a command gets what follows its name, and its code is the exit code', async () => {
  assert.deepEqual(await run('check', '--a', 'b'), { code: 0, out: 'ran with --a b\n', err: '' })
})

test('code 2 points to the usage', async () => {
  const { code, err } = await run('serve')
  assert.equal(code, 2)
  assert.match(err, /rolecall serve --help/)
})

test('--help shows the usage, anywhere and without running anything', async () => {
  for (const argv of [
    ['check', '--help'],
    ['check', 'x', '-h'],
  ]) {
    assert.deepEqual(await run(...argv), { code: 0, out: 'Usage: ends with 0\n', err: '' })
  }
  const { code, out } = await run('--help')
  assert.equal(code, 0)
  assert.match(out, /check +ends with 0\n/)
})

test('--version is the version, anywhere', async () => {
  for (const argv of [['--version'], ['check', '--version']]) {
    assert.deepEqual(await run(...argv), { code: 0, out: `rolecall ${version}\n`, err: '' })
  }
})

test('an unknown command is bad usage, with the nearest name', async () => {
  const { code, out, err } = await run('chek')
  assert.equal(code, 2)
  assert.equal(out, '')
  assert.match(err, /Did you mean "check"\?/)
  assert.match(err, /Usage: rolecall <command>/)
})

test('one that is like none is told without a guess', async () => {
  const { err } = await run('frobnicate')
  assert.match(err, /^"frobnicate" is not a command\.\n\nUsage: rolecall <command>/)
})

test('names that every object has are unknown commands', async () => {
  for (const name of ['constructor', '__proto__', 'toString']) {
    assert.equal((await run(name)).code, 2)
  }
})

test('no command is bad usage', async () => {
  const { code, err } = await run()
  assert.equal(code, 2)
  assert.match(err, /^Usage/)
})

test('what belongs to a clone says where it is', async () => {
  for (const name of ['demo', 'mock-idp']) {
    const { code, err } = await run(name)
    assert.equal(code, 2)
    assert.match(err, new RegExp(`belongs to a clone of the repository: npm run ${name}`))
    assert.doesNotMatch((await run('--help')).out, /demo/)
  }
})

test('a module that must be there and is not is a failure', async () => {
  const broken: Commands = { check: missing }
  await assert.rejects(dispatch(['check'], recordingTerminal(), broken), /Cannot find module/)
})
