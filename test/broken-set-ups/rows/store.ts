import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { createAuthority, loopbackNames } from '../../environment/certificates.ts'
import { startUpstream } from '../../support/recording-upstream.ts'
import { startRedis } from '../../support/redis-server.ts'
import { startScriptedRedis } from '../../support/scripted-redis.ts'
import type { BrokenSetUp, FaultGroup } from '../set-up.ts'
import type { World } from '../world.ts'

type Store = Readonly<Record<string, unknown>>

function row(fault: string, doctor: RegExp, store: (world: World) => Promise<Store>): BrokenSetUp {
  return {
    fault,
    named: { doctor },
    async build(world) {
      const entra = await world.entra()
      const written = await store(world)
      world.call(new URL(String(written['redis_url'])).host, 'redis.example.com:6380')
      return { file: await world.relay(entra, { store: written }) }
    },
  }
}

const scripted = (answer: string) => async (world: World) => {
  return { redis_url: (await startScriptedRedis(world, answer)).url }
}

/** A store that cannot be used: nobody signs in. Rows with a real server come where there is one. */
export const storeFaults: FaultGroup = {
  title: 'Redis',
  rows: [
    row(
      'Nothing listens there',
      /store: .*ECONNREFUSED.*redis_url of \[store\]/s,
      async (world) => ({ redis_url: `redis://127.0.0.1:${await world.port()}` }),
    ),
    row(
      'The server speaks TLS, and redis:// is written',
      /store: .*rediss:\/\//s,
      async (world) => {
        const authority = await createAuthority('Authority of Redis')
        const { url } = await startUpstream(world, await authority.issue({ names: loopbackNames }))
        return { redis_url: url.replace('https://', 'redis://').replace('/mcp', '') }
      },
    ),
    row(
      'The server speaks no TLS, and rediss:// is written',
      /store: .*differ in TLS/s,
      async (world) => ({ redis_url: `rediss://127.0.0.1:${await plainServer(world)}` }),
    ),
    row(
      'It is a node of a cluster (MOVED)',
      /store: .*MOVED.*Redis Cluster/s,
      scripted('MOVED 1 10.0.0.1:6379'),
    ),
    row(
      'It is a replica (READONLY)',
      /store: .*READONLY.*the primary/s,
      scripted("READONLY You can't write against a read only replica."),
    ),
    row(
      'It has no memory left (OOM)',
      /store: .*OOM.*maxmemory/s,
      scripted('OOM command not allowed'),
    ),
    row(
      'It still loads its data (LOADING)',
      /store: .*LOADING.*Wait/s,
      scripted('LOADING Redis is loading'),
    ),
  ],
}

/** The same at a real server. */
export const realStoreFaults: FaultGroup = {
  title: 'Redis',
  rows: [
    row(
      'It wants a password, and none is written',
      /store: .*NOAUTH.*redis_password/s,
      async (world) => {
        const { port } = await startRedis(world, { password: 'right' })
        return { redis_url: `redis://127.0.0.1:${port}` }
      },
    ),
    row('The password is wrong', /store: .*WRONGPASS.*redis_password/s, async (world) => {
      const { port } = await startRedis(world, { password: 'right' })
      return { redis_url: `redis://127.0.0.1:${port}`, redis_password: 'wrong' }
    }),
    row('Its user may not write there', /store: .*NOPERM.*~rolecall:\*/s, async (world) => {
      const server = await startRedis(world)
      await server.command(
        'ACL',
        'SETUSER',
        'reader',
        'on',
        '>pass',
        '~*',
        '+get',
        '+select',
        '+client',
        '+info',
      )
      return { redis_url: server.url, redis_username: 'reader', redis_password: 'pass' }
    }),
    row('The database of its URL is not there', /store: .*ERR.*database/s, async (world) => {
      return { redis_url: `${(await startRedis(world)).url}/99` }
    }),
  ],
}

/** What a server without TLS does with a TLS greeting: it answers in its own protocol. */
async function plainServer(world: World): Promise<number> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined)
    socket.once('data', () => socket.end('-ERR Protocol error: unauthenticated\r\n'))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  world.after(() => server.close())
  return (server.address() as AddressInfo).port
}
