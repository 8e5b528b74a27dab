import assert from 'node:assert/strict'
import { after, afterEach, before, beforeEach, describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { PODS, type Team } from '../../environment/cluster/contents.ts'
import { findKubeBinaries } from '../../environment/cluster/real/kube-binaries.ts'
import { post, send } from '../../support/raw-http.ts'
import { apiServerAnswers } from '../support/api-server-answer.ts'
import { LIFETIME } from '../support/api-server-stack.ts'
import { type BrokerStack, REGISTERED, startBrokerStack } from '../support/broker-stack.ts'
import { METADATA_URL } from '../support/metadata-site.ts'
import { needed } from '../support/needed.ts'
import { createPerson } from '../support/person.ts'
import type { Call } from '../support/sdk-clients.ts'
import type { Connection, SigningClient } from '../support/signing-client.ts'
import { inspectorCli } from '../support/signing-inspector.ts'
import { mcpRemote } from '../support/signing-mcp-remote.ts'
import { pythonSdk } from '../support/signing-python.ts'
import { typescriptV1, typescriptV2 } from '../support/signing-typescript.ts'

const kube = await needed(async () => findKubeBinaries())

/** A client, and how it is known here. */
interface Row {
  readonly client: SigningClient
  readonly knownBy: 'registration' | 'metadata document' | 'configuration'
}

const ROWS: readonly Row[] = [
  ...[
    typescriptV1(),
    typescriptV2('legacy'),
    typescriptV2('auto'),
    await pythonSdk('1', { mode: 'legacy' }),
    await pythonSdk('2', { mode: 'legacy' }),
    await pythonSdk('2', { mode: 'auto' }),
    mcpRemote(),
    inspectorCli('legacy'),
    inspectorCli('auto'),
  ].map((client) => ({ client, knownBy: 'registration' as const })),
  { client: typescriptV2('auto', { metadataUrl: METADATA_URL }), knownBy: 'metadata document' },
  { client: typescriptV1({ client: REGISTERED }), knownBy: 'configuration' },
  {
    client: await pythonSdk('2', {
      mode: 'auto',
      client: { ...REGISTERED, token_endpoint_auth_method: 'client_secret_basic' },
    }),
    knownBy: 'configuration',
  },
]

const TEAM_OF = { alice: 'team-a', bob: 'team-b' } as const
type Username = keyof typeof TEAM_OF

const podsIn = (namespace: Team): Call => ({
  tool: 'pods_list_in_namespace',
  arguments: { namespace },
})

async function assertSeesOwn(connection: Connection, username: Username): Promise<void> {
  for (const team of ['team-a', 'team-b'] as const) {
    const { isError, text } = await connection.call(podsIn(team))
    const isOwn = TEAM_OF[username] === team
    assert.equal(isError, !isOwn, `${username} in ${team}: ${text}`)
    const shown = PODS[team].filter((pod) => text.includes(pod))
    assert.deepEqual(shown, isOwn ? PODS[team] : [], `${username} in ${team}`)
    if (!isOwn) assert.match(text, new RegExp(`"${username}@contoso\\.test"`))
  }
}

/** Seconds that a token has when it is handed out, where it is to end soon. */
const SHORT = 2

describe('broker: clients that are told a URL and nothing else', { skip: kube.skip }, () => {
  let stack: BrokerStack
  let seen = 0

  before(async () => {
    if (kube.skip !== false) return
    stack = await startBrokerStack(kube.found)
  })
  after(() => stack?.close())
  beforeEach(() => {
    seen = stack.exchanges.length
  })
  afterEach(() => stack.entra.reset())

  /** Since the test began. */
  const asked = (path: string) =>
    stack.exchanges.slice(seen).filter((exchange) => exchange.path.split('?')[0] === path)

  const grants = () =>
    asked('/oauth/token').map(({ body, status, answer }) => ({
      type: new URLSearchParams(body).get('grant_type'),
      status,
      tokens: JSON.parse(answer) as Readonly<Record<string, unknown>>,
    }))

  /** Of sign-ins that went well, and nothing but these. */
  const handedOut = () =>
    grants().flatMap(({ status, tokens }) => {
      assert.equal(status, 200)
      return [String(tokens['access_token']), String(tokens['refresh_token'])]
    })

  async function pods(): Promise<(string | undefined)[]> {
    const events = await stack.cluster.auditEvents()
    return events
      .filter(({ objectRef }) => objectRef?.resource === 'pods')
      .map(({ user }) => user.username)
  }

  for (const { client, knownBy } of ROWS) {
    const name = `${client.name}, known by ${knownBy}`

    test(`${name}: alice and bob sign in at once, and each sees what is theirs`, {
      skip: client.skip,
    }, async () => {
      const before = (await pods()).length
      const people = [createPerson('alice'), createPerson('bob')]
      await Promise.all(
        people.map(async (person) => {
          const connection = await client.connect(stack.url, person)
          assert.ok((await connection.tools()).includes('pods_list_in_namespace'))
          await assertSeesOwn(connection, person.username as Username)
          await connection.close()
          assert.equal(person.signIns, 1)
        }),
      )
      const callers = (await pods()).slice(before).toSorted()
      const [alice, bob] = ['alice@contoso.test', 'bob@contoso.test']
      assert.deepEqual(callers, [alice, alice, bob, bob])
      const registrations = asked('/oauth/register').map(({ status }) => status)
      assert.deepEqual(registrations, knownBy === 'registration' ? [201, 201] : [])
      for (const token of handedOut()) {
        assert.equal(await apiServerAnswers(stack.cluster, token, 'team-a'), 401)
      }
    })

    test(`${name}: a token that ends is renewed, and alice is not asked again`, {
      skip: client.skip,
    }, async () => {
      const alice = createPerson('alice')
      stack.entra.skew(-(LIFETIME - SHORT) * 1000)
      const connection = await client.connect(stack.url, alice)
      await connection.tools()
      stack.entra.skew(0)
      await delay(SHORT * 1000)
      const before = grants()
      await assertSeesOwn(connection, 'alice')
      await connection.close()
      assert.equal(alice.signIns, 1)
      const [refresh, ...more] = grants().slice(before.length)
      assert.deepEqual([refresh?.type, refresh?.status], ['refresh_token', 200])
      assert.deepEqual(more, [])
      assert.equal(typeof refresh?.tokens['expires_in'], 'number')
      const issued = handedOut()
      assert.equal(new Set(issued).size, issued.length, 'every token is another one')
    })
  }

  for (const { client, knownBy } of ROWS) {
    test(`${client.name}, known by ${knownBy}: a further resource has its own place to sign in, and its tokens are good there alone`, {
      skip: client.skip,
    }, async () => {
      const alice = createPerson('alice')
      const connection = await client.connect(stack.furtherUrl, alice)
      await assertSeesOwn(connection, 'alice')
      await connection.close()
      assert.equal(alice.signIns, 1)
      for (const shared of ['/oauth/register', '/oauth/authorize', '/oauth/token']) {
        assert.deepEqual(asked(shared), [])
      }
      const [redemption, ...more] = asked('/oauth/further/token')
      assert.equal(redemption?.status, 200)
      assert.deepEqual(more, [])
      const { access_token: token } = JSON.parse(redemption.answer)
      assert.equal((await send(stack.furtherUrl, post(token))).status, 200)
      assert.equal((await send(stack.url, post(token))).status, 401)
    })
  }

  for (const { client, knownBy } of ROWS) {
    test(`${client.name}, known by ${knownBy}: one sign-in at the fleet is for each of its clusters`, {
      skip: client.skip,
    }, async () => {
      const alice = createPerson('alice')
      const connection = await client.connect(stack.fleetUrl, alice)
      assert.ok((await connection.tools()).includes('clusters_list'))
      const at = (cluster: string) =>
        connection.call({
          tool: 'pods_list_in_namespace',
          arguments: { cluster, namespace: 'team-a' },
        })
      const [one, all, none] = [await at('further'), await at('*'), await at('nowhere')]
      await connection.close()
      assert.equal(alice.signIns, 1)
      for (const { isError, text } of [one, all]) {
        assert.equal(isError, false, text)
        for (const pod of PODS['team-a']) assert.ok(text.includes(pod), text)
      }
      assert.match(all.text, /## prod\n[\s\S]*## further\n[\s\S]*\n2 of 2 clusters answered\.$/)
      assert.equal(none.isError, true)
      assert.match(none.text, /Your clusters: prod, further\./)
      const [redemption, ...more] = asked('/oauth/fleet/token')
      assert.equal(redemption?.status, 200)
      assert.deepEqual(more, [])
      const { access_token: token } = JSON.parse(redemption.answer)
      assert.equal((await send(stack.url, post(token))).status, 401)
      const spoken = asked('/fleet/mcp')
        .filter(({ body }) => body.includes('"tools/call"'))
        .map(({ headers }) => headers['mcp-protocol-version'])
      assert.deepEqual([...new Set(spoken)], [client.protocol])
    })
  }

  test('the metadata document was fetched, and kept', () => {
    assert.equal(stack.site.requests(), 1)
  })

  test('a token of the provider itself, which no client ever got, is one that the API server takes', async () => {
    const token = await stack.entra.mint({ person: 'alice' })
    assert.equal(await apiServerAnswers(stack.cluster, token, 'team-a'), 200)
  })

  test('in the log is no failure, and no code, token or secret', async () => {
    const everything = stack.exchanges.flatMap(({ path, body, answer }) => [path, body, answer])
    const secrets = new Set(
      everything.flatMap((text) =>
        [
          ...text.matchAll(
            /(?:code|state|code_verifier|refresh_token|access_token|client_secret)["=:]+([\w.~-]{20,})/g,
          ),
        ].map(([, secret]) => String(secret)),
      ),
    )
    assert.ok(secrets.size > 50)
    const log = await stack.end()
    for (const secret of secrets) assert.ok(!log.includes(secret))
    const lines = log
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    const failures = lines.filter(({ level, status }) => level === 'error' || status >= 500)
    assert.deepEqual(failures, [])
  })
})
