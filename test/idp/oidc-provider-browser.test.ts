import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { type Browser, createBrowser, signInAt } from '../environment/browser.ts'
import { type BegunSignIn, beginSignIn, redeem } from '../support/broker-client.ts'
import { type OidcGateway, startOidcGateway } from '../support/oidc-gateway.ts'
import {
  type OidcProvider,
  type OidcProviderOptions,
  startOidcProvider,
} from '../support/oidc-provider.ts'

interface World {
  readonly idp: OidcProvider
  readonly gateway: OidcGateway
  readonly browser: Browser
}

/** A client whose people are not asked by rolecall, so that their browser goes on at once. */
const portal = {
  client_id: 'portal',
  redirect_uris: ['https://portal.example/callback'],
  skip_consent: true,
}
const asPortal = { client_id: portal.client_id, redirect_uri: 'https://portal.example/callback' }

async function start(t: TestContext, options: OidcProviderOptions = {}, tables = {}) {
  const idp = await startOidcProvider(t, options)
  const gateway = await startOidcGateway(t, {
    issuer: idp.issuer,
    upstream: 'http://127.0.0.1:9/mcp',
    signIn: { client: [portal] },
    ...tables,
  })
  return { idp, gateway, browser: createBrowser() }
}

/** Our callback, as the provider sends the browser there. */
async function toCallback({ browser }: World, begun: BegunSignIn): Promise<URL> {
  const page = await browser.get(begun.url.href)
  const location = page.status === 200 ? await browser.allow(page) : page.headers.get('location')
  return signInAt(browser, location ?? '', { username: 'alice' })
}

/** What the client is sent. */
async function answerTo({ browser }: World, callback: URL): Promise<URLSearchParams> {
  const answer = await browser.get(callback.href)
  assert.equal(answer.status, 303, await answer.text())
  return new URL(answer.headers.get('location') ?? '').searchParams
}

async function assertPage({ browser }: World, callback: URL, words: RegExp): Promise<void> {
  const page = await browser.get(callback.href)
  assert.equal(page.status, 400)
  assert.equal(page.headers.get('location'), null)
  assert.match(await page.text(), words)
}

test('an answer with another iss, or with none, reaches no client; the true one still does', async (t) => {
  const world = await start(t)
  const begun = await beginSignIn(world.gateway)
  const callback = await toCallback(world, begun)
  assert.equal(callback.searchParams.get('iss'), world.idp.issuer)
  for (const [iss, words] of [
    ['https://idp.evil.example', /another identity provider/],
    [`${world.idp.issuer}/`, /another identity provider/],
    ['', /another identity provider/],
    [undefined, /does not say which identity provider/],
  ] as const) {
    const changed = new URL(callback)
    if (iss === undefined) changed.searchParams.delete('iss')
    else changed.searchParams.set('iss', iss)
    await assertPage(world, changed, words)
  }
  const answer = await browserAnswer(world, begun, callback)
  assert.equal(answer.status, 200)
})

async function browserAnswer(world: World, begun: BegunSignIn, callback: URL) {
  const answer = await world.browser.comeBack(callback.href)
  return redeem(world.gateway, begun, new URL(answer.headers.get('location') ?? ''))
}

test('an error with another iss, or with none, reaches no client', async (t) => {
  const world = await start(t)
  const begun = await beginSignIn(world.gateway, { ...asPortal, prompt: 'none' })
  const callback = await toCallback(world, begun)
  assert.equal(callback.searchParams.get('error'), 'login_required')
  const forged = new URL(callback)
  forged.searchParams.set('iss', 'https://idp.evil.example')
  await assertPage(world, forged, /another identity provider/)
  forged.searchParams.delete('iss')
  await assertPage(world, forged, /does not say which identity provider/)
  assert.equal((await answerTo(world, callback)).get('error'), 'login_required')
})

test('an answer without iss is taken where discovery does not promise one, and a wrong one never', async (t) => {
  const metadata = { authorization_response_iss_parameter_supported: false }
  const world = await start(t, { metadata })
  const begun = await beginSignIn(world.gateway)
  const callback = await toCallback(world, begun)
  const wrong = new URL(callback)
  wrong.searchParams.set('iss', 'https://idp.evil.example')
  await assertPage(world, wrong, /another identity provider/)
  callback.searchParams.delete('iss')
  assert.equal((await browserAnswer(world, begun, callback)).status, 200)
})

test('with prompt=none a client is told that nobody is signed in, and gets a code where somebody is', async (t) => {
  const world = await start(t)
  const silently = () => beginSignIn(world.gateway, { ...asPortal, prompt: 'none' })
  const refused = await answerTo(world, await toCallback(world, await silently()))
  assert.equal(refused.get('error'), 'login_required')
  assert.match(refused.get('error_description') ?? '', /sign in again/)
  await toCallback(world, await beginSignIn(world.gateway, asPortal))
  const begun = await silently()
  const there = await world.browser.get(begun.url.href)
  const back = await world.browser.get(there.headers.get('location') ?? '')
  const callback = new URL(back.headers.get('location') ?? '')
  const answer = await answerTo(world, callback)
  assert.ok(answer.get('code'))
  assert.equal(answer.get('state'), begun.state)
})

test('with prompt=none nobody is sent to a provider that is told to show its page', async (t) => {
  const identityProvider = { authorize_parameters: { prompt: 'consent' } }
  const world = await start(t, {}, { identityProvider })
  const begun = await beginSignIn(world.gateway, { ...asPortal, prompt: 'none' })
  const answer = await answerTo(world, begun.url)
  assert.equal(answer.get('error'), 'interaction_required')
  assert.equal(answer.get('state'), begun.state)
})

test('with prompt=login a person signs in again, though they are signed in', async (t) => {
  const world = await start(t)
  await toCallback(world, await beginSignIn(world.gateway, asPortal))
  const pageAfter = async (prompt: string): Promise<string> => {
    const begun = await beginSignIn(world.gateway, { ...asPortal, ...(prompt && { prompt }) })
    const there = await world.browser.get(begun.url.href)
    const back = await world.browser.get(there.headers.get('location') ?? '')
    return back.headers.get('location') ?? ''
  }
  assert.match(await pageAfter(''), /\/oauth\/callback\?/)
  assert.match(await pageAfter('login'), /\/interaction\//)
})

test('a prompt that the provider does not have is an error for the client, with words of ours', async (t) => {
  const world = await start(t)
  const begun = await beginSignIn(world.gateway, { ...asPortal, prompt: 'select_account' })
  const callback = await toCallback(world, begun)
  assert.equal(callback.searchParams.get('error'), 'invalid_request')
  const answer = await answerTo(world, callback)
  assert.equal(answer.get('error'), 'server_error')
  assert.equal(answer.get('state'), begun.state)
  assert.equal(answer.get('iss'), world.gateway.origin)
  const words = answer.get('error_description') ?? ''
  assert.match(words, /could not make sense of the request/)
  assert.ok(!words.includes(callback.searchParams.get('error_description') ?? 'none'))
})

test('whoever says no at the provider is brought back with access_denied, in our words', async (t) => {
  const world = await start(t)
  const { browser, gateway } = world
  const begun = await beginSignIn(gateway)
  const page = await browser.get(await browser.allow(await browser.get(begun.url.href)))
  const form = await browser.get(new URL(page.headers.get('location') ?? '', page.url).href)
  const resumed = await browser.post(form.url, { deny: 'yes' })
  const back = await browser.get(resumed.headers.get('location') ?? '')
  const answer = await answerTo(world, new URL(back.headers.get('location') ?? ''))
  assert.equal(answer.get('error'), 'access_denied')
  assert.equal(answer.get('state'), begun.state)
  assert.match(answer.get('error_description') ?? '', /denied at the identity provider/)
  assert.doesNotMatch(String(answer), /NOT\+FOR\+CLIENTS/)
  assert.equal(answer.get('code'), null)
})

test('scopes that the provider does not allow us are an error whose words name request_scopes', async (t) => {
  const world = await start(t, { client: { scope: 'openid' } })
  const begun = await beginSignIn(world.gateway)
  const callback = await toCallback(world, begun)
  assert.equal(callback.searchParams.get('error'), 'invalid_scope')
  const answer = await answerTo(world, callback)
  assert.equal(answer.get('error'), 'server_error')
  assert.match(answer.get('error_description') ?? '', /operator.*request_scopes/)
})

test("a code of another person's sign-in brings no token: it fits neither verifier nor nonce", async (t) => {
  const mallory = await start(t)
  const { gateway, idp } = mallory
  const victim = { ...mallory, browser: createBrowser() }
  const [hers, his] = [await beginSignIn(gateway), await beginSignIn(gateway)]
  const stolen = (await toCallback(mallory, hers)).searchParams.get('code') ?? ''
  const callback = await toCallback(victim, his)
  callback.searchParams.set('code', stolen)
  const answer = await browserAnswer(victim, his, callback)
  assert.deepEqual([answer.status, answer.body['error']], [400, 'invalid_grant'])
  assert.equal(idp.tokenCalls.length, 1)
})

test('an ID token of another sign-in is not taken, whatever the code says', async (t) => {
  const world = await start(t)
  const begun = await beginSignIn(world.gateway)
  const { browser } = world
  const there = new URL(await browser.allow(await browser.get(begun.url.href)))
  there.searchParams.set('nonce', 'of-another-sign-in')
  const callback = await signInAt(browser, there, { username: 'alice' })
  const answer = await browserAnswer(world, begun, callback)
  assert.deepEqual([answer.status, answer.body['error']], [400, 'invalid_grant'])
  assert.match(String(answer.body['error_description']), /another sign-in/)
})

test('what the client asks for beyond its sign-in does not reach the provider', async (t) => {
  const world = await start(t)
  const { browser, gateway } = world
  const begun = await beginSignIn(gateway, {
    scope: 'admin',
    nonce: 'of-the-client',
    resource: gateway.url,
    login_hint: 'mallory',
    prompt: 'consent',
  })
  const there = new URL(await browser.allow(await browser.get(begun.url.href)))
  const names = [...there.searchParams.keys()].toSorted()
  assert.deepEqual(names, [
    'client_id',
    'code_challenge',
    'code_challenge_method',
    'nonce',
    'redirect_uri',
    'response_type',
    'scope',
    'state',
  ])
  assert.equal(there.searchParams.get('scope'), 'openid profile')
  const callback = await signInAt(browser, there, { username: 'alice' })
  const answer = await browserAnswer(world, begun, callback)
  assert.equal(answer.status, 200)
})
