import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { test } from 'node:test'
import { ANY_PORTS, freePort, reservePorts } from '../ports.ts'

/** What another process is given, which then stays until the test has ended. */
const script = `
  import { freePort } from ${JSON.stringify(new URL('../ports.ts', import.meta.url).href)}
  const ports = []
  for (let i = 0; i < 20; i += 1) ports.push(await freePort())
  process.send(ports)
  setInterval(() => undefined, 1000)
`

test('no port is given to two processes, nor twice in a row', async (t) => {
  const loader = process.execArgv.filter((argument) => !argument.startsWith('--test'))
  const execArgv = [...loader, '--input-type=module', '--eval', script]
  const ports: number[] = []
  const others = Array.from({ length: 3 }, () => {
    const child = fork('', { execArgv, stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
    t.after(() => child.kill('SIGKILL'))
    return once(child, 'message').then(([given]) => ports.push(...given))
  })
  for (let i = 0; i < 20; i += 1) ports.push(await freePort())
  await Promise.all(others)
  assert.equal(new Set(ports).size, 80)
})

test('a port that something listens on is not given', async (t) => {
  const next = (await freePort()) + 1
  const server = createServer().listen(next, '127.0.0.1')
  t.after(() => server.close())
  await once(server, 'listening').catch(() => undefined)
  assert.notEqual(await freePort(), next)
})

test('the ports of a demo are eight', async () => {
  assert.equal(new Set(Object.values(await reservePorts(ANY_PORTS))).size, 8)
})
