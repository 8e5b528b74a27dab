import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { recordingTerminal } from '../../../support/terminal.ts'
import { command } from '../../mock-entra/mock-idp-command.ts'
import { readPeople } from '../../people.ts'

const program = fileURLToPath(new URL('../../mock-entra/main.ts', import.meta.url))

test('mock-idp prints a command that gets a token, and ends with 0 on SIGTERM', async (t) => {
  const child = spawn(process.execPath, ['--import', 'tsx', program, '--port', '0'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.after(() => child.kill('SIGKILL'))
  const exit = once(child, 'exit')
  for await (const line of createInterface(child.stdout)) {
    const url = /curl -s '(\S+)'/.exec(line)?.[1]
    if (url) {
      assert.match(await (await fetch(url)).text(), /^eyJ/)
      child.kill('SIGTERM')
      break
    }
  }
  assert.deepEqual(await exit, [0, null])
})

test('mock-idp ends with 2 for a port that is none, and with 1 for one that is taken', async (t) => {
  const ends = (port: string) => command.run(['--port', port], recordingTerminal())
  assert.equal(await ends('70000'), 2)
  const taken = createServer().listen(0, '127.0.0.1')
  await once(taken, 'listening')
  t.after(() => taken.close())
  const address = taken.address()
  assert.ok(address && typeof address === 'object')
  assert.equal(await ends(String(address.port)), 1)
})

const keysMisuse: Readonly<Record<string, { flags: readonly string[]; says: RegExp }>> = {
  'an address without a certificate': {
    flags: ['--keys-url', 'https://10.96.0.90'],
    says: /--keys-url, --keys-certificate and --keys-key go together/,
  },
  'an address that an API server would not ask': {
    flags: ['--keys-url', 'http://a', '--keys-certificate', 'b', '--keys-key', 'c'],
    says: /--keys-url must be an https URL, not "http:\/\/a"/,
  },
  'a certificate that is not there': {
    flags: ['--keys-url', 'https://a', '--keys-certificate', '/nowhere', '--keys-key', '/nowhere'],
    says: /ENOENT.*\/nowhere/,
  },
}
for (const [what, { flags, says }] of Object.entries(keysMisuse)) {
  test(`mock-idp ends with 2 for keys at ${what}`, async () => {
    const terminal = recordingTerminal()
    assert.equal(await command.run(['--port', '0', ...flags], terminal), 2)
    assert.match(terminal.err(), says)
  })
}

const files: readonly { what: string; text: string; error: RegExp }[] = [
  { what: 'is not JSON', text: '{', error: /is not JSON/ },
  { what: 'lacks a member', text: '{"groups":[]}', error: /people/ },
  {
    what: 'names a group that is not there',
    text: JSON.stringify({
      groups: [],
      people: [
        {
          username: 'eve',
          oid: 'a11ce000-0000-4000-8000-000000000009',
          upn: 'eve@contoso.test',
          given_name: 'Eve',
          family_name: 'Evans',
          groups: ['team-z'],
        },
      ],
    }),
    error: /eve is in "team-z"/,
  },
]
for (const { what, text, error } of files) {
  test(`a file of people that ${what} is refused in words`, async (t) => {
    const directory = await mkdtemp(join(tmpdir(), 'rolecall-people-'))
    t.after(() => rm(directory, { recursive: true }))
    const path = join(directory, 'people.json')
    await writeFile(path, text)
    await assert.rejects(readPeople(path), error)
  })
}
