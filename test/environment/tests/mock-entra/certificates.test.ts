import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { createServer, get } from 'node:https'
import { before, test } from 'node:test'
import { type Authority, createAuthority, loopbackNames } from '../../certificates.ts'

let authority: Authority
before(async () => {
  authority = await createAuthority('certificates test')
})

test('a server certificate is trusted under each of its names, by who trusts the authority', async (t) => {
  const { certificate, key } = await authority.issue({ names: loopbackNames })
  const server = createServer({ cert: certificate, key }, (_, response) => response.end())
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  const address = server.address()
  assert.ok(address && typeof address === 'object')
  const visit = async (servername: string, ca: string) => {
    const options = { host: '127.0.0.1', port: address.port, servername, ca, agent: false }
    const [response] = await once(get(options), 'response')
    response.resume()
  }
  await visit('localhost', authority.certificate)
  await visit('', authority.certificate)
  await assert.rejects(visit('example.com', authority.certificate), {
    code: 'ERR_TLS_CERT_ALTNAME_INVALID',
  })
  const other = await createAuthority('certificates test')
  await assert.rejects(visit('localhost', other.certificate))
  assert.ok(new X509Certificate(certificate).checkIP('::1'))
})

test('a client certificate names the client and its groups, and is for clients only', async () => {
  const { certificate } = await authority.issue({ clientName: 'admin', groups: ['system:masters'] })
  const issued = new X509Certificate(certificate)
  assert.equal(issued.subject, 'O=system:masters\nCN=admin')
  assert.deepEqual(issued.keyUsage, ['1.3.6.1.5.5.7.3.2'])
  assert.ok(issued.verify(new X509Certificate(authority.certificate).publicKey))
  assert.equal(issued.ca, false)
})
