import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { Agent, fetch } from 'undici'
import { parse } from 'yaml'
import { createAuthority, loopbackNames } from '../environment/certificates.ts'
import type { Cluster } from '../environment/cluster/cluster.ts'
import { clusterContents } from '../environment/cluster/contents.ts'
import { startRealCluster } from '../environment/cluster/real/real.ts'
import { defaultTenantId, rolecallApp } from '../environment/mock-entra/directory.ts'
import { type KeysFront, startKeysFront } from '../environment/mock-entra/keys-front.ts'
import { type MockEntra, startMockEntra } from '../environment/mock-entra/mock-entra.ts'
import { readPeople } from '../environment/people.ts'
import { freePort } from '../environment/ports.ts'
import { signIn } from '../environment/sign-in.ts'
import { onRealCluster } from '../real/availability.ts'
import { commandsIn } from './support/guide.ts'
import { presetFile } from './support/presets.ts'

const FOLDER = 'kind-with-mock'
/** Where the API server of the preset finds the keys. */
const ADDRESS = 'https://10.96.0.90'

interface Authenticator {
  readonly issuer: {
    readonly url: string
    readonly discoveryURL: string
    readonly certificateAuthority: string
  }
}

/** What API servers read of the file, with a certificate written into it. */
function authenticatorOf(text: string): Authenticator {
  const { jwt } = parse(text) as { jwt: [Authenticator] }
  return jwt[0]
}

test('the preset names the mock’s own tenant, registration, secret and groups', async () => {
  const values = presetFile(`${FOLDER}.yaml`)
  assert.ok(values.includes(defaultTenantId))
  assert.ok(values.includes(`client_id: ${rolecallApp.client_id}`))
  assert.ok(guide().includes(`client-secret=${rolecallApp.client_secret}`))
  const teams = presetFile(`${FOLDER}/teams.yaml`)
  for (const { id } of (await readPeople()).groups) assert.ok(teams.includes(id))
  const { issuer } = authenticatorOf(presetFile(`${FOLDER}/authentication.yaml`))
  assert.equal(issuer.url, `https://sts.windows.net/${defaultTenantId}/`)
  assert.equal(issuer.discoveryURL, `${ADDRESS}/.well-known/openid-configuration`)
  assert.match(values, new RegExp(`--keys-url=${ADDRESS}\\n`))
})

function guide(): string {
  const url = new URL('../../deploy/guides/kind-with-the-mock.md', import.meta.url)
  return readFileSync(url, 'utf8')
}

onRealCluster('a real API server with kind-with-mock/authentication.yaml', () => {
  const toClose: (() => unknown)[] = []
  let mock: MockEntra
  let front: KeysFront
  let cluster: Cluster
  let address: string
  let agent: Agent

  before(async () => {
    mock = await startMockEntra()
    toClose.push(() => mock.close())
    const authority = await createAuthority('Mock keys')
    const { certificate, key } = await authority.issue({ names: loopbackNames })
    const port = await freePort()
    address = `https://127.0.0.1:${port}`
    const { origin, tenantId } = mock
    front = await startKeysFront({ origin, tenantId, port, url: address, certificate, key })
    toClose.push(() => front.close())
    agent = new Agent({ connect: { ca: authority.certificate } })
    toClose.push(() => agent.close())
    const { issuer, ...rest } = authenticatorOf(presetFile(`${FOLDER}/authentication.yaml`))
    const discoveryUrl = issuer.discoveryURL.replace(ADDRESS, address)
    cluster = await startRealCluster({
      identityProvider: {
        discoveryUrl,
        jwksUri: `${address}/discovery/keys`,
        issuer: issuer.url,
        audience: '',
        tenantId,
      },
      contents: clusterContents({ 'team-a': 'a', 'team-b': 'b' }),
      // As it is, but for where the keys are and who signed their certificate.
      authenticator: {
        ...rest,
        issuer: {
          ...issuer,
          discoveryURL: discoveryUrl,
          certificateAuthority: authority.certificate,
        },
      },
    })
    toClose.push(() => cluster.close())
  })
  after(async () => {
    for (const close of toClose.reverse()) await close()
  })

  test('it takes the mock’s tokens, with the groups of the directory', async () => {
    const { access_token: token } = await signIn(mock, 'alice')
    const ca = new Agent({ connect: { ca: cluster.certificateAuthority } })
    toClose.push(() => ca.close())
    const path = '/apis/authentication.k8s.io/v1/selfsubjectreviews'
    const answer = await fetch(`${cluster.server}${path}`, {
      method: 'POST',
      dispatcher: ca,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' }),
    })
    const review = (await answer.json()) as {
      status: { userInfo: { username: string; groups: string[] } }
    }
    const { username, groups } = review.status.userInfo
    assert.equal(username, 'alice@contoso.test')
    assert.deepEqual(groups, ['aaaaaaaa-1111-4a11-8a11-aaaaaaaaaaaa', 'system:authenticated'])
  })

  test('what is shown to it is discovery and keys: no sign-in, no controls', async () => {
    const statusOf = async (path: string, method = 'GET') => {
      const { status, body } = await fetch(`${address}${path}`, { method, dispatcher: agent })
      await body?.cancel()
      return status
    }
    assert.equal(await statusOf('/discovery/keys'), 200)
    assert.equal(await statusOf('/discovery/keys', 'POST'), 404)
    for (const path of [
      `/${mock.tenantId}/oauth2/v2.0/authorize`,
      `/${mock.tenantId}/oauth2/v2.0/token`,
      '/_mock/token?person=alice',
      '/_mock',
    ]) {
      assert.equal(await statusOf(path), 404, path)
    }
  })
})

test('the guide’s commands make a certificate for the address, written into the file', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'rolecall-kind-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const making = commandsIn(guide()).find((block) => block.includes('openssl req')) ?? ''
  const commands = making.replaceAll('deploy/presets/kind-with-mock/', `${folder}/`)
  writeFileSync(join(folder, 'authentication.yaml'), presetFile(`${FOLDER}/authentication.yaml`))
  const made = spawnSync('bash', ['-euo', 'pipefail', '-c', commands], {
    cwd: folder,
    encoding: 'utf8',
  })
  assert.equal(made.status, 0, made.stderr)
  const certificate = readFileSync(join(folder, 'mock-keys/tls.crt'), 'utf8')
  const written = readFileSync(join(folder, 'mock-keys/authentication.yaml'), 'utf8')
  assert.equal(authenticatorOf(written).issuer.certificateAuthority, certificate)
})
