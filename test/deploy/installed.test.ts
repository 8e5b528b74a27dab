import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { after, afterEach, before, type TestContext, test } from 'node:test'
import { SignJWT } from 'jose'
import { createBrowser } from '../environment/browser.ts'
import type { Cluster } from '../environment/cluster/cluster.ts'
import type { TeamGroups } from '../environment/cluster/contents.ts'
import { startKubernetesMcpServer } from '../environment/kubernetes-mcp-server.ts'
import { type McpSession, openMcpSession } from '../environment/mcp-session.ts'
import { type Client, holmes, rolecallApp } from '../environment/mock-entra/directory.ts'
import { type MockEntra, startMockEntra } from '../environment/mock-entra/mock-entra.ts'
import { signIn as signInAtProvider } from '../environment/sign-in.ts'
import { onRealCluster } from '../real/availability.ts'
import { signIn as signInAtBroker } from '../support/broker-client.ts'
import { startRedis } from '../support/redis-server.ts'
import { codeFor, codeForm } from '../support/relay-gateway.ts'
import { withHelm } from './support/availability.ts'
import { renderChart } from './support/helm.ts'
import { runInstallation } from './support/installed.ts'
import { mountedInstallation } from './support/mounted.ts'
import { filledPreset } from './support/presets.ts'
import { startTrustingCluster } from './support/trusting-cluster.ts'

const TEAM_A = 'aaaaaaaa-1111-4a11-8a11-aaaaaaaaaaaa'
const TEAM_B = 'bbbbbbbb-2222-4b22-8b22-bbbbbbbbbbbb'
const OIDC_ISSUER = 'https://oidc.example.com/prod/'
const workload = generateKeyPairSync('rsa', { modulusLength: 2048 })

/** Proves itself by the token of rolecall's service account. */
const federated: Client = {
  client_id: '401e5000-0000-4000-8000-00000000fede',
  name: 'holmes, federated',
  service_principal_id: '401e5000-0000-4000-8000-0000fede5e21',
  redirect_uris: holmes.redirect_uris,
  federated_credentials: [
    {
      issuer: OIDC_ISSUER,
      subject: 'system:serviceaccount:holmes:rolecall',
      audience: 'api://AzureADTokenExchange',
      key: workload.publicKey,
    },
  ],
}

function serviceAccountToken(): Promise<string> {
  return new SignJWT({ sub: 'system:serviceaccount:holmes:rolecall' })
    .setProtectedHeader({ alg: 'RS256', kid: 'cluster' })
    .setIssuer(OIDC_ISSUER)
    .setAudience('api://AzureADTokenExchange')
    .setIssuedAt()
    .setExpirationTime('1h')
    .sign(workload.privateKey)
}

onRealCluster('installed presets', () => {
  withHelm('installed presets', () => {
    const toClose: (() => unknown)[] = []
    const sessions: McpSession[] = []
    let entra: MockEntra
    let cluster: Cluster
    let other: Cluster

    before(async () => {
      entra = await startMockEntra({ clients: [holmes, federated, rolecallApp] })
      toClose.push(() => entra.close())
      cluster = await startCluster({ 'team-a': TEAM_A, 'team-b': TEAM_B })
      // On the other one it is the other way round.
      other = await startCluster({ 'team-a': TEAM_B, 'team-b': TEAM_A })
    })
    after(async () => {
      for (const close of toClose.reverse()) await close()
    })

    // While what they are with still runs: `t.after` ends that, later.
    afterEach(async () => {
      for (const one of sessions.splice(0)) await one.close()
    })

    async function startCluster(groups: TeamGroups): Promise<Cluster> {
      const started = await startTrustingCluster(entra, groups)
      toClose.push(() => started.close())
      return started
    }

    interface Run {
      readonly client?: Client
      readonly values?: object
      readonly changes?: Readonly<Record<string, string>>
    }

    /** Renders a preset with the mock's ids and runs it; returns where rolecall is. */
    async function run(t: TestContext, preset: string, options: Run = {}): Promise<string> {
      const { client = holmes, values = {}, changes = {} } = options
      const written = { TENANT_ID: entra.tenantId, CLIENT_ID: client.client_id, GROUP_ID: TEAM_A }
      const { objects } = await renderChart({
        values: [filledPreset(preset, written), JSON.stringify(values)],
      })
      const redis = /-broker-|^fleet$/.test(preset) ? (await startRedis(t)).url : ''
      const { files, mcpServers } = mountedInstallation(objects, {
        'rolecall-client': { 'client-secret': client.client_secret ?? holmes.client_secret ?? '' },
        'rolecall-store': { 'redis-url': redis },
      })
      for (const path of Object.keys(files)) {
        if (path.endsWith('/azure-identity-token')) files[path] = await serviceAccountToken()
      }
      const { origin } = await runInstallation(t, {
        files,
        mcpServers,
        changes,
        environment: { ROLECALL__IDENTITY_PROVIDER__AUTHORITY: entra.origin },
        cluster,
      })
      return origin
    }

    /** A sign-in by relay, as HolmesGPT completes it. */
    async function byRelay(origin: string, person: string, client = holmes): Promise<string> {
      const change = { client_id: client.client_id }
      const code = await codeFor(entra, person, change)
      const answer = await fetch(`${origin}/oauth/token`, {
        method: 'POST',
        body: new URLSearchParams(codeForm(code, change) as Record<string, string>),
      })
      const tokens = (await answer.json()) as { access_token: string }
      assert.equal(answer.status, 200, JSON.stringify(tokens))
      return tokens.access_token
    }

    async function session(url: string, token: string): Promise<McpSession> {
      const opened = await openMcpSession(url, token)
      sessions.push(opened)
      return opened
    }

    const pods = (it: McpSession, namespace: string, more: object = {}) =>
      it.call('pods_list_in_namespace', { namespace, ...more })

    /** Alice sees what is hers, and is refused the rest by her name. */
    async function assertAlice(it: McpSession): Promise<void> {
      const mine = await pods(it, 'team-a')
      assert.equal(mine.isError, false, mine.text)
      assert.match(mine.text, /shop-web/)
      const theirs = await pods(it, 'team-b')
      assert.equal(theirs.isError, true)
      assert.match(theirs.text, /User "alice@contoso\.test" cannot list/)
    }

    for (const [preset, client] of [
      ['aks-robusta-relay-secret', holmes],
      ['aks-robusta-relay-workload-identity', federated],
    ] as const) {
      test(`${preset}: alice signs in and calls`, async (t) => {
        const origin = await run(t, preset, { client })
        await assertAlice(await session(`${origin}/mcp`, await byRelay(origin, 'alice', client)))
      })
    }

    for (const [preset, client] of [
      ['kind-with-mock', rolecallApp],
      ['aks-robusta-broker-secret', holmes],
      ['aks-robusta-broker-workload-identity', federated],
    ] as const) {
      test(`${preset}: alice signs in and calls`, async (t) => {
        const origin = await run(t, preset, { client })
        const { access } = await signInAtBroker({ origin }, createBrowser(), { username: 'alice' })
        await assertAlice(await session(`${origin}/mcp`, access))
      })
    }

    test('bring-your-own-token: alice brings hers and calls', async (t) => {
      const { access_token: token } = await signInAtProvider(entra, 'alice')
      // The mock has none of Microsoft's own applications.
      const changes = { '04b07795-8ddb-461a-bbee-02f9e1bf7b46': holmes.client_id }
      const origin = await run(t, 'bring-your-own-token', { changes })
      await assertAlice(await session(`${origin}/mcp`, token))
    })

    test('remediation: only who is in the group may write, and only there is there a way to', async (t) => {
      const origin = await run(t, 'remediation')
      const [alice, bob] = [await byRelay(origin, 'alice'), await byRelay(origin, 'bob')]
      const reading = await session(`${origin}/mcp`, bob)
      assert.match((await pods(reading, 'team-b')).text, /billing-api/)
      assert.ok(!(await reading.listTools()).includes('pods_delete'))
      const writing = await session(`${origin}/remediation/mcp`, alice)
      assert.ok((await writing.listTools()).includes('pods_delete'))
      // The group lets her ask; what she may do is still the cluster's to say.
      const tried = await writing.call('pods_delete', { namespace: 'team-a', name: 'shop-web' })
      assert.match(tried.text, /User "alice@contoso\.test" cannot (delete|get)/)
      const other = await session(`${origin}/remediation/mcp`, bob)
      assert.match((await pods(other, 'team-b')).text, /billing-api/)
      assert.ok(!(await other.listTools()).includes('pods_delete'))
      const refused = await other.call('pods_delete', { namespace: 'team-b', name: 'billing-api' })
      assert.match(refused.text, /do not allow pods_delete; they would .*for members of/)
    })

    test('several-clusters: each sees on each cluster what its RBAC gives them', async (t) => {
      const clusters = Object.entries({ 'prod-eu': cluster, staging: other }).map(
        ([name, { server, certificateAuthority }]) => ({ name, server, certificateAuthority }),
      )
      const origin = await run(t, 'several-clusters', {
        values: { mcpServers: { kubernetes: { clusters } } },
      })
      const seen: Record<string, boolean> = {}
      for (const person of ['alice', 'bob']) {
        const it = await session(`${origin}/mcp`, await byRelay(origin, person))
        assert.match(
          (await it.call('configuration_contexts_list', {})).text,
          /prod-eu[\s\S]*staging/,
        )
        for (const context of ['prod-eu', 'staging']) {
          for (const namespace of ['team-a', 'team-b']) {
            const { isError } = await pods(it, namespace, { context })
            seen[`${person} ${context} ${namespace}`] = !isError
          }
        }
      }
      assert.deepEqual(seen, {
        'alice prod-eu team-a': true,
        'alice prod-eu team-b': false,
        'alice staging team-a': false,
        'alice staging team-b': true,
        'bob prod-eu team-a': false,
        'bob prod-eu team-b': true,
        'bob staging team-a': true,
        'bob staging team-b': false,
      })
    })

    test('fleet: one sign-in, and every cluster answers for itself', async (t) => {
      const at = (name: string, { server, certificateAuthority }: Cluster) => {
        return { clusters: [{ name, server, certificateAuthority }] }
      }
      const origin = await run(t, 'fleet', {
        client: rolecallApp,
        values: {
          mcpServers: { 'prod-eu': at('prod-eu', cluster), staging: at('staging', other) },
        },
      })
      const url = `${origin}/fleet/mcp`
      const inFleet = async (username: string) =>
        (await signInAtBroker({ origin, of: 'fleet' }, createBrowser(), { username })).access
      const alice = await session(url, await inFleet('alice'))
      const { text } = await pods(alice, 'team-a', { cluster: '*' })
      assert.match(text, /## platform\n[\s\S]*shop-web[\s\S]*## prod-eu\n[\s\S]*shop-web/)
      assert.match(
        text,
        /2 of 3 clusters answered\. Not in this answer: staging \(not allowed for you\)/,
      )
      // Her group may ask to write, on one cluster at a time, and RBAC has the last word.
      const remove = { namespace: 'team-a', name: 'shop-web' }
      const many = await alice.call('pods_delete', { cluster: '*', ...remove })
      assert.match(many.text, /one cluster at a time/)
      const one = await alice.call('pods_delete', { cluster: 'staging', ...remove })
      assert.match(one.text, /User "alice@contoso\.test" cannot (delete|get)/)
      const bob = await session(url, await inFleet('bob'))
      assert.ok(!(await bob.listTools()).includes('pods_delete'))
      const production = await pods(bob, 'team-b', { cluster: 'stage=production' })
      assert.match(production.text, /billing-api[\s\S]*2 of 2 clusters answered/)
    })

    test('single-cluster: who signed in sees what the ServiceAccount sees, and nobody else anything', async (t) => {
      const own = await startKubernetesMcpServer({
        cluster,
        requireOauth: false,
        // Its own bearer: that of somebody who sees both teams would do; here bob's.
        kubeconfigToken: (await signInAtProvider(entra, 'bob')).access_token,
        stateless: true,
      })
      t.after(() => own.close())
      const upstream = 'http://holmes-k8s-mcp-server.holmes.svc.cluster.local:8000/mcp'
      const origin = await run(t, 'single-cluster', { changes: { [upstream]: own.url } })
      const it = await session(`${origin}/mcp`, await byRelay(origin, 'alice'))
      assert.match((await pods(it, 'team-b')).text, /billing-api/)
      const nobody = await fetch(`${origin}/mcp`, { method: 'POST', body: '{}' })
      assert.equal(nobody.status, 401)
    })
  })
})
