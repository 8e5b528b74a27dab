import assert from 'node:assert/strict'
import { createServer, type RequestListener } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { type AddressInfo, connect, type Server } from 'node:net'
import { type TestContext, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { systemClock } from '../../src/clock.ts'
import { type BoundedFetchOptions, createBoundedFetch } from '../../src/net/bounded-fetch.ts'
import { DocumentError } from '../../src/net/document-error.ts'
import { createAuthority } from '../environment/certificates.ts'

const get = { method: 'GET', headers: {}, body: undefined, redirect: 'manual' } as const
const mebibyte = 1_048_576

async function listen(t: TestContext, server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.close()
    if ('closeAllConnections' in server) (server.closeAllConnections as () => void)()
  })
  return (server.address() as AddressInfo).port
}

function open(t: TestContext, options: Partial<BoundedFetchOptions> = {}) {
  const connection = createBoundedFetch({ clock: systemClock, ...options })
  t.after(() => connection.close())
  return connection.fetch
}

async function serve(t: TestContext, listener: RequestListener): Promise<string> {
  return `http://127.0.0.1:${await listen(t, createServer(listener))}/document`
}

function fails(reason: string, forbidden = 'BODY') {
  return (error: unknown) => {
    assert.ok(error instanceof DocumentError, String(error))
    assert.equal(error.reason, reason, error.message)
    assert.ok(!error.message.includes(forbidden))
    return true
  }
}

test('an answer arrives whole, with its status and type, decoded', async (t) => {
  const url = await serve(t, (_request, response) => {
    response.writeHead(418, { 'content-type': 'application/json', 'content-encoding': 'gzip' })
    response.end(gzipSync('{"a":1}'))
  })
  const response = await open(t)(url, get)
  assert.equal(response.status, 418)
  assert.equal(response.headers.get('content-type'), 'application/json')
  assert.deepEqual(await response.json(), { a: 1 })
})

test('method, headers and body reach the provider', async (t) => {
  const url = await serve(t, (request, response) => {
    request.pipe(
      response.writeHead(200, { 'x-seen': `${request.method} ${request.headers['x-a']}` }),
    )
  })
  const body = new URLSearchParams({ code: 'x y' })
  const response = await open(t)(url, { ...get, method: 'POST', headers: { 'x-a': '1' }, body })
  assert.equal(response.headers.get('x-seen'), 'POST 1')
  assert.equal(await response.text(), 'code=x+y')
})

const large: Record<string, RequestListener> = {
  'declared by content-length': (_request, response) =>
    response.writeHead(200, { 'content-length': mebibyte + 1 }).end(Buffer.alloc(mebibyte + 1, 66)),
  'chunked without end': (_request, response) => {
    const more = () => {
      while (!response.destroyed && response.write(Buffer.alloc(65_536, 66)));
    }
    response.on('drain', more)
    more()
  },
  'a compressed bomb': (_request, response) =>
    response
      .writeHead(200, { 'content-encoding': 'gzip' })
      .end(gzipSync(Buffer.alloc(64 * mebibyte))),
}

for (const [name, listener] of Object.entries(large)) {
  test(`a body of more than 1 MiB is not read on: ${name}`, async (t) => {
    await assert.rejects(open(t)(await serve(t, listener), get), fails('too_large', 'BBBB'))
  })
}

test('a body of exactly 1 MiB is taken', async (t) => {
  const url = await serve(t, (_request, response) => response.end(Buffer.alloc(mebibyte, 66)))
  assert.equal((await (await open(t)(url, get)).text()).length, mebibyte)
})

const slow: Record<string, RequestListener> = {
  'no headers': () => undefined,
  'headers and no body': (_request, response) => response.writeHead(200).flushHeaders(),
  'a byte now and then': (_request, response) => {
    const timer = setInterval(() => response.write('B'), 20)
    response.on('close', () => clearInterval(timer))
  },
}

for (const [name, listener] of Object.entries(slow)) {
  test(`the time limit covers the whole exchange: ${name}`, async (t) => {
    const fetch = open(t, { timeout: 150 })
    await assert.rejects(fetch(await serve(t, listener), get), fails('timeout'))
  })
}

for (const status of [301, 302, 303, 307, 308]) {
  test(`a redirect is an error and is not followed: ${status}`, async (t) => {
    let followed = 0
    const url = await serve(t, (request, response) => {
      if (request.url === '/elsewhere') followed += 1
      response.writeHead(status, { location: '/elsewhere' }).end('BODY')
    })
    await assert.rejects(open(t)(url, get), fails('redirect'))
    assert.equal(followed, 0)
  })
}

for (const url of [
  'http://idp.example/keys',
  'http://localhost.example/',
  'http://127.0.0.1.example/',
  'http://10.0.0.1/',
]) {
  test(`plain http off loopback is never sent: ${url}`, async (t) => {
    await assert.rejects(open(t)(url, get), fails('plain_http'))
  })
}

for (const url of ['ftp://127.0.0.1/', 'keys', 'https://user:BODY@idp.example/']) {
  test(`not an address to call: ${url}`, async (t) => {
    await assert.rejects(open(t)(url, get), fails('incomplete'))
  })
}

test('a caller can give up earlier', async (t) => {
  const url = await serve(t, () => undefined)
  await assert.rejects(open(t)(url, { ...get, signal: AbortSignal.abort() }), DocumentError)
})

test('closing ends what is under way', async (t) => {
  const connection = createBoundedFetch({ clock: systemClock })
  const url = await serve(t, () => connection.close())
  await assert.rejects(connection.fetch(url, get), fails('stopped'))
})

async function startTls(t: TestContext, names: readonly string[]) {
  const authority = await createAuthority('Test Authority')
  const { certificate, key } = await authority.issue({ names })
  const server = createTlsServer({ cert: certificate, key }, (_request, response) =>
    response.end('{}'),
  )
  return { port: await listen(t, server), certificateAuthority: authority.certificate }
}

test('the configured authority is trusted, and is the only one', async (t) => {
  const { port, certificateAuthority } = await startTls(t, ['localhost'])
  const url = `https://localhost:${port}/`
  assert.equal((await open(t, { certificateAuthority })(url, get)).status, 200)
  await assert.rejects(open(t)(url, get), fails('untrusted_certificate'))
  const other = await createAuthority('Other Authority')
  const fetch = open(t, { certificateAuthority: other.certificate })
  await assert.rejects(fetch(url, get), fails('untrusted_certificate'))
})

test('NODE_TLS_REJECT_UNAUTHORIZED=0 does not make anybody the identity provider', async (t) => {
  const { port } = await startTls(t, ['localhost'])
  const before = process.env['NODE_TLS_REJECT_UNAUTHORIZED']
  process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0'
  t.after(() => {
    if (before === undefined) delete process.env['NODE_TLS_REJECT_UNAUTHORIZED']
    else process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = before
  })
  const fetch = open(t)
  await assert.rejects(fetch(`https://localhost:${port}/`, get), fails('untrusted_certificate'))
})

test('a certificate for another name is refused', async (t) => {
  const { port, certificateAuthority } = await startTls(t, ['idp.test'])
  const fetch = open(t, { certificateAuthority })
  await assert.rejects(fetch(`https://localhost:${port}/`, get), fails('untrusted_certificate'))
})

/** A CONNECT proxy that takes every name to loopback, and tells which it was asked for. */
async function startProxy(t: TestContext, status = 200) {
  const asked: string[] = []
  const server = createServer((_request, response) => response.writeHead(500).end())
  server.on('connect', (request, socket) => {
    asked.push(request.url ?? '')
    socket.on('error', () => undefined)
    if (status !== 200) {
      socket.end(`HTTP/1.1 ${status} No\r\n\r\n`)
      return
    }
    const target = connect(Number(request.url?.split(':')[1]), '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n')
      target.pipe(socket).pipe(target)
    })
    target.on('error', () => socket.destroy())
    socket.on('close', () => target.destroy())
  })
  const port = await listen(t, server)
  return { asked, url: `http://127.0.0.1:${port}` }
}

function setEnvironment(t: TestContext, values: Record<string, string>): void {
  for (const [name, value] of Object.entries(values)) {
    const before = process.env[name]
    process.env[name] = value
    t.after(() => {
      if (before === undefined) delete process.env[name]
      else process.env[name] = before
    })
  }
}

test('HTTPS_PROXY is used, and the provider behind it is still judged by its own authority', async (t) => {
  const { port, certificateAuthority } = await startTls(t, ['idp.test'])
  const proxy = await startProxy(t)
  setEnvironment(t, { HTTPS_PROXY: proxy.url, NO_PROXY: '' })
  const url = `https://idp.test:${port}/`
  assert.equal((await open(t, { certificateAuthority })(url, get)).status, 200)
  assert.deepEqual(proxy.asked, [`idp.test:${port}`])
  await assert.rejects(open(t)(url, get), fails('untrusted_certificate'))
  const other = `https://other.test:${port}/`
  const fetch = open(t, { certificateAuthority })
  await assert.rejects(fetch(other, get), fails('untrusted_certificate'))
})

test('NO_PROXY names who is called directly', async (t) => {
  const { port, certificateAuthority } = await startTls(t, ['0.0.0.0'])
  const proxy = await startProxy(t)
  setEnvironment(t, { HTTPS_PROXY: proxy.url, NO_PROXY: '' })
  const url = `https://0.0.0.0:${port}/`
  assert.equal((await open(t, { certificateAuthority })(url, get)).status, 200)
  assert.equal(proxy.asked.length, 1)
  setEnvironment(t, { NO_PROXY: 'example.com,0.0.0.0' })
  assert.equal((await open(t, { certificateAuthority })(url, get)).status, 200)
  assert.equal(proxy.asked.length, 1)
})

test('loopback is never sent to a proxy', async (t) => {
  const proxy = await startProxy(t)
  setEnvironment(t, { HTTPS_PROXY: proxy.url, HTTP_PROXY: proxy.url, NO_PROXY: '' })
  const url = await serve(t, (_request, response) => response.end())
  assert.equal((await open(t)(url, get)).status, 200)
  assert.deepEqual(proxy.asked, [])
})

test('a proxy that refuses is named as such', async (t) => {
  const proxy = await startProxy(t, 403)
  setEnvironment(t, { HTTPS_PROXY: proxy.url, NO_PROXY: '' })
  await assert.rejects(open(t)('https://idp.test/', get), fails('proxy_refused'))
})

test('a proxy variable that is not a URL is told at once, without its value', (t) => {
  setEnvironment(t, { HTTPS_PROXY: 'http://user:BODY@:x' })
  assert.throws(
    () => createBoundedFetch({ clock: systemClock }),
    /^Error: HTTPS_PROXY or HTTP_PROXY is/,
  )
})

test('plain http goes to cluster-internal names only where it may', async (t) => {
  const asked: string[] = []
  const url = new URL(
    await serve(t, (request, response) => {
      asked.push(String(request.headers.host))
      response.end()
    }),
  )
  const lookup: BoundedFetchOptions['lookup'] = (_host, options, callback) => {
    if (options.all === true) callback(null, [{ address: '127.0.0.1', family: 4 }])
    else callback(null, '127.0.0.1', 4)
  }
  const inside = open(t, { lookup, plainHttp: 'cluster-internal' })
  for (const host of ['keycloak', 'keycloak.sso.svc', 'keycloak.sso.svc.cluster.local']) {
    const { status } = await inside(`http://${host}:${url.port}/document`, get)
    assert.equal(status, 200)
  }
  assert.equal(asked.length, 3)
  for (const host of ['sso.example.com', '10.0.0.1', 'svc.example', '169.254.169.254']) {
    await assert.rejects(inside(`http://${host}:${url.port}/`, get), fails('plain_http'))
  }
  await assert.rejects(
    open(t, { lookup })(`http://keycloak:${url.port}/`, get),
    fails('plain_http'),
  )
  assert.equal(asked.length, 3)
})

test('plain http within the cluster is never sent to a proxy', async (t) => {
  let asked = 0
  const proxy = new URL(
    await serve(t, (_request, response) => {
      asked += 1
      response.end()
    }),
  )
  const before = process.env['HTTP_PROXY']
  process.env['HTTP_PROXY'] = proxy.origin
  t.after(() => {
    if (before === undefined) delete process.env['HTTP_PROXY']
    else process.env['HTTP_PROXY'] = before
  })
  const inside = open(t, { plainHttp: 'cluster-internal' })
  await assert.rejects(inside('http://rolecall-test.nowhere.svc/', get), fails('unreachable'))
  assert.equal(asked, 0)
})
