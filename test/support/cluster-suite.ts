import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { Agent, fetch, type RequestInit } from 'undici'
import {
  type Cluster,
  type ClusterIdentityProvider,
  TOKEN_ID_EXTRA,
} from '../environment/cluster/cluster.ts'
import { type ClusterContents, clusterContents, PODS } from '../environment/cluster/contents.ts'
import {
  type KubernetesMcpServer,
  startKubernetesMcpServer,
} from '../environment/kubernetes-mcp-server.ts'
import { openMcpSession } from '../environment/mcp-session.ts'
import {
  ISSUER,
  startTestIssuer,
  type TestIssuer,
  unsigned,
  withEditedSignature,
} from './test-issuer.ts'

export type StartCluster = (
  identityProvider: ClusterIdentityProvider,
  contents: ClusterContents,
) => Promise<Cluster>

const GROUPS = {
  'team-a': 'aaaaaaaa-1111-4a11-8a11-aaaaaaaaaaaa',
  'team-b': 'bbbbbbbb-2222-4b22-8b22-bbbbbbbbbbbb',
}
const PEOPLE = { alice: [GROUPS['team-a']], bob: [GROUPS['team-b']], carol: [] }
type Name = keyof typeof PEOPLE

const DISCOVERY_LISTS = {
  aggregated: 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList',
  legacy: 'application/json',
}
const TABLE = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json'

/** The one difference: a real API server asks the pod's node for logs, and there is no node. */
const OWN_LOG: Readonly<Record<Cluster['kind'], RegExp>> = {
  'stand-in': /^shop-web of team-a: listening/,
  real: /^failed to get pod shop-web log in namespace team-a: pods "node-1" not found$/,
}

interface StatusBody {
  readonly kind: string
  readonly status: string
  readonly message: string
  readonly reason: string
  readonly code: number
}

/**
 * What both clusters of the demo must do: the stand-in and the real API server. A rule that only
 * one of them keeps has no place here.
 */
export function clusterSuite(name: string, startCluster: StartCluster): void {
  describe(name, () => {
    let issuer: TestIssuer
    let cluster: Cluster
    let mcpServer: KubernetesMcpServer
    let agent: Agent
    const toClose: (() => unknown)[] = []

    before(async () => {
      issuer = await startTestIssuer((close) => toClose.push(close))
      cluster = await startCluster(issuer.identityProvider, clusterContents(GROUPS))
      toClose.push(() => cluster.close())
      agent = new Agent({ connect: { ca: cluster.certificateAuthority } })
      toClose.push(() => agent.destroy())
      mcpServer = await startKubernetesMcpServer({ cluster })
      toClose.push(() => mcpServer.close())
    })
    after(async () => {
      for (const close of toClose.reverse()) await close()
    })

    function claims(person: Name, changed: object = {}): object {
      const now = Math.floor(Date.now() / 1000)
      const { audience: aud, issuer: iss, tenantId: tid } = issuer.identityProvider
      const subject = { upn: `${person}@contoso.test`, oid: `oid-${person}`, sub: `sub-${person}` }
      const times = { iat: now - 300, nbf: now - 300, exp: now + 600 }
      const groups = PEOPLE[person]
      return { iss, aud, tid, ...times, ...subject, groups, uti: `uti-${person}`, ...changed }
    }
    const tokenOf = (person: Name): Promise<string> => issuer.sign(claims(person))

    async function ask(path: string, token: string | undefined, init: RequestInit = {}) {
      const headers = {
        accept: 'application/json',
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
        ...(init.headers as Record<string, string> | undefined),
      }
      const answer = await fetch(`${cluster.server}${path}`, {
        ...init,
        headers,
        dispatcher: agent,
      })
      return { code: answer.status, headers: answer.headers, text: await answer.text() }
    }

    async function review(path: string, token: string, body: object) {
      const answer = await ask(path, token, {
        method: 'POST',
        body: JSON.stringify(body),
        headers: { 'content-type': 'application/json' },
      })
      assert.equal(answer.code, 201, answer.text)
      return JSON.parse(answer.text)
    }

    test('a good token may read discovery', async () => {
      assert.equal((await ask('/api', await tokenOf('carol'))).code, 200)
    })

    const seconds = (): number => Math.floor(Date.now() / 1000)
    const refused: Record<string, () => string | undefined | Promise<string>> = {
      'no bearer': () => undefined,
      'text that is no token': () => 'system:masters',
      'another audience': () => issuer.sign(claims('alice', { aud: 'api://another' })),
      'another tenant': () => issuer.sign(claims('alice', { tid: 'another' })),
      'no tenant': () => issuer.sign(claims('alice', { tid: undefined })),
      'the v2 issuer': () =>
        issuer.sign(claims('alice', { iss: 'https://login.microsoftonline.com/t/v2.0' })),
      'its issuer without the last slash': () =>
        issuer.sign(claims('alice', { iss: ISSUER.slice(0, -1) })),
      'an end two seconds ago': () => issuer.sign(claims('alice', { exp: seconds() - 2 })),
      'no end': () => issuer.sign(claims('alice', { exp: undefined })),
      'a beginning in an hour': () => issuer.sign(claims('alice', { nbf: seconds() + 3600 })),
      'a name reserved for the cluster': () =>
        issuer.sign(claims('alice', { upn: 'system:admin' })),
      'an edited signature': async () => withEditedSignature(await tokenOf('alice')),
      'the signature of another key': () => issuer.signByOther(claims('alice')),
      'HS256 with the public key': () => issuer.signByPublicKey(claims('alice')),
      'alg none': () => unsigned(claims('alice')),
    }
    for (const [what, token] of Object.entries(refused)) {
      test(`a token with ${what} is 401 and nobody's`, async () => {
        const path = `/api/v1/namespaces/team-a/pods?case=${encodeURIComponent(what)}`
        const answer = await ask(path, await token())
        const body = JSON.parse(answer.text) as StatusBody
        assert.equal(answer.code, 401)
        assert.equal(answer.headers.get('www-authenticate'), null)
        assert.deepEqual(
          [body.kind, body.status, body.message, body.reason, body.code],
          ['Status', 'Failure', 'Unauthorized', 'Unauthorized', 401],
        )
        const event = (await cluster.auditEvents()).find((one) => one.requestURI === path)
        assert.equal(event?.user.username, undefined)
        assert.equal(event?.responseStatus.code, 401)
      })
    }

    test('SelfSubjectReview names the person, their groups and the token', async () => {
      const kind = { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' }
      const path = '/apis/authentication.k8s.io/v1/selfsubjectreviews'
      const { userInfo } = (await review(path, await tokenOf('alice'), kind)).status
      assert.equal(userInfo.username, 'alice@contoso.test')
      assert.equal(userInfo.uid, 'oid-alice')
      assert.deepEqual(userInfo.groups, [GROUPS['team-a'], 'system:authenticated'])
      assert.deepEqual(userInfo.extra[TOKEN_ID_EXTRA], ['uti-alice'])
      const guest = await issuer.sign(claims('alice', { upn: undefined }))
      assert.equal((await review(path, guest, kind)).status.userInfo.username, 'oid-alice')
    })

    const accessQuestions = [
      { person: 'alice', namespace: 'team-a', verb: 'list', allowed: true },
      { person: 'alice', namespace: 'team-b', verb: 'list', allowed: false },
      { person: 'alice', namespace: 'team-a', verb: 'delete', allowed: false },
      { person: 'alice', namespace: '', verb: 'list', allowed: false },
      { person: 'carol', namespace: 'team-a', verb: 'list', allowed: false },
    ] as const
    for (const { person, namespace, verb, allowed } of accessQuestions) {
      test(`SelfSubjectAccessReview: ${person} may ${verb} pods in "${namespace}": ${allowed}`, async () => {
        const { status } = await review(
          '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
          await tokenOf(person),
          {
            apiVersion: 'authorization.k8s.io/v1',
            kind: 'SelfSubjectAccessReview',
            spec: { resourceAttributes: { namespace, verb, version: 'v1', resource: 'pods' } },
          },
        )
        assert.equal(status.allowed, allowed)
      })
    }

    const user = (person: Name): string => `User "${person}@contoso.test" cannot`
    const inGroup = 'in API group "" in the namespace'
    const roles: { person: Name; path: string; code: number; message?: string; method?: string }[] =
      [
        { person: 'alice', path: '/api/v1/namespaces/team-a/pods', code: 200 },
        { person: 'bob', path: '/api/v1/namespaces/team-b/pods', code: 200 },
        { person: 'alice', path: '/api/v1/namespaces/team-a/configmaps/settings', code: 200 },
        {
          person: 'alice',
          path: '/api/v1/namespaces/team-b/pods',
          code: 403,
          message: `pods is forbidden: ${user('alice')} list resource "pods" ${inGroup} "team-b"`,
        },
        {
          person: 'carol',
          path: '/api/v1/namespaces/team-a/pods',
          code: 403,
          message: `pods is forbidden: ${user('carol')} list resource "pods" ${inGroup} "team-a"`,
        },
        {
          person: 'carol',
          path: '/api/v1/namespaces/team-a/pods/shop-web/log',
          code: 403,
          message: `pods "shop-web" is forbidden: ${user('carol')} get resource "pods/log" ${inGroup} "team-a"`,
        },
        {
          person: 'alice',
          path: '/api/v1/pods',
          code: 403,
          message: `pods is forbidden: ${user('alice')} list resource "pods" in API group "" at the cluster scope`,
        },
        {
          person: 'alice',
          path: '/api/v1/namespaces',
          code: 403,
          message: `namespaces is forbidden: ${user('alice')} list resource "namespaces" in API group "" at the cluster scope`,
        },
        {
          person: 'bob',
          path: '/api/v1/namespaces/team-a',
          code: 403,
          message: `namespaces "team-a" is forbidden: ${user('bob')} get resource "namespaces" ${inGroup} "team-a"`,
        },
        {
          person: 'alice',
          path: '/apis/rbac.authorization.k8s.io/v1/namespaces/team-a/rolebindings',
          code: 403,
          message: `rolebindings.rbac.authorization.k8s.io is forbidden: ${user('alice')} list resource "rolebindings" in API group "rbac.authorization.k8s.io" in the namespace "team-a"`,
        },
        {
          person: 'alice',
          path: '/metrics',
          code: 403,
          message: `forbidden: ${user('alice')} get path "/metrics"`,
        },
        {
          person: 'alice',
          method: 'DELETE',
          path: '/api/v1/namespaces/team-a/pods/shop-web',
          code: 403,
          message: `pods "shop-web" is forbidden: ${user('alice')} delete resource "pods" ${inGroup} "team-a"`,
        },
        {
          person: 'alice',
          path: '/api/v1/namespaces/team-a/pods/absent',
          code: 404,
          message: 'pods "absent" not found',
        },
      ]
    for (const { person, path, code, message, method = 'GET' } of roles) {
      test(`${person}: ${method} ${path} is ${code}`, async () => {
        const answer = await ask(path, await tokenOf(person), { method })
        assert.equal(answer.code, code, answer.text)
        if (message !== undefined) {
          const body = JSON.parse(answer.text) as StatusBody
          assert.deepEqual([body.kind, body.message, body.code], ['Status', message, code])
        }
      })
    }

    test('nobody may impersonate', async () => {
      const answer = await ask('/api/v1/namespaces/team-b/pods', await tokenOf('alice'), {
        headers: { 'impersonate-user': 'bob@contoso.test' },
      })
      assert.equal(answer.code, 403)
      assert.equal(
        JSON.parse(answer.text).message,
        `pods is forbidden: ${user('alice')} impersonate-on:user-info:list resource "pods" ${inGroup} "team-b"`,
      )
    })

    test('a list asked for as a Table has a row for each pod', async () => {
      const answer = await ask('/api/v1/namespaces/team-a/pods', await tokenOf('alice'), {
        headers: { accept: TABLE },
      })
      const { kind, columnDefinitions, rows } = JSON.parse(answer.text)
      const columns = columnDefinitions.map((column: { name: string }) => column.name)
      assert.equal(kind, 'Table')
      assert.deepEqual(columns.slice(0, 5), ['Name', 'Ready', 'Status', 'Restarts', 'Age'])
      assert.deepEqual(
        rows.map((row: { cells: unknown[] }) => row.cells.slice(0, 3)),
        PODS['team-a'].map((pod) => [pod, '1/1', 'Running']),
      )
      assert.equal(rows[0].object.metadata.namespace, 'team-a')
    })

    test('a label selector chooses among the pods', async () => {
      const path = '/api/v1/namespaces/team-a/pods?labelSelector=app%3Dshop-worker'
      const { items } = JSON.parse((await ask(path, await tokenOf('alice'))).text)
      assert.deepEqual(
        items.map((pod: { metadata: { name: string } }) => pod.metadata.name),
        ['shop-worker'],
      )
    })

    test('discovery names pods and access reviews, aggregated and one by one', async () => {
      const token = await tokenOf('alice')
      const headers = { accept: `${DISCOVERY_LISTS.aggregated},${DISCOVERY_LISTS.legacy}` }
      const core = await ask('/api', token, { headers })
      const groups = await ask('/apis', token, { headers })
      assert.match(core.headers.get('content-type') ?? '', /as=APIGroupDiscoveryList/)
      assert.match(core.text, /"resource":"pods"/)
      assert.match(groups.text, /"resource":"selfsubjectaccessreviews"/)
      const legacy = JSON.parse((await ask('/api/v1', token)).text)
      const names = legacy.resources.map((resource: { name: string }) => resource.name)
      assert.ok(names.includes('pods') && names.includes('pods/log'))
      const group = await ask('/apis/authorization.k8s.io/v1', token)
      assert.match(group.text, /"name":"selfsubjectaccessreviews"/)
    })

    test('the audit log has the person, the token, the object and the caller', async () => {
      const path = '/api/v1/namespaces/team-a/pods/shop-web?audit=one'
      const headers = { 'user-agent': 'suite/1 (req=abc-12345)' }
      await ask(path, await tokenOf('bob'), { headers })
      const event = (await cluster.auditEvents()).find((one) => one.requestURI === path)
      assert.equal(event?.user.username, 'bob@contoso.test')
      assert.deepEqual(event?.user.extra?.[TOKEN_ID_EXTRA], ['uti-bob'])
      assert.equal(event?.userAgent, headers['user-agent'])
      assert.equal(event?.verb, 'get')
      assert.deepEqual(event?.objectRef, {
        resource: 'pods',
        namespace: 'team-a',
        name: 'shop-web',
        apiVersion: 'v1',
      })
      assert.equal(event?.responseStatus.code, 403)
    })

    const forbiddenTo = (person: Name): RegExp => new RegExp(`is forbidden: ${user(person)}`)
    const teamA = { namespace: 'team-a' }
    const pod = { namespace: 'team-a', name: 'shop-web' }
    const tools: { tool: string; parameters: object; alice: RegExp }[] = [
      { tool: 'pods_list_in_namespace', parameters: teamA, alice: /shop-web.*\n.*shop-worker/ },
      { tool: 'pods_get', parameters: pod, alice: /name: shop-web/ },
      { tool: 'events_list', parameters: teamA, alice: /Started container main of shop-web/ },
      {
        tool: 'resources_list',
        parameters: { ...teamA, apiVersion: 'v1', kind: 'Service' },
        alice: /Service +shop-web/,
      },
      { tool: 'namespaces_list', parameters: {}, alice: forbiddenTo('alice') },
      { tool: 'pods_list', parameters: {}, alice: forbiddenTo('alice') },
    ]
    for (const { tool, parameters, alice } of tools) {
      test(`kubernetes-mcp-server: ${tool} is answered to alice and refused to bob and carol`, async () => {
        for (const person of ['alice', 'bob', 'carol'] as const) {
          const session = await openMcpSession(mcpServer.url, await tokenOf(person))
          const answer = await session.call(tool, { ...parameters })
          await session.close()
          const expected = person === 'alice' ? alice : forbiddenTo(person)
          assert.match(answer.text, expected)
          assert.equal(answer.isError, String(expected).includes('forbidden'))
        }
      })
    }

    test('kubernetes-mcp-server: pods_log is decided by the cluster', async () => {
      const alice = await openMcpSession(mcpServer.url, await tokenOf('alice'))
      const own = await alice.call('pods_log', pod)
      await alice.close()
      assert.match(own.text, OWN_LOG[cluster.kind])
      const carol = await openMcpSession(mcpServer.url, await tokenOf('carol'))
      assert.match((await carol.call('pods_log', pod)).text, forbiddenTo('carol'))
      await carol.close()
    })

    test('kubernetes-mcp-server reaches the cluster as the caller, or as nobody', async () => {
      const before = (await cluster.auditEvents()).length
      const session = await openMcpSession(mcpServer.url, await tokenOf('bob'))
      await session.call('pods_list_in_namespace', { namespace: 'team-b' })
      await session.close()
      const events = (await cluster.auditEvents()).slice(before)
      const names = new Set(events.map((event) => event.user.username))
      assert.deepEqual([...names], ['bob@contoso.test'])
      const reviews = events.filter((event) => event.verb === 'create')
      assert.deepEqual(
        reviews.map((event) => event.responseStatus.code),
        [201],
      )
    })
  })
}
