import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startRealCluster } from '../../environment/cluster/real/real.ts'
import { startKubernetesMcpServer } from '../../environment/kubernetes-mcp-server.ts'
import { heldTokens, refresh, signIn } from '../../support/broker-client.ts'
import { assertSeesOwnPods } from '../support/own-pods.ts'
import { userContents } from '../support/user-contents.ts'
import { AUDIENCE, addressOf, everybody, type Person } from './configuration.ts'
import type { Dex } from './dex.ts'
import { browserFor, startRolecall, type TheDex, visitor } from './world.ts'

/** The whole path on TLS: dex, rolecall, kubernetes-mcp-server and an API server that trusts dex. */
export function clusterSuite(theDex: TheDex): void {
  test('each person signs in and lists the pods that the API server lets that person see', async (t) => {
    const dex = theDex()
    const cluster = await startRealCluster({
      identityProvider: {
        issuer: dex.issuer,
        jwksUri: `${dex.issuer}/keys`,
        discoveryUrl: `${dex.issuer}/.well-known/openid-configuration`,
        audience: AUDIENCE,
        tenantId: '',
        certificateAuthority: dex.certificateAuthority,
      },
      authenticator: authenticatorFor(dex),
      // Nobody whom dex itself knows is in a group.
      contents: userContents({ 'team-a': nameInCluster('alice'), 'team-b': nameInCluster('bob') }),
    })
    t.after(() => cluster.close())
    const upstream = await startKubernetesMcpServer({ cluster })
    t.after(() => upstream.close())
    const gateway = await startRolecall(t, dex, { upstream: upstream.url })
    for (const person of everybody) {
      const held = await signIn(gateway, browserFor(dex), visitor(person))
      const next = heldTokens(await refresh(gateway, held), held.clientId)
      for (const { access } of [held, next]) {
        const username = nameInCluster(person)
        await assertSeesOwnPods(gateway.url, { person, username, token: access })
      }
    }
    const listers = (await cluster.auditEvents())
      .filter(({ objectRef, verb }) => objectRef?.resource === 'pods' && verb === 'list')
      .map(({ user }) => user.username)
    const expected = everybody.flatMap((person) => Array(4).fill(nameInCluster(person)))
    assert.deepEqual(listers, expected)
  })
}

const PREFIX = 'dex:'

function nameInCluster(person: Person): string {
  return `${PREFIX}${addressOf(person)}`
}

/** As an administrator tells an API server of dex: people by their address, and no groups. */
function authenticatorFor({ issuer, certificateAuthority }: Dex): object {
  return {
    issuer: { url: issuer, certificateAuthority, audiences: [AUDIENCE] },
    claimMappings: { username: { claim: 'email', prefix: PREFIX } },
  }
}
