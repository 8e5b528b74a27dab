import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { deriveKeys, type Purpose } from '../../../src/sealing/derived-keys.ts'
import { openBytes, seal, sealBytes } from '../../../src/sealing/sealed-value.ts'
import { SessionNames } from '../../../src/sign-in/sessions/session-names.ts'
import { createBrowser } from '../../environment/browser.ts'
import { type BrokerGateway, startBroker } from '../../support/broker-gateway.ts'
import {
  authorizeUrl,
  codeFor,
  codeForm,
  endpoint,
  postForm,
  refreshForm,
  toCallback,
  tokensFor,
  transactionOn,
} from '../../support/broker-sign-in.ts'
import { sealingKey } from '../../support/handed-out.ts'
import { post, send } from '../../support/raw-http.ts'
import { startUpstream } from '../../support/recording-upstream.ts'

const keys = deriveKeys([sealingKey])
const web = { redirect_uri: 'https://platform.robusta.dev/oauth/callback.html' }
const click = { 'sec-fetch-user': '?1', 'sec-fetch-dest': 'document' }

/** What every sealed value begins with, and that of a transaction's cookie is written without. */
const header = Buffer.from('{"alg":"dir","enc":"A256GCM"}').toString('base64url')

/** What rolecall makes and gives out, by the purpose of its key. */
type Values = Readonly<Record<Purpose, string>>

/** A rolecall that gives out all that there is, before an upstream with sessions. */
async function start(t: TestContext) {
  const upstream = await startUpstream(t)
  upstream.answerWith((_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json', 'mcp-session-id': 'up-1' })
    response.end('{"jsonrpc":"2.0","id":1,"result":{}}')
  })
  const { gateway, browser } = await startBroker(t, {
    upstream: upstream.url,
    signIn: { consent: 'remember' },
    config: { sealing_keys: [sealingKey] },
  })
  return { gateway, browser, upstream }
}

type Broker = Awaited<ReturnType<typeof start>>

async function valuesOf({ gateway, browser }: Broker): Promise<Values> {
  await browser.allow(await browser.get(authorizeUrl(gateway, web)))
  const consent = browser.cookies.get('rolecall-consent') ?? ''
  const transaction = await transactionOn(await browser.get(authorizeUrl(gateway)))
  const { access, refresh } = await tokensFor(gateway)
  const called = await send(gateway.url, post(access))
  const registered = await fetch(endpoint(gateway, 'register'), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ redirect_uris: ['http://127.0.0.1:7777/callback'] }),
  })
  const { client_id } = (await registered.json()) as Record<string, unknown>
  return {
    'access token': access,
    'refresh token': refresh,
    'authorization code': await codeFor(gateway),
    transaction: browser.cookies.get(`rolecall-tx-${transaction}`) ?? '',
    'go-on question': await goOnQuestionFor({ gateway, browser }),
    consent,
    'client id': String(client_id),
    'mcp session id': String(called.headers['mcp-session-id']),
    'stored answer': await seal({ identity: {}, answer: {} }, keys.for('stored answer')),
    'session name': new SessionNames(keys.for('session name')).of({ kind: 'all' })[0],
    'question state': await seal({ user: 'alice', at: 0 }, keys.for('question state')),
    'list cursor': await seal({ list: 'resources', from: 0 }, keys.for('list cursor')),
  }
}

/** The field of the page after the provider. */
async function goOnQuestionFor(broker: BrokerGateway): Promise<string> {
  return transactionOn(await broker.browser.get((await toCallback(broker)).href))
}

/** Whether a value is taken in a place; each is where values of one purpose belong. */
type Place = (value: string, broker: Broker) => Promise<boolean>

/** A transaction is found by the name of its cookie; a value of another purpose has none. */
function cookieNameOf(value: string, { browser }: Broker): string {
  const [name = 'rolecall-tx-mrx0a0-AAAAAAAAAAAAAAAAAAAAAA'] =
    [...browser.cookies].find(([, kept]) => kept === value) ?? []
  return name
}

const places: Readonly<Partial<Record<Purpose, Place>>> = {
  'access token': async (value, { gateway }) => {
    const { status } = await send(gateway.url, post(value))
    const whoami = await fetch(`${gateway.origin}/oauth/whoami`, {
      headers: { authorization: `Bearer ${value}` },
    })
    assert.equal(whoami.status === 200, status === 200)
    return status === 200
  },
  'refresh token': async (value, { gateway }) =>
    (await postForm(endpoint(gateway, 'token'), refreshForm(value))).status === 200,
  'authorization code': async (value, { gateway }) =>
    (await postForm(endpoint(gateway, 'token'), codeForm(value))).status === 200,
  transaction: async (value, broker) => {
    const browser = createBrowser()
    const { gateway } = broker
    const name = cookieNameOf(value, broker)
    const id = name.replace('rolecall-tx-', '')
    browser.cookies.set(name, value)
    const { origin } = gateway
    const form = { transaction: id, decision: 'allow' }
    const answer = await browser.post(endpoint(gateway, 'authorize'), form, { origin })
    const back = `${endpoint(gateway, 'callback')}?state=${id}&code=x`
    const returned = await createBrowser().get(back, { cookie: `${name}=${value}` })
    return answer.status === 303 || returned.status === 303
  },
  'go-on question': async (transaction, { gateway, browser }) => {
    const { origin } = gateway
    const form = { transaction, decision: 'allow' }
    const answer = await browser.post(endpoint(gateway, 'authorize'), form, { origin })
    return answer.status === 303
  },
  consent: async (value, { gateway }) => {
    const browser = createBrowser()
    browser.cookies.set('rolecall-consent', value)
    const answer = await browser.get(authorizeUrl(gateway, web), click)
    return answer.status === 303
  },
  'client id': async (value, { gateway }) => {
    const answer = await createBrowser().get(authorizeUrl(gateway, { client_id: value }))
    const form = { ...codeForm('x'), client_id: value }
    const { body } = await postForm(endpoint(gateway, 'token'), form)
    assert.equal(body['error'] !== 'invalid_client', answer.status === 200)
    return answer.status === 200
  },
  'mcp session id': async (value, broker) => {
    const { access } = await tokensFor(broker.gateway)
    const { headers = [], ...sent } = post(access)
    const lines = [...headers, ['Mcp-Session-Id', value] as const]
    return (await send(broker.gateway.url, { ...sent, headers: lines })).status === 200
  },
}

test('what was made for one purpose is worth nothing for any other: all pairs', async (t) => {
  const broker = await start(t)
  const values = await valuesOf(broker)
  for (const [purpose, place] of Object.entries(places)) {
    for (const [made, value] of Object.entries(values)) {
      if (made === purpose) continue
      assert.equal(await place(value, broker), false, `${made} as ${purpose}`)
    }
  }
  for (const [purpose, place] of Object.entries(places)) {
    const own = values[purpose as Purpose]
    assert.equal(await place(own, broker), true, `${purpose} as itself, so that the test can tell`)
  }
})

test('the very content, sealed for another purpose, is worth nothing either', async (t) => {
  const broker = await start(t)
  const values = await valuesOf(broker)
  const whole = { ...values, transaction: `${header}..${values.transaction}` }
  const sealed = Object.entries(whole).filter(([, value]) => value.split('.').length === 5)
  assert.equal(sealed.length, 9)
  for (const [made, value] of sealed) {
    const bytes = openBytes(value, keys.for(made as Purpose))
    assert.ok(bytes, `${made} is sealed with the key of its purpose`)
    for (const other of Object.keys(values) as Purpose[]) {
      const place = places[made as Purpose]
      if (other === made || !place) continue
      const resealed: string = (await sealBytes(bytes, keys.for(other))).replace(
        made === 'transaction' ? `${header}..` : '',
        '',
      )
      assert.equal(await place(resealed, broker), false, `${made} with the key of ${other}`)
    }
  }
})

test("a token of the provider's is nothing of ours, and the resource takes no other", async (t) => {
  const broker = await start(t)
  const { entra } = broker.gateway
  const token = await entra.mint({
    client: broker.gateway.config.identity_provider.client_id ?? '',
  })
  for (const [purpose, place] of Object.entries(places)) {
    assert.equal(await place(token, broker), false, purpose)
  }
  assert.equal(broker.upstream.received.length, 0)
})
