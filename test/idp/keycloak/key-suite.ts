import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { decodeProtectedHeader } from 'jose'
import { heldTokens, refresh, signIn } from '../../support/broker-client.ts'
import type { OidcGateway, OidcGatewayOptions } from '../../support/oidc-gateway.ts'
import { post, send } from '../../support/raw-http.ts'
import { startUpstream } from '../../support/recording-upstream.ts'
import type { Keycloak } from './keycloak.ts'
import { REALM } from './realm.ts'
import { browserFor, startRolecall, type TheKeycloak, visitor } from './world.ts'

/** What Keycloak signs with, and what becomes of sessions and tokens when that changes. */
export function keySuite(theKeycloak: TheKeycloak): void {
  test('a realm with an ES256 key signs people in where ES256 is all that is taken', async (t) => {
    const keycloak = theKeycloak()
    const config = { ecdsaEllipticCurveKey: ['P-256'], ecdsaGenerateCertificate: ['false'] }
    await addKey(keycloak, 'ecdsa-generated', { ...config, priority: ['100'] })
    const gateway = await start(t, keycloak, {
      identityProvider: { client_id: 'es256', signing_algorithms: ['ES256'] },
    })
    const held = await signIn(gateway, browserFor(keycloak), visitor('alice'))
    assert.equal(decodeProtectedHeader(held.access).alg, 'ES256')
    assert.equal((await send(gateway.url, post(held.access))).status, 200)
    const next = heldTokens(await refresh(gateway, held), held.clientId)
    assert.equal((await send(gateway.url, post(next.access))).status, 200)
  })

  test('a rotated key costs nobody anything, and a deleted one ends what it signed', async (t) => {
    const keycloak = theKeycloak()
    const before = await signingKey(keycloak)
    const gateway = await start(t, keycloak)
    const held = await signIn(gateway, browserFor(keycloak), visitor('alice'))
    assert.equal(decodeProtectedHeader(held.access).kid, before.kid)

    await addKey(keycloak, 'rsa-generated', { keySize: ['2048'], priority: ['200'] })
    const next = heldTokens(await refresh(gateway, held), held.clientId)
    const { kid } = decodeProtectedHeader(next.access)
    assert.notEqual(kid, before.kid)
    assert.equal(kid, (await signingKey(keycloak)).kid)
    for (const { access } of [held, next]) {
      assert.equal((await send(gateway.url, post(access))).status, 200)
    }

    await keycloak.admin.send('DELETE', `/${REALM}/components/${before.providerId}`)
    // As after the hour in which the keys are fetched again.
    const later = await start(t, keycloak)
    const refused = await send(later.url, post(held.access))
    assert.equal(refused.status, 401)
    assert.match(refused.text, /key that the identity provider does not publish/)
    assert.equal((await send(later.url, post(next.access))).status, 200)
    assert.equal((await refresh(gateway, next)).status, 200)
  })
}

/** Clients hold Keycloak's own tokens here, so that their headers can be read. */
async function start(
  t: TestContext,
  keycloak: Keycloak,
  over: Partial<OidcGatewayOptions> = {},
): Promise<OidcGateway> {
  const { url: upstream } = await startUpstream(t)
  return startRolecall(t, keycloak, { upstream, signIn: { tokens: 'passthrough' }, ...over })
}

interface Key {
  readonly kid: string
  /** Of the component that made it. */
  readonly providerId: string
}

/** The key that RS256 is signed with now. */
async function signingKey({ admin }: Keycloak): Promise<Key> {
  const answer = await admin.send('GET', `/${REALM}/keys`)
  const { active, keys } = answer as { active: Record<string, string>; keys: readonly Key[] }
  return keys.find(({ kid }) => kid === active['RS256']) ?? assert.fail('no key for RS256')
}

async function addKey({ admin }: Keycloak, providerId: string, config: object): Promise<void> {
  const { id } = (await admin.send('GET', `/${REALM}`)) as { id: string }
  await admin.send('POST', `/${REALM}/components`, {
    name: `${providerId} of a test`,
    providerId,
    providerType: 'org.keycloak.keys.KeyProvider',
    parentId: id,
    config: { enabled: ['true'], active: ['true'], ...config },
  })
}
