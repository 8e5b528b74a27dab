import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { createBrowser } from '../../environment/browser.ts'
import { clientRedirect } from '../../support/broker-client.ts'
import { startBroker } from '../../support/broker-gateway.ts'
import {
  authorizeUrl,
  codeFor,
  codeForm,
  endpoint,
  locationOf,
  postForm,
  refreshForm,
  toCallback,
  tokensFor,
} from '../../support/broker-sign-in.ts'
import { assertPage, assertRefused } from '../../support/browser-answers.ts'
import type { Gateway } from '../../support/gateway.ts'
import { sealingKey as older } from '../../support/handed-out.ts'
import { post, send } from '../../support/raw-http.ts'
import { startUpstream } from '../../support/recording-upstream.ts'
import type { TokenReply } from '../../support/relay-gateway.ts'

const newer = Buffer.alloc(32, 9).toString('base64url')
const web = { redirect_uri: 'https://platform.robusta.dev/oauth/callback.html' }
/** What browsers say of a navigation that a click set off. */
const click = { 'sec-fetch-user': '?1', 'sec-fetch-dest': 'document', 'sec-fetch-site': 'none' }

/** Something that a rolecall sealed and others hold. */
interface Held {
  /** Uses it to its end; it counts. */
  goesOn(): Promise<void>
  /** Uses it; it counts no more. */
  isOver(): Promise<void>
}

async function callbackUnderWay(gateway: Gateway): Promise<Held> {
  const browser = createBrowser()
  const back = await toCallback({ gateway, browser })
  const visit = () => browser.comeBack(back.href)
  return {
    goesOn: async () => assert.ok(locationOf(await visit()).searchParams.has('code')),
    isOver: async () => void (await assertRefused(await visit(), 400, /begin it again/)),
  }
}

async function code(gateway: Gateway): Promise<Held> {
  const form = codeForm(await codeFor(gateway))
  const redeem = () => postForm(endpoint(gateway, 'token'), form)
  return {
    goesOn: async () => assertTokens(await redeem()),
    isOver: async () => assertError(await redeem(), 400, 'invalid_grant', /sign in again/),
  }
}

async function refreshToken(gateway: Gateway): Promise<Held> {
  const form = refreshForm((await tokensFor(gateway)).refresh)
  const refresh = () => postForm(endpoint(gateway, 'token'), form)
  return {
    goesOn: async () => assertTokens(await refresh()),
    isOver: async () => assertError(await refresh(), 400, 'invalid_grant', /sign in again/),
  }
}

async function clientId(gateway: Gateway): Promise<Held> {
  const answer = await fetch(endpoint(gateway, 'register'), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ redirect_uris: [clientRedirect] }),
  })
  const client_id = String(((await answer.json()) as Record<string, unknown>)['client_id'])
  const url = authorizeUrl(gateway, { client_id })
  const redeem = (one: string) => postForm(endpoint(gateway, 'token'), codeForm(one, { client_id }))
  return {
    goesOn: async () => assertTokens(await redeem(await codeFor(gateway, 'alice', url))),
    async isOver() {
      assertError(await redeem('x'), 401, 'invalid_client', /register again/)
      await assertRefused(await createBrowser().get(url), 400, /registers anew/)
    },
  }
}

async function rememberedConsent(gateway: Gateway): Promise<Held> {
  const browser = createBrowser()
  const visit = () => browser.get(authorizeUrl(gateway, web), click)
  await browser.allow(await visit())
  return {
    goesOn: async () => assert.equal(locationOf(await visit()).origin, gateway.entra.origin),
    isOver: async () => void (await assertPage(await visit(), 200, /Allow access/)),
  }
}

async function sealedToken(gateway: Gateway): Promise<Held> {
  const { access } = await tokensFor(gateway)
  const call = () => send(gateway.url, post(access))
  const goesOn = async () => assert.equal((await call()).status, 200)
  await goesOn() // From then on it is known, and not opened again.
  return {
    goesOn,
    async isOver() {
      const { status, headers, text } = await call()
      assert.equal(status, 401, text)
      assert.match(headers['www-authenticate'] ?? '', /error="invalid_token".*sign in through/)
    },
  }
}

const kinds = {
  'a callback under way': callbackUnderWay,
  'a code': code,
  'a refresh token': refreshToken,
  'a client id': clientId,
  'a remembered consent': rememberedConsent,
  'a sealed token': sealedToken,
}

/** A rolecall with the older key alone, which remembers consent. */
async function start(t: TestContext) {
  const { url: upstream } = await startUpstream(t)
  const { gateway } = await startBroker(t, {
    upstream,
    signIn: { consent: 'remember' },
    config: { sealing_keys: [older] },
  })
  return {
    reload: (...sealing_keys: readonly string[]) =>
      gateway.service.reload({ ...gateway.config, sealing_keys }),
    /** One of each kind, sealed now. */
    async sealed(): Promise<readonly (readonly [string, Held])[]> {
      const all: [string, Held][] = []
      for (const [kind, make] of Object.entries(kinds)) all.push([kind, await make(gateway)])
      return all
    },
  }
}

function assertTokens({ status, body }: TokenReply): void {
  assert.equal(status, 200, JSON.stringify(body))
  assert.ok(body['access_token'] && body['refresh_token'])
}

function assertError(reply: TokenReply, status: number, error: string, words: RegExp): void {
  const { body } = reply
  assert.deepEqual([reply.status, body['error']], [status, error], JSON.stringify(body))
  assert.match(String(body['error_description']), words)
}

test('with a new sealing key before the old one, everything that the old one sealed goes on', async (t) => {
  const { reload, sealed } = await start(t)
  const all = await sealed()
  await reload(newer, older)
  for (const [kind, { goesOn }] of all) await t.test(kind, goesOn)
})

test('without the old sealing key everything that it sealed ends, each in its own way', async (t) => {
  const { reload, sealed } = await start(t)
  const all = await sealed()
  await reload(newer, older)
  await reload(newer)
  for (const [kind, { isOver }] of all) await t.test(kind, isOver)
})

test('what was sealed with both keys there goes on without the old one', async (t) => {
  const { reload, sealed } = await start(t)
  await reload(newer, older)
  const all = await sealed()
  await reload(newer)
  for (const [kind, { goesOn }] of all) await t.test(kind, goesOn)
})
