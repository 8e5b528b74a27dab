import assert from 'node:assert/strict'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { test } from 'node:test'
import { signInThroughBroker } from '../../deploy/demo/broker-walk.ts'
import { command } from '../../deploy/demo/demo-command.ts'
import { openMcpSession } from '../environment/mcp-session.ts'
import { EXPECTED_SIGHTS, type Run, runDemo, sightsIn } from '../support/demo-process.ts'
import { recordingTerminal } from '../support/terminal.ts'

const ANY_PORT = [
  '--ui-port',
  '--port',
  '--admin-port',
  '--relay-port',
  '--relay-admin-port',
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

/** `part` is what stands before the pid: a name, or the URL of one of the rolecalls. */
async function pidOf(run: Run, part: string): Promise<number> {
  const match = await run.has('stderr', new RegExp(`started .*${part}[^,\\n]* pid (\\d+)`))
  return Number(match[1])
}

/** Where a rolecall is, by its mode. */
async function urlOf(run: Run, mode: 'broker' | 'relay'): Promise<string> {
  const [, url = ''] = await run.has('stdout', new RegExp(`rolecall, ${mode} +(http:\\S+/mcp) `))
  return url
}

test('--once: each sees their own by broker and by relay, carol is refused by the cluster; exit 0', async (t) => {
  const run = runDemo(t, ['--once'])
  assert.equal(await run.exit, 0, run.stderr())
  assert.deepEqual(sightsIn(run.stdout()), [...EXPECTED_SIGHTS, ...EXPECTED_SIGHTS])
  assert.match(run.stderr(), /^started {3}mock Entra ID/, 'nothing is missing: a stand-in will do')
  assert.match(run.stdout(), /stand-in[\s\S]*Through the broker[\s\S]*Through the relay/)
  assert.match(run.stdout(), /both ways agree/)
})

test('--once --clusters 3: one sign-in at the fleet, each sees theirs on every cluster; exit 0', async (t) => {
  const run = runDemo(t, ['--once', '--clusters', '3'])
  assert.equal(await run.exit, 0, run.stderr())
  const [, alice = '', bob = '', stopped = ''] = run.stdout().split(/^(?:alice|bob), team-./m)
  assert.match(
    alice,
    /## prod\n.*\n.*shop-web[\s\S]*## staging\n.*\n.*shop-web[\s\S]*## dev: refused/,
  )
  assert.match(
    alice,
    /2 of 3 clusters answered\. Not in this answer: dev \(not allowed for you\)\./,
  )
  assert.match(
    bob,
    /## prod\n.*\n.*billing-api[\s\S]*## staging: refused[\s\S]*\b1 of 3 clusters answered/,
  )
  assert.match(
    stopped,
    /## staging: cannot be reached now[\s\S]*Not in this answer: staging \(unreach/,
  )
})

test('a demo with a fleet ends with the URL of the fleet to add', async (t) => {
  const run = runDemo(t, [...ANY_PORT, '--clusters', '3'])
  const [, url = ''] = await run.has(
    'stdout',
    /^Add +(http:\S+\/fleet\/mcp) to your MCP client: claude mcp add --transport http rolecall-fleet \1$/m,
  )
  const session = await openMcpSession(url, await signInThroughBroker(url, 'alice'))
  assert.equal((await session.listTools())[0], 'clusters_list')
  assert.match((await session.call('clusters_list', {})).text, /- prod: reachable, you are alice@/)
  await session.close()
})

test('a demo that runs', async (t) => {
  const run = runDemo(t, ANY_PORT)

  await t.test(
    'the last lines are what to open, what to add and how to stop, without colour in a pipe',
    async () => {
      await run.has('stdout', /stops everything\n/)
      const lines = run.stdout().trimEnd().split('\n').slice(-3)
      const broker = await urlOf(run, 'broker')
      const add = `claude mcp add --transport http rolecall-demo ${broker}`
      assert.match(lines[0] ?? '', /^Open +http:\S+ and press "Connect Kubernetes"$/)
      assert.equal(lines[1], `Add     ${broker} to your MCP client: ${add}`)
      assert.match(lines[2] ?? '', /^Ctrl-C +stops everything$/)
      assert.ok(!`${run.stdout()}${run.stderr()}`.includes('\u001b'))
    },
  )

  await t.test('an MCP client that is given the broker’s URL alone is signed in', async () => {
    const url = await urlOf(run, 'broker')
    const session = await openMcpSession(url, await signInThroughBroker(url, 'bob'))
    const answer = await session.call('pods_list_in_namespace', { namespace: 'team-b' })
    assert.match(answer.text, /billing-api/)
    await session.close()
  })

  await t.test(
    'the page connects through the relay, whose sign-in page says who sees what',
    async () => {
      const [, origin = ''] = await run.has('stdout', /^Open +(http:\S+) and press/m)
      assert.match(await (await fetch(origin)).text(), /Connect Kubernetes/)
      const answer = await fetch(`${origin}/api/connect`, {
        method: 'POST',
        headers: { origin, 'content-type': 'application/json' },
        body: JSON.stringify({ sendsResource: false, picksAccount: false }),
      })
      const { authorizeUrl } = (await answer.json()) as { authorizeUrl: string }
      const [, idp = ''] = await run.has('stdout', /mock Entra ID +(\S+)/)
      assert.equal(new URL(authorizeUrl).origin, idp)
      const page = await (await fetch(authorizeUrl)).text()
      assert.match(page, /This is a mock/)
      assert.match(page, /alice@contoso\.test[\s\S]*may see the namespace team-a, not team-b/)
      assert.match(page, /carol@contoso\.test[\s\S]*may see nothing in this cluster/)
    },
  )

  await t.test(
    'what it prints works: a token from the mock lists tools at the address given',
    async () => {
      await assertPrintedCommandsWork(run)
    },
  )

  await t.test('SIGTERM ends every part and removes the files; exit 0', async () => {
    const parts = [await urlOf(run, 'broker'), await urlOf(run, 'relay'), 'kubernetes-mcp-server']
    const pids = await Promise.all(parts.map((part) => pidOf(run, part)))
    const [, config = ''] = await run.has('stdout', /configuration +(\S+)/)
    assert.ok(existsSync(config))
    run.kill('SIGTERM')
    assert.equal(await run.exit, 0)
    assert.deepEqual(pids.map(isAlive), [false, false, false])
    assert.equal(existsSync(config), false)
  })
})

async function assertPrintedCommandsWork(run: Run): Promise<void> {
  const [, tokenUrl = ''] = await run.has('stdout', /TOKEN=\$\(curl -s '([^']+)'\)/)
  const url = await urlOf(run, 'relay')
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
  const [, relay = '', broker = ''] = await run.has('stdout', /configuration +(\S+) +(\S+)\n/)
  assert.match(await readFile(relay, 'utf8'), /mode = "relay"/)
  assert.match(await readFile(broker, 'utf8'), /mode = "broker"/)
  const [, audit = ''] = await run.has('stdout', /(\S+cluster-audit\.log)/)
  assert.match(await readFile(audit, 'utf8'), /"username":"alice@contoso\.test"/)
}

/** Parts that may end by themselves, and which process each is. */
const ENDS: Readonly<Record<string, (run: Run) => Promise<number>>> = {
  'kubernetes-mcp-server': (run) => pidOf(run, 'kubernetes-mcp-server'),
  'rolecall (relay)': async (run) => pidOf(run, await urlOf(run, 'relay')),
}
for (const [part, find] of Object.entries(ENDS)) {
  test(`the end of ${part} ends the rest and is told; exit 1`, async (t) => {
    const run = runDemo(t, ANY_PORT)
    await run.has('stdout', /stops everything/)
    const pids = await Promise.all(Object.values(ENDS).map((findOne) => findOne(run)))
    process.kill(await find(run), 'SIGKILL')
    assert.equal(await run.exit, 1)
    const told = run.stderr().split('\n')
    assert.ok(told.includes(`${part} ended: it was ended by SIGKILL`), run.stderr())
    assert.deepEqual(pids.map(isAlive), [false, false])
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
  'another number of clusters': {
    flags: ['--clusters', '4'],
    says: /--clusters is 1 or 3, not "4"/,
  },
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
