import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { PODS } from '../../environment/cluster/contents.ts'
import { holmes as holmesClient } from '../../environment/mock-entra/directory.ts'
import {
  type Holmes,
  type HolmesOauth,
  holmesVersion,
  pythonWithHolmes,
  type Turn,
} from '../support/holmes.ts'
import { CLUSTERS, type HolmesFleet, startHolmesFleet } from '../support/holmes-fleet.ts'
import { signInByButton, signInByChat } from '../support/holmes-sign-in.ts'
import { CONNECT, PUBLIC, TOOLSET } from '../support/holmes-stack.ts'
import { needed } from '../support/needed.ts'
import type { Serving } from '../support/served.ts'
import { tokenExchangesIn } from '../support/token-exchanges.ts'

const python = await needed(pythonWithHolmes)
const version = await holmesVersion()

interface Mode {
  readonly signIn: Serving['signIn']
  /** What HolmesGPT's values say beside the URL. */
  readonly values: HolmesOauth
  readonly tokenPath: string
  readonly resource: (url: string) => string
  readonly authorizationUrl: (stack: HolmesFleet) => string
}

const MODES: readonly Mode[] = [
  {
    signIn: { mode: 'relay', redirect_uris: ['robusta'] },
    values: PUBLIC,
    tokenPath: '/oauth/token',
    resource: () => '',
    authorizationUrl: ({ entra }) => `${entra.origin}/${entra.tenantId}/oauth2/v2.0/authorize`,
  },
  {
    signIn: { mode: 'broker', redirect_uris: ['robusta'] },
    values: { enabled: true },
    tokenPath: '/oauth/fleet/token',
    resource: (url) => url,
    authorizationUrl: ({ origin }) => `${origin}/oauth/fleet/authorize`,
  },
]

/** What is theirs on prod and on lost, and the other's on dev. */
const NAMESPACES = { alice: 'team-a', bob: 'team-b' } as const
type Username = keyof typeof NAMESPACES

const podsIn = (cluster: unknown, namespace: string) => ({
  tool: 'pods_list_in_namespace',
  arguments: { cluster, namespace, labelSelector: null },
})

const onlyResult = ({ results, approvals }: Turn) => {
  assert.deepEqual(approvals, [], 'nobody is asked to sign in again')
  const [result, ...more] = results
  assert.ok(result)
  assert.deepEqual(more, [])
  return result
}

for (const { signIn, values, tokenPath, resource, authorizationUrl } of MODES) {
  describe(`HolmesGPT ${version} at a fleet, ${signIn.mode}`, { skip: python.skip }, () => {
    let stack: HolmesFleet
    let holmes: Holmes

    before(async () => {
      if (python.skip !== false) return
      stack = await startHolmesFleet(python.found, signIn)
      holmes = await stack.start(values)
    })
    after(() => stack?.close())

    const ask = async (person: Username, cluster: unknown, namespace: string) =>
      onlyResult(await holmes.chat(person, [podsIn(cluster, namespace)]))

    test('it discovers where people sign in, by the URL of the fleet', () => {
      const [toolset] = holmes.toolsets
      assert.equal(toolset?.status, 'enabled', toolset?.error ?? '')
      assert.deepEqual(toolset.tools, [CONNECT])
      assert.equal(toolset.authorization_url, authorizationUrl(stack))
      assert.equal(toolset.token_url, `${stack.origin}${tokenPath}`)
      assert.equal(toolset.resource, resource(stack.url))
    })

    test('alice signs in in the chat and bob by the button, once each', async () => {
      const { results } = await signInByChat(holmes, 'alice')
      assert.deepEqual(
        results.map(({ tool, status }) => [tool, status]),
        [[CONNECT, 'success']],
      )
      assert.deepEqual(await signInByButton(holmes, 'bob'), { success: true, error: null })
      const redemptions = tokenExchangesIn(stack.exchanges, tokenPath)
      assert.deepEqual(
        redemptions.map(({ status }) => status),
        [200, 200],
      )
    })

    test('the model is told of the fleet by its values, once', async () => {
      const prompt = await holmes.systemPrompt()
      assert.equal(prompt.split('Name the cluster of every finding.').length - 1, 1)
      assert.match(prompt, /^"\*" asks all clusters at once/m)
    })

    test("the model is offered the clusters' tools, each with its cluster", async () => {
      const definitions = await holmes.definitions('alice')
      const names = definitions.map(({ name }) => name)
      assert.ok(names.includes('clusters_list'))
      assert.ok(names.includes('pods_list_in_namespace'))
      assert.deepEqual(await holmes.tools('bob'), names)
      for (const { name, strict, parameters } of definitions) {
        if (name === 'clusters_list') continue
        const { cluster, ...others } = parameters.properties
        assert.deepEqual(cluster?.['enum'], [...CLUSTERS, '*'], name)
        assert.equal(cluster['type'], 'string', 'not one that may be left out')
        assert.match(
          String(cluster['description']),
          /^The cluster to call: prod; dev; foreign; lost\./,
        )
        assert.ok(parameters.required.includes('cluster'), name)
        assert.equal(Object.keys(parameters.properties)[0], 'cluster')
        // What the tool itself has does not change with the argument before it.
        assert.ok(!('cluster' in others))
        assert.equal(strict, true, `${name} is one that providers hold to its schema`)
      }
    })

    for (const person of ['alice', 'bob'] as const) {
      const namespace = NAMESPACES[person]
      const pods = PODS[namespace]

      test(`${person} calls one cluster, and is refused on another by name`, async () => {
        const own = await ask(person, 'prod', namespace)
        assert.equal(own.status, 'success', own.text)
        for (const pod of pods) assert.ok(own.text.includes(pod), own.text)
        const other = await ask(person, 'dev', namespace)
        assert.equal(other.status, 'error', other.text)
        assert.match(other.text, new RegExp(`pods is forbidden: User .*${person}@contoso\\.test`))
      })

      test(`${person} asks every cluster: once each, under its name, and who is missing is last`, async () => {
        const { status, text } = await ask(person, '*', namespace)
        assert.equal(status, 'success')
        const headings = [...text.matchAll(/^ ?## (.+)$/gm)].map(([, heading]) => heading)
        assert.deepEqual(headings, [
          'prod',
          'dev: refused by the cluster',
          'foreign: the cluster does not take your sign-in; sign in again, and if that does not help, its administrator has to look',
          'lost',
        ])
        for (const pod of pods) assert.equal(text.split(` ${pod} `).length - 1, 2, text)
        assert.equal(
          text.split('\n').at(-1)?.trim(),
          '2 of 4 clusters answered. Not in this answer: dev (not allowed for you), foreign (sign-in needed).',
        )
      })
    }

    test('each API server saw the two, and nobody else', async () => {
      for (const cluster of ['prod', 'dev', 'lost'] as const) {
        const events = await stack.auditEvents(cluster)
        const callers = events
          .filter(({ objectRef }) => objectRef?.resource === 'pods')
          .map(({ user }) => user.username)
        assert.deepEqual([...new Set(callers)].toSorted(), [
          'alice@contoso.test',
          'bob@contoso.test',
        ])
      }
    })

    const MENDED: readonly (readonly [what: string, cluster: unknown, words: RegExp])[] = [
      ['an unknown cluster', 'nowhere', /^There is no cluster "nowhere" for you\./],
      ['no cluster', null, /^Name a cluster in "cluster"\./],
      ['an unknown label', 'stage=none', /^No cluster has the label "stage=none"\./],
    ]
    for (const [what, cluster, words] of MENDED) {
      test(`${what} is an error of the tool that says what there is`, async () => {
        const { status, text } = await ask('alice', cluster, 'team-a')
        assert.equal(status, 'error')
        assert.match(text, words)
        assert.match(text, /Your clusters: prod, dev, foreign, lost\.$/)
      })
    }

    test('what it is told of its clusters says who it is there', async () => {
      const { text } = onlyResult(
        await holmes.chat('bob', [{ tool: 'clusters_list', arguments: {} }]),
      )
      for (const cluster of CLUSTERS) {
        assert.match(text, new RegExp(`^- ${cluster}: reachable, you are bob@contoso.test`, 'm'))
      }
    })

    test('it refreshes at the fleet, without a word to alice', async () => {
      await holmes.expire('alice', TOOLSET)
      assert.equal((await ask('alice', 'prod', 'team-a')).status, 'success')
      const refresh = tokenExchangesIn(stack.exchanges, tokenPath).at(-1)
      assert.equal(refresh?.status, 200)
      assert.equal(refresh.form['grant_type'], 'refresh_token')
    })

    test('with one cluster down, its calls say so and the others answer', async () => {
      await stack.lose('lost')
      const { status, text } = await ask('alice', '*', 'team-a')
      assert.equal(status, 'success', text)
      for (const pod of PODS['team-a']) assert.ok(text.includes(pod), text)
      assert.match(text, /^ ?## lost: cannot be reached now$/m)
      assert.match(
        text,
        /Not in this answer: dev \(not allowed for you\), foreign \(sign-in needed\), lost \(unreachable\)\.$/,
      )
      for (let i = 0; i < 4; i++) {
        const alone = await ask('alice', 'lost', 'team-a')
        assert.equal(alone.status, 'error')
        assert.match(alone.text, /^lost: cannot be reached now\.$/)
      }
      assert.ok((await holmes.tools('alice')).includes('pods_list_in_namespace'))
    })

    test('a cluster that does not take her token leaves alice signed in', async () => {
      const { status, text } = await ask('alice', 'foreign', 'team-a')
      assert.equal(status, 'error', text)
      assert.equal((await ask('alice', 'prod', 'team-a')).status, 'success')
    })

    test('no text of the fleet holds the words on which it signs people out', () => {
      const answers = stack.exchanges.filter(
        ({ path, status }) => path === '/fleet/mcp' && status === 200,
      )
      assert.ok(answers.length > 20)
      for (const { answer } of answers) assert.doesNotMatch(answer, /\b401\b|unauthorized/i)
    })

    test('what it began and ended is answered as such', () => {
      const failed = stack.exchanges.filter(
        ({ path, status, method }) => path === '/fleet/mcp' && status >= 400 && method !== 'GET',
      )
      // Its own questions of whether there is something to sign in to.
      assert.deepEqual([...new Set(failed.map(({ status }) => status))], [401])
      for (const { headers } of failed) assert.equal(headers.authorization, undefined)
      const ended = stack.exchanges.filter(({ method }) => method === 'DELETE')
      assert.ok(ended.length > 10)
      for (const { status } of ended) assert.equal(status, 204)
    })

    // Last, since it ends rolecall.
    test('in the log is no failure, and no code, token or secret', async () => {
      const log = await stack.end()
      const secrets = tokenExchangesIn(stack.exchanges, tokenPath).flatMap(({ form, answer }) => [
        form['code'],
        form['code_verifier'],
        form['refresh_token'],
        answer['access_token'],
        answer['refresh_token'],
      ])
      const told = secrets.filter((secret) => typeof secret === 'string')
      assert.ok(told.length > 8)
      for (const secret of [...told, holmesClient.client_secret ?? '']) {
        assert.ok(!log.includes(secret))
      }
      const lines = log
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line))
      assert.deepEqual(
        lines.filter(({ level, status }) => level === 'error' || status >= 500),
        [],
      )
    })
  })
}
