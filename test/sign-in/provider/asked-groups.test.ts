import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { MockEntra } from '../../environment/mock-entra/mock-entra.ts'
import { type Person, readPeople } from '../../environment/people.ts'
import { signIn } from '../../support/broker-client.ts'
import { startBroker } from '../../support/broker-gateway.ts'
import { toCallback } from '../../support/broker-sign-in.ts'
import {
  type Gateway,
  registeredConfig,
  resourceConfig,
  startEntra,
} from '../../support/gateway.ts'
import { sealingKey } from '../../support/handed-out.ts'
import { post, send } from '../../support/raw-http.ts'
import { startUpstream } from '../../support/recording-upstream.ts'
import {
  codeFor,
  codeForm,
  postToken,
  refreshForm,
  signedIn,
  startRelay,
} from '../../support/relay-gateway.ts'

const wanted = 'ab099000-0000-4000-8000-0000000000aa'
const elsewhere = 'ab099000-0000-4000-8000-0000000000bb'
const graphPath = '/v1.0/me/getMemberObjects'
const many = Array.from(
  { length: 250 },
  (_, n) => `99099000-0000-4000-8000-${`${n}`.padStart(12, '0')}`,
)

/** Alice and bob are in too many groups for a token, alice in the wanted one; carol lists hers. */
async function crowdedEntra(t: TestContext): Promise<MockEntra> {
  const { groups, people } = await readPeople()
  const groupsOf = ({ username, groups: own }: Person): readonly string[] => {
    if (username === 'alice') return [...many, wanted.toUpperCase()]
    return username === 'bob' ? many : own
  }
  return startEntra(t, {
    people: { groups, people: people.map((one) => ({ ...one, groups: groupsOf(one) })) },
  })
}

interface Started {
  readonly gateway: Gateway
  readonly entra: MockEntra
  call(token: string, path?: string): Promise<string>
  explained(token: string, path?: string): Promise<string>
}

async function start(
  t: TestContext,
  change: { readonly scopes?: string; readonly resolves?: boolean } = {},
): Promise<Started> {
  const entra = await crowdedEntra(t)
  const upstream = await startUpstream(t)
  upstream.answerWith((_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end('{"jsonrpc":"2.0","id":1,"result":{"content":[]}}')
  })
  const { resolves: resolve_groups = true } = change
  const gateway = await startRelay(t, {
    entra,
    upstream: upstream.url,
    config: {
      sealing_keys: [sealingKey],
      identity_provider: registeredConfig(entra, { groups_claim: 'groups', resolve_groups }),
    },
    signIn: { tokens: 'sealed' },
    resource: { required_groups: [wanted] },
  })
  return { gateway, entra, ...callsAt(gateway) }
}

function callsAt({ origin }: Gateway): Pick<Started, 'call' | 'explained'> {
  const answer = async (token: string, path = '/mcp') => {
    const { status, text } = await send(origin + path, post(token))
    assert.equal(status, 200, text)
    const { result } = JSON.parse(text) as { result: Record<string, unknown> }
    return result
  }
  return {
    call: async (token, path) => ((await answer(token, path))['isError'] ? 'refused' : 'passed'),
    explained: async (token, path) => JSON.stringify(await answer(token, path)),
  }
}

test('groups that a token leaves out are asked of Graph with the own token of the user', async (t) => {
  const { gateway, entra, call, explained } = await start(t)
  const alice = await signedIn(gateway, 'alice')
  assert.equal(await call(alice.access), 'passed')
  assert.equal(entra.requests(graphPath), 1)
  const bob = await signedIn(gateway, 'bob')
  assert.equal(await call(bob.access), 'refused')
  assert.match(await explained(bob.access), /is in none of the groups that required_groups/)
  assert.equal(entra.requests(graphPath), 2)
  await signedIn(gateway, 'carol')
  assert.equal(entra.requests(graphPath), 2, 'nobody is asked about whose token lists the groups')
})

test('they are asked for anew at each refresh, and at no call', async (t) => {
  const { gateway, entra, call } = await start(t)
  const { access, refresh } = await signedIn(gateway, 'alice')
  for (let i = 0; i < 5; i += 1) assert.equal(await call(access), 'passed')
  assert.equal(entra.requests(graphPath), 1)
  const left = JSON.stringify({ value: many })
  entra.answer(graphPath, { body: left })
  const { status, body } = await postToken(gateway, refreshForm(refresh))
  assert.equal(status, 200)
  assert.equal(await call(String(body['access_token'])), 'refused', 'she left the group')
})

test('while Graph is away nothing is handed out or lost, and the same code works later', async (t) => {
  const { gateway, entra, call } = await start(t)
  const form = codeForm(await codeFor(entra, 'alice'))
  for (const fixed of [
    { status: 503 },
    { status: 429 },
    { status: 401 },
    { status: 200, body: '{"value":"everything"}' },
    { status: 200, body: '[]' },
  ]) {
    entra.answer(graphPath, fixed)
    const { status, body, headers } = await postToken(gateway, form)
    assert.equal(status, 503, JSON.stringify(body))
    assert.equal(body['error'], 'temporarily_unavailable')
    assert.match(String(body['error_description']), /^Microsoft Graph, which tells the groups/)
    assert.ok(Number(headers.get('retry-after')) >= 1)
  }
  entra.answer(graphPath, undefined)
  const { status, body } = await postToken(gateway, form)
  assert.equal(status, 200, JSON.stringify(body))
  assert.equal(await call(String(body['access_token'])), 'passed')
  const line = await gateway.logged(({ reason }) => String(reason).startsWith('groups_unavailable'))
  assert.equal(line['level'], 'warn')
  assert.match(String(line['remedy']), /let rolecall reach Microsoft Graph/)
})

for (const [rule, order, words] of [
  [
    'an app that may not',
    (entra: MockEntra) =>
      entra.answer(graphPath, {
        status: 403,
        body: '{"error":{"code":"Authorization_RequestDenied"}}',
      }),
    /delegated permission User\.Read of Microsoft Graph/,
  ],
  [
    'an app without consent',
    (entra: MockEntra) => entra.fail({ at: 'refresh', code: 65001 }),
    /delegated permission User\.Read of Microsoft Graph/,
  ],
  [
    'a policy that wants more first',
    (entra: MockEntra) => entra.fail({ at: 'refresh', code: 50076 }),
    /asks for a further step before Microsoft Graph may be asked/,
  ],
  [
    'too many for Graph',
    (entra: MockEntra) =>
      entra.answer(graphPath, {
        status: 400,
        body: '{"error":{"code":"Directory_ResultSizeLimitExceeded"}}',
      }),
    /too many for Microsoft Graph to list/,
  ],
] as const) {
  test(`${rule}: the user is signed in, refused by policy, and somebody is told`, async (t) => {
    const { gateway, entra, call, explained } = await start(t)
    order(entra)
    const { access } = await signedIn(gateway, 'alice')
    assert.equal(await call(access), 'refused')
    assert.match(await explained(access), words)
    assert.doesNotMatch(await explained(access), /401|unauthorized/i)
    const line = await gateway.logged(({ reason }) => reason === 'groups_not_known')
    assert.equal(line['decision'], 'allow')
  })
}

test('without a refresh token there is nothing to ask with, and the words say so', async (t) => {
  const { gateway, entra, explained } = await start(t)
  const code = await codeFor(entra, 'alice', {
    scope: '6dae42f8-4368-4678-94ff-3960e28e3630/.default openid profile',
  })
  const { body } = await postToken(gateway, codeForm(code))
  assert.match(
    await explained(String(body['access_token'])),
    /add offline_access to request_scopes/,
  )
  assert.equal(entra.requests(graphPath), 0)
})

test('where they are not to be asked for, Graph is left alone and the words name the setting', async (t) => {
  const { gateway, entra, explained } = await start(t, { resolves: false })
  const { access } = await signedIn(gateway, 'alice')
  assert.match(await explained(access), /or set identity_provider\.resolve_groups/)
  assert.equal(entra.requests(graphPath), 0)
})

test('a token from before the setting is refused in words that say what to do', async (t) => {
  const { gateway, explained } = await start(t, { resolves: false })
  const { access } = await signedIn(gateway, 'alice')
  const { identity_provider: provider } = gateway.config
  assert.ok(provider.kind === 'entra')
  await gateway.service.reload({
    ...gateway.config,
    identity_provider: { ...provider, resolve_groups: true },
  })
  assert.match(await explained(access), /sign in again, so that Microsoft Graph is asked/)
})

test('broker: each resource asks for its own groups, and the own page tells all of them', async (t) => {
  const entra = await crowdedEntra(t)
  const upstream = await startUpstream(t)
  const scopes = ['6dae42f8-4368-4678-94ff-3960e28e3630/.default', 'openid', 'offline_access']
  const resource = (name: string, required_groups: readonly string[]) =>
    resourceConfig(upstream.url, {
      name,
      path: `/${name}`,
      required_groups: [...required_groups],
      request_scopes: scopes,
    })
  const { gateway, browser } = await startBroker(t, {
    entra,
    upstream: upstream.url,
    config: {
      identity_provider: registeredConfig(entra, { groups_claim: 'groups', resolve_groups: true }),
    },
    resources: [resource('open', []), resource('team', [wanted]), resource('other', [elsewhere])],
  })
  const { access } = await signIn(gateway, browser, { username: 'alice' })
  assert.equal(entra.requests(graphPath), 0, 'the first resource asks for no group')
  const whoami = await send(`${gateway.origin}/oauth/whoami`, {
    headers: [['Authorization', `Bearer ${access}`]],
  })
  assert.equal(whoami.json()['groups_missing'], 'left_out')
  const own = `${gateway.origin}/oauth/authorize?client_id=rolecall`
  const page = await browser.get(String(await toCallback({ gateway, browser }, own)))
  const text = await page.text()
  assert.equal(entra.requests(graphPath), 1)
  const permitted = [...text.matchAll(/<strong>(\w+)<\/strong>: <span class="(yes|no)">/g)]
  assert.deepEqual(
    permitted.map(([, name, verdict]) => [name, verdict]),
    [
      ['open', 'yes'],
      ['team', 'yes'],
      ['other', 'no'],
    ],
  )
  assert.match(text, new RegExp(`Microsoft Graph says[^]*${wanted}`))
})
