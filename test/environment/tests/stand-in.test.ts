import assert from 'node:assert/strict'
import { request } from 'node:https'
import { type TestContext, test } from 'node:test'
import { clusterSuite } from '../../support/cluster-suite.ts'
import { startTestIssuer, type TestIssuer } from '../../support/test-issuer.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { clusterContents } from '../cluster/contents.ts'
import { startStandInCluster } from '../cluster/stand-in/stand-in.ts'

const contents = clusterContents({ 'team-a': 'group-a', 'team-b': 'group-b' })

clusterSuite('stand-in cluster', (identityProvider, suiteContents) =>
  startStandInCluster({ identityProvider, contents: suiteContents }),
)

async function start(t: TestContext): Promise<{ issuer: TestIssuer; cluster: Cluster }> {
  const issuer = await startTestIssuer((close) => t.after(close))
  const cluster = await startStandInCluster({ identityProvider: issuer.identityProvider, contents })
  t.after(() => cluster.close())
  return { issuer, cluster }
}

function tokenFor({ identityProvider, sign }: TestIssuer): Promise<string> {
  const { issuer: iss, audience: aud, tenantId: tid } = identityProvider
  const exp = Math.floor(Date.now() / 1000) + 600
  return sign({ iss, aud, tid, exp, oid: 'someone', groups: ['group-a'] })
}

interface Asked {
  readonly path: string
  readonly token?: string
  readonly method?: string
  readonly body?: Buffer
  readonly headers?: Record<string, string>
}

function ask(
  cluster: Cluster,
  asked: Asked,
): Promise<{ code: number; marker: string | undefined; text: string }> {
  const { path, token, method = 'GET', body, headers } = asked
  const { hostname, port } = new URL(cluster.server)
  return new Promise((resolve, reject) => {
    const options = { hostname, port, path, method, ca: cluster.certificateAuthority }
    const authorization = token === undefined ? {} : { authorization: `Bearer ${token}` }
    request({ ...options, headers: { ...headers, ...authorization } }, async (answer) => {
      const chunks: Buffer[] = []
      for await (const chunk of answer) chunks.push(chunk)
      const marker = answer.headers['x-rolecall-stand-in']
      resolve({
        code: answer.statusCode ?? 0,
        marker: [marker].flat()[0],
        text: Buffer.concat(chunks).toString('utf8'),
      })
    })
      .on('error', reject)
      .end(body)
  })
}

test('the stand-in says that it is one: in its version, in a header, in its description', async (t) => {
  const { issuer, cluster } = await start(t)
  const version = await ask(cluster, { path: '/version', token: await tokenFor(issuer) })
  assert.match(JSON.parse(version.text).gitVersion, /\+rolecall-stand-in$/)
  assert.equal(version.marker, 'not a Kubernetes API server')
  assert.match(cluster.description, /stand-in/)
  assert.equal(cluster.kind, 'stand-in')
})

test('every token is refused while the key set is behind an authority that is not trusted', async (t) => {
  const { issuer } = await start(t)
  const { certificateAuthority: _trusted, ...untrusted } = issuer.identityProvider
  const cluster = await startStandInCluster({ identityProvider: untrusted, contents })
  t.after(() => cluster.close())
  const token = await tokenFor(issuer)
  assert.equal((await ask(cluster, { path: '/api', token })).code, 401)
})

const reviewPath = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews'
const malformed: Record<string, Asked & { code: number }> = {
  'bad percent-encoding': { path: '/api/v1/namespaces/%zz/pods', code: 400 },
  'an absolute target': { path: 'https://elsewhere/api', code: 400 },
  'a review that is not JSON': {
    path: reviewPath,
    method: 'POST',
    body: Buffer.from('{'),
    code: 415,
  },
  'a review without a question': {
    path: reviewPath,
    method: 'POST',
    body: Buffer.from('{}'),
    code: 400,
  },
  'protobuf cut short': {
    path: reviewPath,
    method: 'POST',
    body: Buffer.from('k8s\0\n\x7fcut', 'latin1'),
    headers: { 'content-type': 'application/vnd.kubernetes.protobuf' },
    code: 415,
  },
  'a body of more than a mebibyte': {
    path: reviewPath,
    method: 'POST',
    body: Buffer.alloc(1024 * 1024 + 1, ' '),
    code: 413,
  },
  'a selector of sets': {
    path: '/api/v1/namespaces/team-a/pods?labelSelector=app%20in%20(a)',
    code: 400,
  },
  'a watch, which it does not have': {
    path: '/api/v1/namespaces/team-a/pods?watch=true',
    code: 405,
  },
}
for (const [what, { code, ...asked }] of Object.entries(malformed)) {
  test(`${what} is ${code} and the stand-in goes on`, async (t) => {
    const { issuer, cluster } = await start(t)
    const token = await tokenFor(issuer)
    const answer = await ask(cluster, { ...asked, token })
    assert.equal(answer.code, code, answer.text)
    assert.equal(JSON.parse(answer.text).kind, 'Status')
    assert.equal((await ask(cluster, { path: '/api', token })).code, 200)
  })
}

test('a SelfSubjectReview in protobuf, as kubectl auth whoami posts it, is answered', async (t) => {
  const { issuer, cluster } = await start(t)
  const kind = Buffer.from('\n\x18authentication.k8s.io/v1\x12\x11SelfSubjectReview', 'latin1')
  const parts = [Buffer.from('k8s\0\n', 'latin1'), Buffer.from([kind.length]), kind]
  const answer = await ask(cluster, {
    path: '/apis/authentication.k8s.io/v1/selfsubjectreviews',
    token: await tokenFor(issuer),
    method: 'POST',
    headers: { 'content-type': 'application/vnd.kubernetes.protobuf' },
    body: Buffer.concat([...parts, Buffer.from('\x12\0', 'latin1')]),
  })
  assert.equal(answer.code, 201, answer.text)
  assert.equal(JSON.parse(answer.text).status.userInfo.username, 'someone')
})

test('no audit event holds anything of a token', async (t) => {
  const { issuer, cluster } = await start(t)
  const token = await tokenFor(issuer)
  await ask(cluster, { path: '/api', token })
  await ask(cluster, { path: '/api', token: `${token}edited` })
  const log = JSON.stringify(await cluster.auditEvents())
  for (const part of token.split('.')) assert.ok(!log.includes(part))
})

test('closing cuts open connections and settles `ended`', async (t) => {
  const { issuer, cluster } = await start(t)
  await ask(cluster, { path: '/api', token: await tokenFor(issuer) })
  await cluster.close()
  assert.match(await cluster.ended, /closed/)
})
