import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { promisify } from 'node:util'
import { examineRedis } from '../../src/store/examine-redis.ts'
import { REDIS_RIGHTS, redisRemedy } from '../../src/store/redis-remedies.ts'
import { createAuthority, loopbackNames } from '../environment/certificates.ts'
import { freePort } from '../environment/ports.ts'
import { onRedis, startRedis } from '../support/redis-server.ts'
import { startScriptedRedis } from '../support/scripted-redis.ts'

onRedis('a Redis is examined', () => {
  test('one that can be used is named with its version', async (t) => {
    const server = await startRedis(t, { password: 'right' })
    const examined = await examineRedis({ redis_url: server.url })
    assert.equal(examined.kind, 'usable')
    assert.match(String(examined.kind === 'usable' && examined.server), /^(Redis|Valkey) \d+\.\d+/)
    await server.command('ACL', 'SETUSER', 'rc', 'on', '>pw', ...REDIS_RIGHTS)
    const few = `redis://rc:pw@127.0.0.1:${server.port}`
    assert.deepEqual(await examineRedis({ redis_url: few }), { kind: 'usable' })
    assert.ok(![...(await server.contents()).keys()].some((key) => key.includes('probe')))
    for (const right of REDIS_RIGHTS.slice(1)) {
      await server.command('ACL', 'SETUSER', 'rc', right.replace('+', '-'))
      const failed = await examineRedis({ redis_url: few })
      assert.deepEqual(failed, { kind: 'failed', reason: 'NOPERM' }, right)
      await server.command('ACL', 'SETUSER', 'rc', right)
    }
  })

  test('one that cannot be used is told within two seconds, with the reason in one word', async (t) => {
    const server = await startRedis(t, { password: 'right' })
    const at = (login: string, port = server.port) => `redis://${login}127.0.0.1:${port}`
    const reasonAt = async (url: string) => {
      const began = performance.now()
      const examined = await examineRedis({ redis_url: url })
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
    const unknown = await examineRedis({ redis_url: url })
    assert.match(JSON.stringify(unknown), /"failed".*(UNABLE_TO_VERIFY|SELF_SIGNED)/)
    const known = await examineElsewhere(url, { NODE_EXTRA_CA_CERTS: authorityFile })
    assert.match(known, /"usable"/)
  })

  test('NODE_TLS_REJECT_UNAUTHORIZED=0 does not switch the verification off', async (t) => {
    const { url } = await startWithTls(t)
    const examined = await examineElsewhere(url, { NODE_TLS_REJECT_UNAUTHORIZED: '0' })
    assert.match(examined, /"failed".*(UNABLE_TO_VERIFY|SELF_SIGNED)/)
  })

  test('plain to a server with TLS, and the other way round, is told as that', async (t) => {
    const { url, plainUrl } = await startWithTls(t)
    for (const redis_url of [
      url.replace('rediss:', 'redis:'),
      plainUrl.replace('redis:', 'rediss:'),
    ]) {
      const examined = await examineRedis({ redis_url })
      assert.ok(examined.kind === 'failed', redis_url)
      assert.match(redisRemedy(examined.reason), /differ in TLS/, examined.reason)
    }
  })

  test('a node of a cluster is told as that', async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'rolecall-redis-'))
    t.after(() => rm(folder, { recursive: true, force: true }))
    const nodes = join(folder, 'nodes.conf')
    const cluster = ['--cluster-enabled', 'yes', '--cluster-config-file', nodes]
    const bus = ['--cluster-port', String(await freePort())]
    const server = await startRedis(t, { arguments: [...cluster, ...bus] })
    for (const [database, reason] of [
      ['', 'CLUSTERDOWN'],
      ['/3', 'CLUSTERMODE'],
    ] as const) {
      const examined = await examineRedis({ redis_url: `${server.url}${database}` })
      assert.deepEqual(examined, { kind: 'failed', reason })
      assert.match(redisRemedy(reason), /without clustering/)
    }
  })

  test('a replica that lost its primary, and a user without rights, are told as that', async (t) => {
    const server = await startRedis(t)
    await server.command('ACL', 'SETUSER', 'rc', 'on', '>pw', '~other:*', '+get', '+set', '+del')
    const poor = { redis_url: server.url, redis_username: 'rc', redis_password: 'pw' }
    assert.deepEqual(await examineRedis(poor), { kind: 'failed', reason: 'NOPERM' })
    await server.command('CONFIG', 'SET', 'replica-serve-stale-data', 'no')
    await server.command('CONFIG', 'SET', 'replica-read-only', 'no')
    await server.command('REPLICAOF', '127.0.0.1', '1')
    const lost = await examineRedis({ redis_url: server.url })
    assert.deepEqual(lost, { kind: 'failed', reason: 'MASTERDOWN' })
  })
})

const said: readonly (readonly [answer: string, reason: string, remedy: RegExp])[] = [
  ['MOVED 3999 10.0.0.1:6381', 'MOVED', /without clustering/],
  ["CROSSSLOT Keys in request don't hash to the same slot", 'CROSSSLOT', /without clustering/],
  ['ASK 3999 10.0.0.1:6381', 'ASK', /without clustering/],
  ['NOAUTH Authentication required.', 'NOAUTH', /redis_password/],
  ['WRONGPASS invalid username-password pair', 'WRONGPASS', /refuses this user or password/],
  ["NOPERM this user has no permissions to run the 'set' command", 'NOPERM', /\+get \+set \+del/],
  ["READONLY You can't write against a read only replica.", 'READONLY', /the primary/],
  ['LOADING Redis is loading the dataset in memory', 'LOADING', /loads its data/],
  [
    "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
    'MASTERDOWN',
    /lost its primary/,
  ],
  ['ERR max number of clients reached', 'MAXCLIENTS', /maxclients/],
  ["ERR wrong number of arguments for 'auth' command", 'NOUSERS', /older than Redis 6/],
  ['ERR DB index is out of range', 'ERR', /database at the end/],
  ["OOM command not allowed when used memory > 'maxmemory'.", 'OOM', /maxmemory/],
  ['MISCONF Redis is configured to save RDB snapshots', 'MISCONF', /disk/],
]
for (const [answer, reason, remedy] of said) {
  test(`what a server says has its own remedy: ${reason}`, async (t) => {
    const { url: redis_url } = await startScriptedRedis(t, answer)
    assert.deepEqual(await examineRedis({ redis_url }), { kind: 'failed', reason })
    assert.match(redisRemedy(reason), remedy)
  })
}

const met: readonly (readonly [reason: string, remedy: RegExp])[] = [
  ['ECONNREFUSED', /Nothing listens/],
  ['ENOTFOUND', /no such host name/],
  ['ETIMEDOUT', /in time.*TLS/],
  ['ECONNRESET', /differ in TLS/],
  ['not_redis', /differ in TLS/],
  ['ERR_SSL_WRONG_VERSION_NUMBER', /speaks no TLS/],
  ['SELF_SIGNED_CERT_IN_CHAIN', /NODE_EXTRA_CA_CERTS/],
  ['ERR_TLS_CERT_ALTNAME_INVALID', /as the certificate of the server names it/],
  ['CERT_HAS_EXPIRED', /Renew/],
  ['timeout', /does not answer/],
]
for (const [reason, remedy] of met) {
  test(`what happens on the way has its own remedy: ${reason}`, () => {
    assert.match(redisRemedy(reason), remedy)
  })
}

test('what answers and is no Redis is told as that, and a name that is not there', async (t) => {
  const web = createServer((_request, response) => response.end('hello'))
  web.listen(0, '127.0.0.1')
  await once(web, 'listening')
  t.after(() => web.close())
  const { port } = web.address() as AddressInfo
  const examined = await examineRedis({ redis_url: `redis://127.0.0.1:${port}` })
  assert.deepEqual(examined, { kind: 'failed', reason: 'not_redis' })
  const nowhere = await examineRedis({ redis_url: 'redis://redis.invalid:6379' })
  assert.match(JSON.stringify(nowhere), /ENOTFOUND|EAI_AGAIN/)
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
  const { url: plainUrl } = await startRedis(t, { arguments: further.flat() })
  return { plainUrl, url: `rediss://localhost:${port}`, authorityFile: at('ca') }
}

/** In a process of its own: Node reads further authorities at its start only. */
async function examineElsewhere(url: string, environment: Record<string, string>): Promise<string> {
  const file = new URL('../../src/store/examine-redis.ts', import.meta.url)
  const script = `import { examineRedis } from ${JSON.stringify(file.href)}
    console.log(JSON.stringify(await examineRedis({ redis_url: ${JSON.stringify(url)} })))`
  const run = promisify(execFile)
  const { stdout } = await run(
    process.execPath,
    ['--import', 'tsx', '--input-type=module', '--eval', script],
    { env: { ...process.env, ...environment } },
  )
  return stdout
}
