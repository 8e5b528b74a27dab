import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readdir, readFile } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { type TestContext, test } from 'node:test'
import { Agent, fetch } from 'undici'
import { createAuthority } from '../environment/certificates.ts'
import type { ClusterIdentityProvider } from '../environment/cluster/cluster.ts'
import { clusterContents } from '../environment/cluster/contents.ts'
import { findKubeBinaries, type KubeBinaries } from '../environment/cluster/real/kube-binaries.ts'
import { startRealCluster } from '../environment/cluster/real/real.ts'
import { startTokenReviewWebhook } from '../environment/cluster/token-review-webhook.ts'
import { startMockEntra } from '../environment/mock-entra/mock-entra.ts'
import { firstKeys } from '../support/first-keys.ts'
import { AKS } from '../support/gateway.ts'
import { startTestIssuer } from '../support/test-issuer.ts'
import { onRealCluster } from './availability.ts'
import { temporaryFolder, writeProgram } from './programs.ts'

const contents = clusterContents({ 'team-a': 'group-a', 'team-b': 'group-b' })

async function testProvider(t: TestContext): Promise<ClusterIdentityProvider> {
  return (await startTestIssuer((close) => t.after(close))).identityProvider
}

/** From now on temporary folders are made in one of its own. */
async function ownTemporaryFolder(t: TestContext): Promise<string> {
  const folder = await temporaryFolder(t)
  const before = process.env['TMPDIR']
  process.env['TMPDIR'] = folder
  t.after(() => {
    if (before === undefined) delete process.env['TMPDIR']
    else process.env['TMPDIR'] = before
  })
  return folder
}

async function scripts(t: TestContext, etcd: string, apiServer: string): Promise<KubeBinaries> {
  const folder = await temporaryFolder(t)
  return {
    etcd: await writeProgram(folder, 'etcd', etcd),
    'kube-apiserver': await writeProgram(folder, 'kube-apiserver', apiServer),
    kubectl: '',
  }
}

const ends = [
  { program: 'etcd', etcd: 'echo "disk full" >&2; exit 3', apiServer: 'exec sleep 60' },
  { program: 'kube-apiserver', etcd: 'exec sleep 60', apiServer: 'echo "disk full" >&2; exit 3' },
]
for (const { program, etcd, apiServer } of ends) {
  test(`when ${program} ends at once its last words are told, and nothing stays`, async (t) => {
    const identityProvider = await testProvider(t)
    const binaries = await scripts(t, etcd, apiServer)
    const temporary = await ownTemporaryFolder(t)
    await assert.rejects(
      startRealCluster({ identityProvider, contents, binaries }),
      new RegExp(`^Error: ${program} did not start: it exited with code 3\n {4}disk full$`),
    )
    assert.deepEqual(await readdir(temporary), [])
  })
}

test('a program that is not there is told by its path', async (t) => {
  const identityProvider = await testProvider(t)
  const binaries = { ...(await scripts(t, 'exec sleep 60', '')), 'kube-apiserver': '/nowhere/api' }
  await assert.rejects(
    startRealCluster({ identityProvider, contents, binaries }),
    /spawn \/nowhere\/api ENOENT/,
  )
})

for (const discoveryUrl of [undefined, 'http://192.0.2.1/openid-configuration']) {
  test(`structured trust with discovery at ${discoveryUrl} is refused in words`, async (t) => {
    const { discoveryUrl: _https, ...provider } = await testProvider(t)
    const identityProvider = { ...provider, ...(discoveryUrl !== undefined && { discoveryUrl }) }
    const binaries = await scripts(t, '', '')
    await assert.rejects(
      startRealCluster({ identityProvider, contents, binaries }),
      /reads the discovery document of https:\/\/sts\.windows\.net\/.* by https/,
    )
  })
}

const REVIEW = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview' }
const reviews: Record<string, { method?: string; body: string; code: number; answer: object }> = {
  'another method': {
    method: 'PUT',
    body: '{}',
    code: 405,
    answer: { error: 'POST a TokenReview' },
  },
  'no JSON': { body: '{', code: 400, answer: { error: 'not a TokenReview with a token' } },
  null: { body: 'null', code: 400, answer: { error: 'not a TokenReview with a token' } },
  'another kind': {
    body: JSON.stringify({ ...REVIEW, kind: 'Pod', spec: { token: 'x' } }),
    code: 400,
    answer: { error: 'not a TokenReview with a token' },
  },
  'no token': {
    body: JSON.stringify({ ...REVIEW, spec: {} }),
    code: 400,
    answer: { error: 'not a TokenReview with a token' },
  },
  'a body of more than 256 KiB': {
    body: JSON.stringify({ ...REVIEW, spec: { token: 'x'.repeat(256 * 1024) } }),
    code: 400,
    answer: { error: 'not a TokenReview with a token' },
  },
  'a token that is none': {
    body: JSON.stringify({ ...REVIEW, spec: { token: 'a.b.c' } }),
    code: 200,
    answer: { ...REVIEW, status: { authenticated: false } },
  },
}
for (const [what, { method = 'POST', body, code, answer }] of Object.entries(reviews)) {
  test(`the webhook answers ${what} with ${code} and no reason`, async (t) => {
    const authority = await createAuthority('Webhook')
    const webhook = await startTokenReviewWebhook(await testProvider(t), authority)
    const agent = new Agent({ connect: { ca: authority.certificate } })
    t.after(() => agent.destroy())
    t.after(() => webhook.close())
    const got = await fetch(webhook.url, { method, body, dispatcher: agent })
    assert.deepEqual([got.status, await got.json()], [code, answer])
  })
}

onRealCluster('a real cluster starts and ends', () => {
  test('an identity provider on http is trusted too, and the audit log is copied', async (t) => {
    const entra = await startMockEntra({ firstKeys: await firstKeys() })
    t.after(() => entra.close())
    const auditLog = new PassThrough()
    const copied = once(auditLog, 'data')
    const cluster = await startRealCluster({
      identityProvider: {
        jwksUri: `${entra.origin}/common/discovery/keys`,
        discoveryUrl: `${entra.origin}/${entra.tenantId}/.well-known/openid-configuration`,
        issuer: `https://sts.windows.net/${entra.tenantId}/`,
        audience: AKS,
        tenantId: entra.tenantId,
      },
      contents,
      auditLog,
    })
    t.after(() => cluster.close())
    const agent = new Agent({ connect: { ca: cluster.certificateAuthority } })
    t.after(() => agent.destroy())
    const authorization = `Bearer ${await entra.mint({ person: 'bob' })}`
    const answer = await fetch(`${cluster.server}/api`, {
      headers: { authorization },
      dispatcher: agent,
    })
    assert.equal(answer.status, 200)
    const [line] = await copied
    const events = await cluster.auditEvents()
    assert.deepEqual(JSON.parse(String(line)), events[0])
    assert.deepEqual(
      events.map((event) => [event.requestURI, event.user.username]),
      [['/api', 'bob@contoso.test']],
    )
    assert.match(cluster.description, /Kubernetes v1\.\d+\.\d+/)
  })

  test('its end is told with its name; closing removes its folder', async (t) => {
    const temporary = await ownTemporaryFolder(t)
    const real = findKubeBinaries()
    // exec: the script's process becomes the API server's.
    const pidFile = join(await temporaryFolder(t), 'pid')
    const apiServer = `echo $$ > ${pidFile}\nexec ${real['kube-apiserver']} "$@"`
    const binaries = { ...(await scripts(t, '', apiServer)), etcd: real.etcd }
    const identityProvider = await testProvider(t)
    const options = { identityProvider, contents, binaries, trust: 'webhook' } as const
    const cluster = await startRealCluster(options)
    t.after(() => cluster.close())
    assert.equal((await readdir(temporary)).filter((name) => name.includes('cluster')).length, 1)
    process.kill(Number(await readFile(pidFile, 'utf8')), 'SIGKILL')
    assert.match(await cluster.ended, /^kube-apiserver: it was ended by SIGKILL/)
    await cluster.close()
    assert.deepEqual(
      (await readdir(temporary)).filter((name) => name.includes('cluster')),
      [],
    )
  })

  test('a port that is taken is told in the words of the API server', async (t) => {
    const taken = createServer((socket) => socket.destroy())
    taken.listen(0, '127.0.0.1')
    await once(taken, 'listening')
    t.after(() => taken.close())
    const { port } = taken.address() as AddressInfo
    const identityProvider = await testProvider(t)
    await assert.rejects(
      startRealCluster({ identityProvider, contents, port }),
      /^Error: kube-apiserver did not start: .*address already in use/s,
    )
  })
})
