import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { promisify } from 'node:util'
import { examineRedis } from '../../src/store/examine-redis.ts'
import { createAuthority, loopbackNames } from '../environment/certificates.ts'
import { freePort } from '../environment/ports.ts'
import { onRedis, startRedis } from '../support/redis-server.ts'

onRedis('a Redis is examined', () => {
  test('one that can be used is named with its version', async (t) => {
    const server = await startRedis(t, { password: 'right' })
    const examined = await examineRedis(server.url)
    assert.equal(examined.kind, 'usable')
    assert.match(String(examined.kind === 'usable' && examined.server), /^(Redis|Valkey) \d+\.\d+/)
    await server.command('ACL', 'SETUSER', 'rc', 'on', '>pw', '~rolecall:*', '+get', '+set', '+del')
    const few = `redis://rc:pw@127.0.0.1:${server.port}`
    assert.deepEqual(await examineRedis(few), { kind: 'usable' })
    assert.ok(![...(await server.contents()).keys()].some((key) => key.includes('probe')))
  })

  test('one that cannot be used is told within two seconds, with the reason in one word', async (t) => {
    const server = await startRedis(t, { password: 'right' })
    const at = (login: string, port = server.port) => `redis://${login}127.0.0.1:${port}`
    const reasonAt = async (url: string) => {
      const began = performance.now()
      const examined = await examineRedis(url)
      assert.ok(performance.now() - began < 2_000)
      return examined.kind === 'failed' ? examined.reason : 'it is usable'
    }
    assert.equal(await reasonAt(at('', await freePort())), 'ECONNREFUSED')
    assert.equal(await reasonAt(at('')), 'NOAUTH')
    assert.equal(await reasonAt(at(':wrong@')), 'WRONGPASS')
    assert.equal(await reasonAt(`${at(':right@')}/99`), 'ERR')
    await server.command('REPLICAOF', '127.0.0.1', '1')
    assert.equal(await reasonAt(at(':right@')), 'READONLY')
    server.freeze()
    assert.equal(await reasonAt(at(':right@')), 'timeout')
    server.thaw()
  })

  test('rediss:// is TLS, with a certificate that is verified', async (t) => {
    const { url, authorityFile } = await startWithTls(t)
    const unknown = await examineRedis(url)
    assert.match(JSON.stringify(unknown), /"failed".*(UNABLE_TO_VERIFY|SELF_SIGNED)/)
    const known = await examineElsewhere(url, { NODE_EXTRA_CA_CERTS: authorityFile })
    assert.match(known, /"usable"/)
    const plain = await examineRedis(url.replace('rediss:', 'redis:'))
    assert.equal(plain.kind, 'failed')
  })
})

async function startWithTls(t: TestContext) {
  const folder = await mkdtemp(join(tmpdir(), 'rolecall-redis-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  const authority = await createAuthority('Redis')
  const issued = await authority.issue({ names: loopbackNames })
  const files = { cert: issued.certificate, key: issued.key, ca: authority.certificate }
  const at = (name: string) => join(folder, `${name}.pem`)
  for (const [name, text] of Object.entries(files)) await writeFile(at(name), text)
  const port = await freePort()
  const further = [
    ['--tls-port', String(port)],
    ['--tls-cert-file', at('cert')],
    ['--tls-key-file', at('key')],
    ['--tls-ca-cert-file', at('ca')],
    ['--tls-auth-clients', 'no'],
  ]
  await startRedis(t, { arguments: further.flat() })
  return { url: `rediss://localhost:${port}`, authorityFile: at('ca') }
}

/** In a process of its own: Node reads further authorities at its start only. */
async function examineElsewhere(url: string, environment: Record<string, string>): Promise<string> {
  const file = new URL('../../src/store/examine-redis.ts', import.meta.url)
  const script = `import { examineRedis } from ${JSON.stringify(file.href)}
    console.log(JSON.stringify(await examineRedis(${JSON.stringify(url)})))`
  const run = promisify(execFile)
  const { stdout } = await run(
    process.execPath,
    ['--import', 'tsx', '--input-type=module', '--eval', script],
    { env: { ...process.env, ...environment } },
  )
  return stdout
}
