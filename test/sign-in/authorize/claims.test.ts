import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { readJwt } from '../../../src/oauth/jwt.ts'
import { signInAt } from '../../environment/browser.ts'
import {
  askForTokens,
  type BegunSignIn,
  beginSignIn,
  heldTokens,
  redeem,
  refresh,
  signIn,
} from '../../support/broker-client.ts'
import { startBroker } from '../../support/broker-gateway.ts'
import { authorizeUrl, locationOf } from '../../support/broker-sign-in.ts'
import { registeredConfig, startEntra } from '../../support/gateway.ts'
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

const demand = { access_token: { acrs: { essential: true, value: 'c1' } } }
const demanded = JSON.stringify(demand)
const encoded = Buffer.from(demanded).toString('base64')

/** An upstream that wants an authentication context, as CAE asks for one. */
async function startDemanding(t: TestContext) {
  const upstream = await startUpstream(t)
  upstream.answerWith((request, response) => {
    const token = request.headers.authorization?.replace('Bearer ', '') ?? ''
    const met = [readJwt(token)?.claims['acrs']].flat().includes('c1')
    if (met) {
      response.writeHead(200, { 'content-type': 'application/json' })
      response.end('{"jsonrpc":"2.0","id":1,"result":{}}')
      return
    }
    const challenge = `Bearer realm="", error="insufficient_claims", claims="${encoded}"`
    response.writeHead(401, { 'www-authenticate': challenge }).end()
  })
  return upstream
}

async function start(t: TestContext) {
  const upstream = await startDemanding(t)
  const broker = await startBroker(t, { upstream: upstream.url })
  const { gateway, browser } = broker
  /** What the provider is asked for at this client's sign-in; nobody signs in. */
  const askedOf = async (url: URL | string): Promise<string | null> => {
    const page = await browser.get(String(url))
    const there = page.status === 200 ? await browser.allow(page) : locationOf(page)
    return new URL(String(there)).searchParams.get('claims')
  }
  return { ...broker, upstream, entra: gateway.entra, askedOf }
}

/** The same client begins another sign-in. */
function again({ url, ...begun }: BegunSignIn, change: Record<string, string> = {}): BegunSignIn {
  const next = new URL(url)
  for (const [name, value] of Object.entries(change)) next.searchParams.set(name, value)
  return { ...begun, url: next }
}

test("an upstream's challenge goes round: refresh is refused, and the next sign-in asks for it", async (t) => {
  const { gateway, browser, entra } = await start(t)
  const begun = await beginSignIn(gateway)
  const visitor = { username: 'alice' }
  const first = heldTokens(
    await redeem(gateway, begun, await signInAt(browser, begun.url, visitor)),
    begun.clientId,
  )
  entra.demand('alice', demand)
  const refused = await send(gateway.url, post(first.access))
  assert.equal(refused.status, 401)
  const challenge = String(refused.headers['www-authenticate'])
  assert.match(challenge, /error="insufficient_claims"/)
  assert.ok(challenge.includes(`claims="${encoded}"`))
  const { status, body } = await refresh(gateway, first)
  assert.deepEqual([status, body['error'], body['claims']], [400, 'invalid_grant', demanded])
  const back = await signInAt(browser, again(begun).url, visitor)
  const second = heldTokens(await redeem(gateway, begun, back), begun.clientId)
  assert.equal((await send(gateway.url, post(second.access))).status, 200)
  const third = heldTokens(await refresh(gateway, second), begun.clientId)
  assert.equal((await send(gateway.url, post(third.access))).status, 200)
})

test('what a refresh was refused for is asked for once, and of this client alone', async (t) => {
  const { gateway, browser, entra, askedOf } = await start(t)
  const begun = await beginSignIn(gateway, { state: 'one' })
  const held = heldTokens(
    await redeem(gateway, begun, await signInAt(browser, begun.url, { username: 'alice' })),
    begun.clientId,
  )
  const other = await beginSignIn(gateway, { state: 'two' })
  await signIn(gateway, browser, { username: 'bob' })
  entra.demand('alice', demand)
  assert.equal((await refresh(gateway, held)).status, 400)
  assert.notEqual(other.clientId, '')
  assert.equal(await askedOf(authorizeUrl(gateway)), null, 'a client registered beforehand')
  assert.equal(await askedOf(again(begun).url), demanded)
  assert.equal(await askedOf(again(begun).url), null)
})

test('a code that is refused for it tells the client, and is remembered', async (t) => {
  const { gateway, browser, entra, askedOf } = await start(t)
  entra.demand('alice', demand)
  const begun = await beginSignIn(gateway)
  const answer = await redeem(
    gateway,
    begun,
    await signInAt(browser, begun.url, { username: 'alice' }),
  )
  assert.equal(answer.status, 400)
  assert.equal(answer.body['claims'], demanded)
  assert.match(String(answer.body['error_description']), /AADSTS50076/)
  assert.equal(await askedOf(again(begun).url), demanded)
})

test('a client that sends claims itself has its way, whatever is remembered', async (t) => {
  const { gateway, browser, entra, askedOf } = await start(t)
  const own = '{"access_token":{"acrs":{"value":"c2"}}}'
  assert.equal(await askedOf(authorizeUrl(gateway, { claims: own })), own)
  entra.demand('alice', demand)
  const back = await signInAt(browser, authorizeUrl(gateway, { claims: demanded }), {
    username: 'alice',
  })
  const answer = await askForTokens(gateway, {
    grant_type: 'authorization_code',
    code: back.searchParams.get('code') ?? '',
    client_id: 'holmes',
    code_verifier: 'a-code-verifier-that-is-long-enough-for-rfc-7636',
  })
  assert.equal(answer.status, 200)
})

for (const claims of ['x', '[]', '{"access_token":{"acrs":7}}', `{"a":"${'x'.repeat(1600)}"}`]) {
  test(`claims that are none are refused to the client: ${claims.slice(0, 40)}`, async (t) => {
    const { gateway, browser } = await start(t)
    const answer = await browser.get(authorizeUrl(gateway, { claims }))
    const { searchParams } = locationOf(answer)
    assert.equal(searchParams.get('error'), 'invalid_request')
    assert.match(searchParams.get('error_description') ?? '', /^claims is not a claims request/)
  })
}

test('what would make tokens for a day never reaches the provider', async (t) => {
  const { gateway, askedOf } = await start(t)
  const claims = '{"access_token":{"xms_cc":{"values":["cp1"]},"acrs":{"value":"c1"}}}'
  const asked = await askedOf(authorizeUrl(gateway, { claims }))
  assert.equal(asked, '{"access_token":{"acrs":{"value":"c1"}}}')
})

test("an upstream's challenge that is no claims request is handed on, and asked for nowhere", async (t) => {
  const { gateway, browser, upstream, askedOf } = await start(t)
  const begun = await beginSignIn(gateway)
  const { access } = heldTokens(
    await redeem(gateway, begun, await signInAt(browser, begun.url, { username: 'alice' })),
    begun.clientId,
  )
  upstream.answerWith((_request, response) => {
    const challenge = 'Bearer error="insufficient_claims", claims="eyJhIjp7fX0="'
    response.writeHead(401, { 'www-authenticate': challenge }).end()
  })
  const { headers } = await send(gateway.url, post(access))
  assert.match(String(headers['www-authenticate']), /claims="eyJhIjp7fX0="/)
  assert.equal(await askedOf(again(begun).url), null)
})

test('relay: the client is told, and its own claims are passed on', async (t) => {
  const entra = await startEntra(t)
  const upstream = await startDemanding(t)
  const gateway = await startRelay(t, {
    entra,
    upstream: upstream.url,
    config: {
      sealing_keys: [sealingKey],
      identity_provider: registeredConfig(entra, { groups_claim: 'groups' }),
    },
    signIn: { tokens: 'sealed' },
  })
  const { access, refresh: first } = await signedIn(gateway, 'alice')
  entra.demand('alice', demand)
  const refused = await send(gateway.url, post(access))
  assert.match(String(refused.headers['www-authenticate']), /error="insufficient_claims"/)
  const answer = await postToken(gateway, refreshForm(first))
  assert.deepEqual([answer.status, answer.body['claims']], [400, demanded])
  const code = await codeFor(entra, 'alice', { claims: demanded })
  const { body } = await postToken(gateway, codeForm(code, { claims: demanded }))
  assert.equal((await send(gateway.url, post(String(body['access_token'])))).status, 200)
  const bad = await postToken(gateway, codeForm('x', { claims: '{' }))
  assert.deepEqual([bad.status, bad.body['error']], [400, 'invalid_request'])
})
