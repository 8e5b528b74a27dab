import assert from 'node:assert/strict'
import { test } from 'node:test'
import { clusterContents } from '../../environment/cluster/contents.ts'
import { startRealCluster } from '../../environment/cluster/real/real.ts'
import { startKubernetesMcpServer } from '../../environment/kubernetes-mcp-server.ts'
import { heldTokens, refresh, signIn } from '../../support/broker-client.ts'
import { assertSeesOwnPods } from '../support/own-pods.ts'
import type { Keycloak } from './keycloak.ts'
import { AUDIENCE } from './realm.ts'
import { browserFor, issuerOf, startRolecall, type TheKeycloak, visitor } from './world.ts'

const people = ['alice', 'bob', 'carol'] as const

/** The whole path on TLS: Keycloak, rolecall, kubernetes-mcp-server and an API server that trusts Keycloak. */
export function clusterSuite(theKeycloak: TheKeycloak): void {
  test('each person signs in and lists the pods that the API server lets that person see', async (t) => {
    const keycloak = theKeycloak()
    const cluster = await startRealCluster({
      identityProvider: {
        issuer: issuerOf(keycloak),
        jwksUri: `${issuerOf(keycloak)}/protocol/openid-connect/certs`,
        discoveryUrl: `${issuerOf(keycloak)}/.well-known/openid-configuration`,
        audience: AUDIENCE,
        tenantId: '',
        certificateAuthority: keycloak.certificateAuthority,
      },
      authenticator: authenticatorFor(keycloak),
      contents: clusterContents({ 'team-a': 'keycloak:team-a', 'team-b': 'keycloak:team-b' }),
    })
    t.after(() => cluster.close())
    const upstream = await startKubernetesMcpServer({ cluster })
    t.after(() => upstream.close())
    const gateway = await startRolecall(t, keycloak, { upstream: upstream.url })
    for (const person of people) {
      const held = await signIn(gateway, browserFor(keycloak), visitor(person))
      const next = heldTokens(await refresh(gateway, held), held.clientId)
      for (const { access } of [held, next]) {
        const username = `keycloak:${person}`
        await assertSeesOwnPods(gateway.url, { person, username, token: access })
      }
    }
    const listers = (await cluster.auditEvents())
      .filter(({ objectRef, verb }) => objectRef?.resource === 'pods' && verb === 'list')
      .map(({ user }) => user.username)
    const expected = people.flatMap((person) => Array(4).fill(`keycloak:${person}`))
    assert.deepEqual(listers, expected)
  })
}

/** As an administrator tells an API server of Keycloak: access tokens alone, and names of its own. */
function authenticatorFor(keycloak: Keycloak): object {
  return {
    issuer: {
      url: issuerOf(keycloak),
      certificateAuthority: keycloak.certificateAuthority,
      audiences: [AUDIENCE],
    },
    claimValidationRules: [{ claim: 'typ', requiredValue: 'Bearer' }],
    claimMappings: {
      username: { claim: 'preferred_username', prefix: 'keycloak:' },
      groups: { claim: 'groups', prefix: 'keycloak:' },
    },
  }
}
