import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import {
  type HeldTokens,
  heldTokens,
  refresh,
  signIn,
  type TokenAnswer,
} from '../../support/broker-client.ts'
import { prepareServeOf, untilReady } from '../../support/fault-process.ts'
import { oidcFile } from '../../support/oidc-gateway.ts'
import { post, send } from '../../support/raw-http.ts'
import { startUpstream } from '../../support/recording-upstream.ts'
import { onRedis, startRedis } from '../../support/redis-server.ts'
import { startRoundRobin } from '../../support/round-robin.ts'
import type { Keycloak } from './keycloak.ts'
import { type Person, REALM, SECRET } from './realm.ts'
import { browserFor, optionsFor, startRolecall, type TheKeycloak, visitor } from './world.ts'

/** How sessions live on, and how they end at Keycloak. */
export function sessionSuite(theKeycloak: TheKeycloak): void {
  for (const revoke of [true, false]) {
    const setting = `revokeRefreshToken ${revoke ? 'on' : 'off'}`

    onRedis(setting, () => {
      test(`${setting}: eight refreshes at once through two processes are one at Keycloak, and the session survives`, async (t) => {
        const keycloak = theKeycloak()
        await setRealm(keycloak, { revokeRefreshToken: revoke, refreshTokenMaxReuse: 0 })
        const { origin, counts } = await startTwo(t, keycloak)
        let held = await signIn({ origin }, browserFor(keycloak), visitor('alice'))
        await clearEvents(keycloak)
        for (const round of [1, 2, 3]) {
          const asked = Array.from({ length: 8 }, () => refresh({ origin }, held))
          const answers = await Promise.all(asked)
          for (const { status, body } of answers) {
            assert.equal(status, 200, JSON.stringify(body))
            assert.deepEqual(body, answers[0]?.body)
          }
          assert.deepEqual(await refreshEvents(keycloak), { good: round, bad: 0 })
          held = heldTokens(answers[0] ?? assert.fail(), held.clientId)
          assert.equal((await send(`${origin}/mcp`, post(held.access))).status, 200)
        }
        const [one = 0, other = 0] = Object.values(counts())
        assert.ok(one >= 12 && other >= 12, 'both processes were asked')
      })
    })

    test(`${setting}: two clients in one browser refresh in turn, and neither ends the other`, async (t) => {
      const keycloak = theKeycloak()
      await setRealm(keycloak, { revokeRefreshToken: revoke, refreshTokenMaxReuse: 0 })
      const gateway = await startRolecall(t, keycloak)
      const browser = browserFor(keycloak)
      let one = await signIn(gateway, browser, visitor('alice'))
      let other = await signIn(gateway, browser, visitor('alice'))
      const next = async (held: HeldTokens): Promise<HeldTokens> =>
        heldTokens(await refresh(gateway, held), held.clientId)
      for (let i = 0; i < 3; i += 1) {
        one = await next(one)
        other = await next(other)
      }
    })
  }

  for (const { ends, what, again } of [
    {
      ends: 'an administrator signs the person out',
      what: (keycloak, id) => keycloak.admin.send('POST', `/${REALM}/users/${id}/logout`),
      again: async () => undefined,
    },
    {
      ends: 'the account is disabled',
      what: (keycloak, id) => setEnabled(keycloak, id, false),
      again: (keycloak, id) => setEnabled(keycloak, id, true),
    },
  ] satisfies readonly {
    readonly ends: string
    what(keycloak: Keycloak, id: string): Promise<unknown>
    again(keycloak: Keycloak, id: string): Promise<unknown>
  }[]) {
    test(`a session ends at its next refresh, in words, once ${ends}`, async (t) => {
      const keycloak = theKeycloak()
      const gateway = await startRolecall(t, keycloak)
      const first = await signIn(gateway, browserFor(keycloak), visitor('bob'))
      const held = heldTokens(await refresh(gateway, first), first.clientId)
      const id = await userId(keycloak, 'bob')
      await what(keycloak, id)
      assertEnded(await refresh(gateway, held))
      await again(keycloak, id)
      assertEnded(await refresh(gateway, held))
      await signIn(gateway, browserFor(keycloak), visitor('bob'))
    })
  }

  test('a secret that was changed at Keycloak alone is loudly logged, and costs nobody their session', async (t) => {
    const keycloak = theKeycloak()
    const gateway = await startRolecall(t, keycloak, { identityProvider: { client_id: 'changed' } })
    const held = await signIn(gateway, browserFor(keycloak), visitor('alice'))
    await setSecret(keycloak, 'changed', 'another secret')
    const { status, headers, body } = await refresh(gateway, held)
    assert.deepEqual([status, body['error']], [503, 'temporarily_unavailable'])
    assert.ok(Number(headers.get('retry-after')) <= 10)
    const loud = gateway.log.filter(
      ({ level, kind }) => level === 'error' && kind === 'identity_provider',
    )
    assert.equal(loud.length, 1)
    await setSecret(keycloak, 'changed', SECRET)
    assert.equal((await refresh(gateway, held)).status, 200)
  })
}

function assertEnded({ status, body }: TokenAnswer): void {
  assert.deepEqual([status, body['error']], [400, 'invalid_grant'])
  assert.match(String(body['error_description']), /session is no longer good.*sign in again/)
}

/** Two processes of `serve` over one Redis, behind a round-robin. */
async function startTwo(t: TestContext, keycloak: Keycloak) {
  const redis = await startRedis(t)
  const balancer = await startRoundRobin(t)
  const upstream = await startUpstream(t)
  const folder = await mkdtemp(join(tmpdir(), 'rolecall-idp-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  const authority = join(folder, 'keycloak.crt')
  await writeFile(authority, keycloak.certificateAuthority)
  const options = optionsFor(keycloak, {
    upstream: upstream.url,
    identityProvider: { certificate_authority_file: authority },
  })
  const one = async () => {
    const serve = await prepareServeOf(t, (port, adminPort) => ({
      ...oidcFile(options, port),
      public_url: balancer.origin,
      admin_listen: `127.0.0.1:${adminPort}`,
      store: { redis_url: redis.url },
    }))
    return serve()
  }
  const processes = await Promise.all([one(), one()])
  for (const serving of processes) await untilReady(serving)
  balancer.spreadOver(processes.map(({ url }) => new URL(url).origin))
  return balancer
}

async function setRealm({ admin }: Keycloak, change: object): Promise<void> {
  await admin.send('PUT', `/${REALM}`, { realm: REALM, ...change })
}

async function clearEvents({ admin }: Keycloak): Promise<void> {
  await admin.send('DELETE', `/${REALM}/events`)
}

/** The refreshes that Keycloak was asked for since its events were cleared. */
async function refreshEvents({ admin }: Keycloak): Promise<{ good: number; bad: number }> {
  const events = (await admin.send('GET', `/${REALM}/events?max=100`)) as { type: string }[]
  const count = (name: string): number => events.filter(({ type }) => type === name).length
  return { good: count('REFRESH_TOKEN'), bad: count('REFRESH_TOKEN_ERROR') }
}

async function userId({ admin }: Keycloak, name: Person): Promise<string> {
  const found = await admin.send('GET', `/${REALM}/users?exact=true&username=${name}`)
  return (found as { id: string }[])[0]?.id ?? ''
}

function setEnabled({ admin }: Keycloak, id: string, enabled: boolean): Promise<unknown> {
  return admin.send('PUT', `/${REALM}/users/${id}`, { enabled })
}

async function setSecret({ admin }: Keycloak, clientId: string, secret: string): Promise<void> {
  const found = await admin.send('GET', `/${REALM}/clients?clientId=${clientId}`)
  const [client] = found as { id: string }[]
  await admin.send('PUT', `/${REALM}/clients/${client?.id}`, { ...client, secret })
}
