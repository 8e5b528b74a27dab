import assert from 'node:assert/strict'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { test } from 'node:test'
import { command } from '../../deploy/demo/demo-command.ts'
import { openMcpSession } from '../environment/mcp-session.ts'
import { EXPECTED_SIGHTS, type Run, runDemo, sightsIn } from '../support/demo-process.ts'
import { recordingTerminal } from '../support/terminal.ts'

const ANY_PORT = [
  '--ui-port',
  '--port',
  '--admin-port',
  '--idp-port',
  '--mcp-port',
  '--cluster-port',
].flatMap((flag) => [flag, '0'])

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

async function pidOf(run: Run, part: string): Promise<number> {
  const match = await run.has('stderr', new RegExp(`started {2}${part} .* pid (\\d+)\\n`))
  return Number(match[1])
}

test('--once: alice sees only team-a, bob only team-b, carol is refused by the cluster; exit 0', async (t) => {
  const run = runDemo(t, ['--once'])
  assert.equal(await run.exit, 0, run.stderr())
  assert.deepEqual(sightsIn(run.stdout()), EXPECTED_SIGHTS)
  assert.match(run.stderr(), /npm run cluster:build/)
  assert.match(run.stdout(), /stand-in/)
  assert.match(run.stdout(), /rolecall redeemed the code and refreshed the token/)
})

test('a demo that runs', async (t) => {
  const run = runDemo(t, ANY_PORT)

  await t.test(
    'the first thing it says is where to click; the page there connects through rolecall',
    async () => {
      const [, origin = ''] = await run.has(
        'stdout',
        /^Open (http:\S+) and click "Connect Kubernetes"/,
      )
      assert.match(await (await fetch(origin)).text(), /Connect Kubernetes/)
      const answer = await fetch(`${origin}/api/connect`, {
        method: 'POST',
        headers: { origin, 'content-type': 'application/json' },
        body: JSON.stringify({ sendsResource: false, picksAccount: false }),
      })
      const { authorizeUrl } = (await answer.json()) as { authorizeUrl: string }
      const [, idp = ''] = await run.has('stdout', /mock Entra ID +(\S+)/)
      assert.equal(new URL(authorizeUrl).origin, idp)
    },
  )

  await t.test(
    'what it prints works: a token from the mock lists tools at the address given',
    async () => {
      await assertPrintedCommandsWork(run)
    },
  )

  await t.test('SIGTERM ends every part and removes the files; exit 0', async () => {
    const pids = [await pidOf(run, 'kubernetes-mcp-server'), await pidOf(run, 'rolecall')]
    const [, config = ''] = await run.has('stdout', /rolecall was started with\n +(\S+)/)
    assert.ok(existsSync(config))
    run.kill('SIGTERM')
    assert.equal(await run.exit, 0)
    assert.deepEqual(pids.map(isAlive), [false, false])
    assert.equal(existsSync(config), false)
  })
})

async function assertPrintedCommandsWork(run: Run): Promise<void> {
  const [, tokenUrl = ''] = await run.has('stdout', /TOKEN=\$\(curl -s '([^']+)'\)/)
  const [, url = ''] = await run.has('stdout', /rolecall +(http:\S+\/mcp) +what MCP clients/)
  const token = await (await fetch(tokenUrl)).text()
  const session = await openMcpSession(url, token)
  assert.ok((await session.listTools()).includes('pods_list_in_namespace'))
  await session.close()
  const [, path = '', body = ''] = await run.has('stdout', /curl -s (\S+) -H [\s\S]*? -d '([^']+)'/)
  const answer = await fetch(path, {
    method: 'POST',
    body,
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
    },
  })
  assert.match(await answer.text(), /shop-web/)
  const [, config = ''] = await run.has('stdout', /rolecall was started with\n +(\S+)/)
  assert.match(await readFile(config, 'utf8'), /upstream = /)
  const [, audit = ''] = await run.has('stdout', /tail -f (\S+cluster-audit\.log)/)
  assert.match(await readFile(audit, 'utf8'), /"username":"alice@contoso\.test"/)
}

for (const [part, survivor] of [
  ['kubernetes-mcp-server', 'rolecall'],
  ['rolecall', 'kubernetes-mcp-server'],
] as const) {
  test(`the end of ${part} ends the rest and is told; exit 1`, async (t) => {
    const run = runDemo(t, ANY_PORT)
    const pid = await pidOf(run, part)
    const other = await pidOf(run, survivor)
    await run.has('stdout', /Ctrl-C stops everything/)
    process.kill(pid, 'SIGKILL')
    assert.equal(await run.exit, 1)
    assert.match(run.stderr(), new RegExp(`^${part} ended: it was ended by SIGKILL$`, 'm'))
    assert.equal(isAlive(other), false)
  })
}

test('a port that is taken is named with the flag that changes it; exit 1', async (t) => {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  const { port } = server.address() as AddressInfo
  const terminal = recordingTerminal()
  const flags = [...ANY_PORT, '--cluster', 'stand-in', '--idp-port', String(port)]
  assert.equal(await command.run(flags, terminal), 1)
  assert.match(terminal.err(), new RegExp(`port ${port} is taken: choose another with --idp-port`))
  assert.doesNotMatch(terminal.err(), /started/)
})

test('a real cluster that is not built is exit 2 and starts nothing', async (t) => {
  const run = runDemo(t, ['--cluster', 'real'])
  assert.equal(await run.exit, 2)
  assert.match(run.stderr(), /npm run cluster:build/)
  assert.doesNotMatch(run.stderr(), /started/)
})

const misuse: Record<string, { flags: string[]; says: RegExp }> = {
  'a trust set-up for the stand-in': {
    flags: ['--cluster', 'stand-in', '--trust', 'webhook'],
    says: /--trust is for --cluster real/,
  },
  'a cluster of another kind': {
    flags: ['--cluster', 'kind'],
    says: /real or stand-in, not "kind"/,
  },
  'a port that is no number': { flags: ['--port', 'http'], says: /--port must be a number/ },
  'a flag that it does not know': { flags: ['--twice'], says: /--twice/ },
}
for (const [what, { flags, says }] of Object.entries(misuse)) {
  test(`${what} is exit 2 and starts nothing`, async () => {
    const terminal = recordingTerminal()
    assert.equal(await command.run(flags, terminal), 2)
    assert.match(terminal.err(), says)
    assert.doesNotMatch(terminal.err(), /started/)
  })
}
