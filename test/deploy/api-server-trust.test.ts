import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Agent, fetch } from 'undici'
import { parse } from 'yaml'
import type { Cluster } from '../environment/cluster/cluster.ts'
import { clusterContents } from '../environment/cluster/contents.ts'
import { startRealCluster } from '../environment/cluster/real/real.ts'
import { onRealCluster } from '../real/availability.ts'
import { startTestIssuer, type TestIssuer } from '../support/test-issuer.ts'
import { filledIn, presetFile } from './support/presets.ts'

interface Authenticator {
  readonly issuer: { readonly audiences: readonly string[] }
}

const structured = parse(filledIn(presetFile('structured-authentication/api-server.yaml'))) as {
  jwt: [Authenticator]
}
const aks = JSON.parse(filledIn(presetFile('aks-keycloak/jwt-authenticator.json'))) as Authenticator

const alice = {
  aud: ['kubernetes', 'account'],
  sub: 'a-uuid',
  typ: 'Bearer',
  preferred_username: 'alice',
  groups: ['team-a'],
}

interface Case {
  readonly authenticator: Authenticator
  /** What comes before every name. */
  readonly prefix: string
  /** Tokens that are alice's, too. */
  readonly taken: Readonly<Record<string, object>>
  readonly refused: Readonly<Record<string, object>>
}

const FILES: Readonly<Record<string, Case>> = {
  'structured-authentication/api-server.yaml': {
    authenticator: structured.jwt[0],
    prefix: '',
    taken: { 'of a provider that marks none': { typ: undefined } },
    refused: { 'in a group of the cluster itself': { groups: ['system:masters'] } },
  },
  'aks-keycloak/jwt-authenticator.json': {
    authenticator: aks,
    prefix: 'aks:jwt:keycloak:',
    taken: {},
    refused: { 'without a mark': { typ: undefined } },
  },
}

for (const [file, { authenticator, prefix, taken, refused }] of Object.entries(FILES)) {
  onRealCluster(`a real API server with ${file}`, () => {
    const toClose: (() => unknown)[] = []
    let issuer: TestIssuer
    let cluster: Cluster

    before(async () => {
      issuer = await startTestIssuer((close) => toClose.push(close))
      const { identityProvider } = issuer
      const { issuer: url, discoveryUrl: discoveryURL, certificateAuthority } = identityProvider
      cluster = await startRealCluster({
        identityProvider: { ...identityProvider, audience: 'kubernetes' },
        contents: clusterContents({ 'team-a': 'a', 'team-b': 'b' }),
        // As it is, but for where the issuer is.
        authenticator: {
          ...authenticator,
          issuer: { ...authenticator.issuer, url, discoveryURL, certificateAuthority },
        },
      })
      toClose.push(() => cluster.close())
    })
    after(async () => {
      for (const close of toClose.reverse()) await close()
    })

    /** As whom the API server takes a token with these claims; the status where it takes none. */
    async function whoIs(claims: object): Promise<unknown> {
      const exp = Math.floor(Date.now() / 1000) + 300
      const token = await issuer.sign({ iss: issuer.identityProvider.issuer, exp, ...claims })
      const agent = new Agent({ connect: { ca: cluster.certificateAuthority } })
      try {
        const path = '/apis/authentication.k8s.io/v1/selfsubjectreviews'
        const answer = await fetch(`${cluster.server}${path}`, {
          method: 'POST',
          dispatcher: agent,
          headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
          body: JSON.stringify({
            apiVersion: 'authentication.k8s.io/v1',
            kind: 'SelfSubjectReview',
          }),
        })
        if (answer.status !== 201) return answer.status
        const { status } = (await answer.json()) as {
          status: { userInfo: { username: string; groups: string[] } }
        }
        return { username: status.userInfo.username, groups: status.userInfo.groups }
      } finally {
        await agent.close()
      }
    }

    const asAlice = {
      username: `${prefix}alice`,
      groups: [`${prefix}team-a`, 'system:authenticated'],
    }

    for (const [what, change] of Object.entries({ 'as rolecall passes it on': {}, ...taken })) {
      test(`a token ${what} is alice's`, async () => {
        assert.deepEqual(await whoIs({ ...alice, ...change }), asAlice)
      })
    }

    test('somebody without groups has none', async () => {
      const { groups: _groups, ...others } = alice
      const groups = ['system:authenticated']
      assert.deepEqual(await whoIs(others), { username: `${prefix}alice`, groups })
    })

    for (const [what, change] of Object.entries({
      'for somebody else': { aud: ['rolecall'] },
      'that is an ID token': { typ: 'ID' },
      'that is a refresh token': { typ: 'Refresh' },
      'of a user with a name of the cluster itself': { preferred_username: 'system:admin' },
      ...refused,
    })) {
      test(`a token ${what} is refused`, async () => {
        assert.equal(await whoIs({ ...alice, ...change }), 401)
      })
    }
  })
}
