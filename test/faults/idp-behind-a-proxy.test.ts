import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { createAuthority } from '../environment/certificates.ts'
import { freePort } from '../environment/ports.ts'
import { startFront } from '../support/fault-identity-provider.ts'
import { prepareServe, readiness, untilReady } from '../support/fault-process.ts'
import { startEntra } from '../support/gateway.ts'
import { post, send } from '../support/raw-http.ts'
import { startUpstream } from '../support/recording-upstream.ts'

const name = 'login.idp.test'

test('behind a CONNECT proxy that is late, goes away and comes back, calls go on and new keys are found', async (t) => {
  const authority = await createAuthority('Identity provider')
  const entra = await startEntra(t)
  const front = await startFront(t, entra, { tls: await authority.issue({ names: [name] }), name })
  const upstream = await startUpstream(t)
  const proxy = await prepareProxy(t, front.port)
  const folder = await mkdtemp(join(tmpdir(), 'rolecall-proxy-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  const authorityFile = join(folder, 'ca.pem')
  await writeFile(authorityFile, authority.certificate)
  const serve = await prepareServe(t, {
    upstream: upstream.url,
    tenantId: entra.tenantId,
    authority: front.origin,
    identityProvider: { certificate_authority_file: authorityFile },
    environment: { HTTPS_PROXY: proxy.url, HTTP_PROXY: proxy.url },
  })

  const serving = await serve()
  while ((await readiness(serving)) === 0) await new Promise((resolve) => setTimeout(resolve, 20))
  assert.equal(await readiness(serving), 503)
  const early = await send(serving.url, post(await entra.mint()))
  assert.equal(early.status, 503)
  assert.ok(Number(early.headers['retry-after']) >= 1)

  await proxy.start()
  const recovered = await untilReady(serving, 15_000)
  const seen = await entra.mint()
  assert.equal((await send(serving.url, post(seen))).status, 200)
  assert.deepEqual(new Set(proxy.asked), new Set([`${name}:${front.port}`]))

  await proxy.stop()
  assert.equal((await send(serving.url, post(seen))).status, 200)
  assert.equal((await send(serving.url, post(await entra.mint({ person: 'bob' })))).status, 200)

  await proxy.start()
  await entra.rotate()
  const asked = front.requests.keys
  assert.equal((await send(serving.url, post(await entra.mint({ person: 'carol' })))).status, 200)
  assert.equal(front.requests.keys, asked + 1)
  assert.deepEqual(
    new Set(proxy.asked),
    new Set([`${name}:${front.port}`]),
    'the upstream is never behind it',
  )
  t.diagnostic(`ready ${recovered.toFixed(0)} ms after the proxy came`)
})

/** A proxy that takes CONNECT only, and connects every name to one port here. */
async function prepareProxy(t: TestContext, target: number) {
  const port = await freePort()
  const asked: string[] = []
  const sockets = new Set<Socket>()
  let server: Server | undefined
  const stop = async () => {
    if (!server) return
    const closed = once(server, 'close')
    server.close()
    server.closeAllConnections()
    for (const socket of sockets) socket.destroy()
    server = undefined
    await closed
  }
  t.after(stop)
  return {
    url: `http://127.0.0.1:${port}`,
    asked,
    stop,
    async start() {
      server = createServer((request, response) => {
        asked.push(`${request.method} ${request.url}`)
        response.writeHead(405).end()
      })
      server.on('connect', (request, client: Socket) => {
        asked.push(request.url ?? '')
        const provider = connect(target, '127.0.0.1')
        for (const [from, to] of [
          [client, provider],
          [provider, client],
        ] as const) {
          sockets.add(from)
          from.on('error', () => to.destroy())
          from.on('close', () => {
            sockets.delete(from)
            to.destroy()
          })
        }
        provider.once('connect', () => {
          client.write('HTTP/1.1 200 Connection established\r\n\r\n')
          client.pipe(provider).pipe(client)
        })
      })
      server.listen(port, '127.0.0.1')
      await once(server, 'listening')
    },
  }
}
