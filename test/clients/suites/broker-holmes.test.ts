import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { findKubeBinaries } from '../../environment/cluster/real/kube-binaries.ts'
import { apiServerAnswers } from '../support/api-server-answer.ts'
import { type HolmesOauth, holmesVersion, pythonWithHolmes } from '../support/holmes.ts'
import {
  assertAliceSeesHers,
  assertEightRefreshAsOne,
  assertSees,
  podsIn,
} from '../support/holmes-sees.ts'
import { REDIRECT_URIS, signInByButton, signInByChat } from '../support/holmes-sign-in.ts'
import { CONNECT, type HolmesStack, startHolmesStack, TOOLSET } from '../support/holmes-stack.ts'
import { needed } from '../support/needed.ts'
import { tokenExchangesIn } from '../support/token-exchanges.ts'

const parts = await needed(async () => ({
  binaries: findKubeBinaries(),
  python: await pythonWithHolmes(),
}))

/** Its values for a server that is to be discovered in all. */
const REGISTERED_BY_PAGE: HolmesOauth = { enabled: true }

/** What its values say of the client; of the rest they say the URL. */
const CLIENTS: Readonly<Record<string, HolmesOauth>> = {
  'with a client of the configuration': { client_id: 'holmes' },
  'with a client that the page registers': REGISTERED_BY_PAGE,
}

describe(`HolmesGPT ${await holmesVersion()} and broker`, { skip: parts.skip }, () => {
  let stack: HolmesStack
  let seen = 0

  before(async () => {
    if (parts.skip !== false) return
    stack = await startHolmesStack({
      ...parts.found,
      signIn: {
        mode: 'broker',
        redirect_uris: ['robusta'],
        client: [{ client_id: 'holmes', redirect_uris: ['robusta'] }],
      },
    })
  })
  after(() => stack?.close())
  beforeEach(() => {
    stack.entra.reset()
    seen = stack.exchanges.length
  })

  /** Since the test began. */
  const tokenExchanges = () => tokenExchangesIn(stack.exchanges.slice(seen))

  test('it discovers rolecall as the place where people sign in', async () => {
    const holmes = await stack.start(REGISTERED_BY_PAGE)
    const { origin } = stack
    assert.deepEqual(holmes.toolsets, [
      {
        name: TOOLSET,
        status: 'enabled',
        error: null,
        tools: [CONNECT],
        authorization_url: `${origin}/oauth/authorize`,
        token_url: `${origin}/oauth/token`,
        client_id: null,
        scopes: ['mcp'],
        resource: `${origin}/mcp`,
        registration_endpoint: `${origin}/oauth/register`,
      },
    ])
    holmes.end()
  })

  for (const [which, values] of Object.entries(CLIENTS)) {
    test(`${which} alice signs in in the chat, bob by the button, and each sees their own`, async () => {
      const before = (await stack.cluster.auditEvents()).length
      const holmes = await stack.start(values)
      const [{ results }, signedIn] = await Promise.all([
        signInByChat(holmes, 'alice'),
        signInByButton(holmes, 'bob'),
      ])
      assert.deepEqual(
        results.map(({ tool, status }) => [tool, status]),
        [[CONNECT, 'success']],
      )
      assert.deepEqual(signedIn, { success: true, error: null })
      await assertSees(holmes, 'alice', 'team-a')
      await assertSees(holmes, 'bob', 'team-b')
      const events = (await stack.cluster.auditEvents()).slice(before)
      const callers = events
        .filter(({ objectRef }) => objectRef?.resource === 'pods')
        .map(({ user }) => user.username)
      const [alice, bob] = ['alice@contoso.test', 'bob@contoso.test']
      assert.deepEqual(callers, [alice, alice, bob, bob])
      for (const { status, form, answer } of tokenExchanges()) {
        assert.equal(status, 200)
        assert.equal(form['resource'], `${stack.origin}/mcp`)
        const token = String(answer['access_token'])
        assert.equal(await apiServerAnswers(stack.cluster, token, 'team-a'), 401)
      }
      holmes.end()
    })

    for (const redirect_uri of REDIRECT_URIS) {
      test(`${which} the callback page may be ${redirect_uri}`, async () => {
        const holmes = await stack.start(values)
        const signedIn = await signInByButton(holmes, 'alice', { redirect_uri })
        assert.deepEqual(signedIn, { success: true, error: null })
        await assertAliceSeesHers(holmes)
        holmes.end()
      })
    }

    for (const [way, signIn] of Object.entries({ chat: signInByChat, button: signInByButton })) {
      test(`${which} it refreshes after a sign-in by the ${way}, without a word to alice`, async () => {
        const holmes = await stack.start(values)
        await signIn(holmes, 'alice')
        const first = await holmes.stored('alice', TOOLSET)
        await holmes.expire('alice', TOOLSET)
        await assertAliceSeesHers(holmes)
        const [redemption, refresh, ...others] = tokenExchanges()
        assert.deepEqual(others, [])
        assert.equal(refresh?.status, 200)
        // It forgets what the page registered for its button: then the id is empty.
        const isForgotten = values.client_id === undefined && way === 'button'
        assert.deepEqual(refresh.form, {
          grant_type: 'refresh_token',
          refresh_token: redemption?.answer['refresh_token'],
          client_id: isForgotten ? '' : redemption?.form['client_id'],
          resource: `${stack.origin}/mcp`,
        })
        const second = await holmes.stored('alice', TOOLSET)
        assert.notEqual(second.access, first.access)
        assert.notEqual(second.refresh, first.refresh)
        holmes.end()
      })
    }

    test(`${which} it starts again, has alice signed in and refreshes`, async () => {
      const store = stack.newStore()
      const before = await stack.start(values, store)
      await signInByChat(before, 'alice')
      before.end()
      seen = stack.exchanges.length
      const holmes = await stack.start(values, store)
      await assertAliceSeesHers(holmes)
      await holmes.expire('alice', TOOLSET)
      await assertAliceSeesHers(holmes)
      assert.deepEqual(
        tokenExchanges().map(({ form, status }) => [form['grant_type'], status]),
        [['refresh_token', 200]],
      )
      holmes.end()
    })

    test(`${which} eight calls at once with an expired token all succeed, and Entra is asked once`, async () => {
      const holmes = await stack.start(values)
      await signInByChat(holmes, 'alice')
      seen = stack.exchanges.length
      await assertEightRefreshAsOne(stack.entra, holmes)
      const exchanges = tokenExchanges()
      assert.ok(exchanges.length > 1, 'HolmesGPT refreshed once only: nothing was shown')
      for (const { status, answer } of exchanges) {
        assert.equal(status, 200)
        assert.deepEqual(answer, exchanges[0]?.answer)
      }
      holmes.end()
    })
  }

  for (const [which, end] of Object.entries({
    'that was ended at Entra': () => stack.entra.revoke('alice'),
    'of a disabled account': () => stack.entra.disable('alice'),
  })) {
    test(`a session ${which} ends at its refresh, and alice is asked to sign in`, async () => {
      const holmes = await stack.start(REGISTERED_BY_PAGE)
      await signInByChat(holmes, 'alice')
      end()
      await holmes.expire('alice', TOOLSET)
      const { results, approvals } = await holmes.chat('alice', [podsIn('team-a')])
      assert.deepEqual(results, [])
      assert.equal(approvals.length, 1)
      const refresh = tokenExchanges().at(-1)
      assert.deepEqual([refresh?.status, refresh?.answer['error']], [400, 'invalid_grant'])
      holmes.end()
    })
  }

  test('in the log is no failure, and no code, token or secret', async () => {
    const log = await stack.end()
    const secrets = tokenExchangesIn(stack.exchanges).flatMap(({ form, answer }) => [
      form['code'],
      form['code_verifier'],
      form['refresh_token'],
      answer['access_token'],
      answer['refresh_token'],
    ])
    const told = secrets.filter((secret) => typeof secret === 'string')
    assert.ok(told.length > 50)
    for (const secret of told) assert.ok(!log.includes(secret))
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
