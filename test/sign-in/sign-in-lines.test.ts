import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { signInLineSchema } from '../../src/observe/log-lines.ts'
import { createBrowser } from '../environment/browser.ts'
import { clientRedirect } from '../support/broker-client.ts'
import { type BrokerGateway, type BrokerOptions, startBroker } from '../support/broker-gateway.ts'
import {
  authorizeUrl,
  codeFor,
  codeForm,
  endpoint,
  postForm,
  refreshForm,
  toCallback,
  tokensFor,
} from '../support/broker-sign-in.ts'
import type { Gateway } from '../support/gateway.ts'
import { sealingKey } from '../support/handed-out.ts'
import { post, send } from '../support/raw-http.ts'
import { startUpstream } from '../support/recording-upstream.ts'
import {
  codeFor as codeAtProvider,
  postToken,
  codeForm as relayCode,
  startRelay,
} from '../support/relay-gateway.ts'

type Line = Readonly<Record<string, unknown>>

/** The lines of sign-ins, each as its schema has it. */
function signIns({ log }: Pick<Gateway, 'log'>): readonly Line[] {
  const lines = log.filter(({ kind }) => kind === 'sign_in')
  for (const line of lines) signInLineSchema.parse(line)
  return lines
}

async function start(t: TestContext, options: BrokerOptions = {}) {
  const upstream = await startUpstream(t)
  const config = { sealing_keys: [sealingKey], ...options.config }
  return startBroker(t, { upstream: upstream.url, ...options, config })
}

async function registered(gateway: Gateway): Promise<string> {
  const answer = await fetch(endpoint(gateway, 'register'), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ redirect_uris: [clientRedirect], client_name: 'A client' }),
  })
  return String(((await answer.json()) as Line)['client_id'])
}

test('every step of a sign-in is a line with its client, and with its user once that is known', async (t) => {
  const { gateway } = await start(t)
  const client_id = await registered(gateway)
  const code = await codeFor(gateway, 'alice', authorizeUrl(gateway, { client_id }))
  const issued = await postForm(endpoint(gateway, 'token'), codeForm(code, { client_id }))
  const token = String(issued.body['refresh_token'])
  const refreshed = await postForm(endpoint(gateway, 'token'), refreshForm(token, { client_id }))
  await postForm(endpoint(gateway, 'revoke'), { token, client_id })
  const lines = signIns(gateway)
  const alice = 'alice@contoso.test'
  assert.deepEqual(
    lines.map(({ level, step, decision, user }) => [level, step, decision, user]),
    [
      ['info', 'register', 'allow', undefined],
      ['info', 'authorize', 'allow', undefined],
      ['info', 'decide', 'allow', undefined],
      ['info', 'callback', 'allow', undefined],
      ['info', 'decide', 'allow', undefined],
      ['info', 'token', 'allow', alice],
      ['info', 'refresh', 'allow', alice],
      ['info', 'revoke', 'allow', alice],
    ],
  )
  for (const line of lines) {
    assert.equal(line['client_id'], client_id)
    assert.equal(line['client_name'], 'A client')
    assert.match(String(line['request_id']), /^[\w.-]{8,64}$/)
  }
  const [, ...atResource] = lines
  for (const line of atResource) assert.equal(line['resource'], 'prod')
  const text = JSON.stringify(lines)
  for (const secret of [code, token, String(issued.body['access_token']), 'the-state-of']) {
    assert.ok(!text.includes(secret.slice(0, 24)))
  }
  const access = String(refreshed.body['access_token'])
  assert.equal((await send(gateway.url, post(access))).status, 401)
  const call = await gateway.logged(({ reason }) => reason === 'session_ended')
  assert.equal(call['user'], alice)
})

test('calls with a sealed token name the client that it was handed to', async (t) => {
  const { gateway } = await start(t)
  const { access } = await tokensFor(gateway)
  assert.equal((await send(gateway.url, post(access))).status, 200)
  for (const kind of ['audit', 'request']) {
    const line = await gateway.logged((one) => one['kind'] === kind && one['resource'] === 'prod')
    assert.equal(line['client_id'], 'holmes', kind)
  }
})

/** What the provider refuses, where, and who has to act; `user`: nobody but the user can. */
const refusals = [
  { at: 'authorize', code: 65001, step: 'callback', whose: 'administrator' },
  { at: 'authorize', code: 50105, step: 'callback', whose: 'administrator' },
  { at: 'authorize', code: 50076, step: 'callback', whose: 'user' },
  { at: 'token', code: 65001, step: 'token', whose: 'administrator' },
  { at: 'token', code: 50105, step: 'token', whose: 'administrator' },
  { at: 'token', code: 53003, step: 'token', whose: 'administrator' },
  { at: 'token', code: 7000222, step: 'token', whose: 'operator' },
  { at: 'refresh', code: 50173, step: 'refresh', whose: 'user' },
  { at: 'refresh', code: 65001, step: 'refresh', whose: 'administrator' },
] as const

/** A sign-in, or the refresh of a session, that the provider refuses. */
async function refusedBy(
  broker: BrokerGateway,
  failure: { readonly at: 'authorize' | 'token' | 'refresh'; readonly code: number },
): Promise<void> {
  const { gateway, browser } = broker
  const session = failure.at === 'refresh' ? await tokensFor(gateway) : undefined
  gateway.entra.fail(failure as Parameters<typeof gateway.entra.fail>[0])
  if (session) await postForm(endpoint(gateway, 'token'), refreshForm(session.refresh))
  else if (failure.at === 'authorize') await browser.get((await toCallback(broker)).href)
  else await postForm(endpoint(gateway, 'token'), codeForm(await codeFor(gateway)))
}

test('what an administrator or the operator has to mend is a warning with the remedy and the ids', async (t) => {
  for (const { at, code, step, whose } of refusals) {
    await t.test(`AADSTS${code} at ${at}`, async (t) => {
      const broker = await start(t)
      const { gateway } = broker
      await refusedBy(broker, { at, code })
      const line = signIns(gateway).findLast(({ decision }) => decision !== 'allow')
      assert.deepEqual(
        [line?.['step'], line?.['aadsts'], line?.['client_id']],
        [step, code, 'holmes'],
      )
      const guid = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/
      assert.match(String(line?.['correlation_id']), guid)
      assert.match(String(line?.['trace_id']), guid)
      const mended = whose === 'user' ? [undefined, 'info'] : [whose, 'warn']
      assert.deepEqual([line?.['whose'], line?.['level']], mended)
      assert.equal(typeof line?.['remedy'], whose === 'user' ? 'undefined' : 'string')
      assert.match(String(line?.['msg']), new RegExp(`AADSTS${code}`))
      assert.equal(line?.['user'], at === 'refresh' ? 'alice@contoso.test' : undefined)
    })
  }
})

test('what a setting of ours refuses is a warning that names it: a redirect, an unusable token', async (t) => {
  const { gateway } = await start(t, { resource: { audiences: ['api://another'] } })
  const elsewhere = authorizeUrl(gateway, { redirect_uri: 'https://elsewhere.example/callback' })
  await (await createBrowser().get(elsewhere)).body?.cancel()
  await postForm(endpoint(gateway, 'token'), codeForm(await codeFor(gateway)))
  const warnings = signIns(gateway).filter(({ level }) => level === 'warn')
  assert.deepEqual(
    warnings.map(({ step, whose, reason }) => [step, whose, reason]),
    [
      ['authorize', 'operator', 'invalid_redirect_uri'],
      ['token', 'operator', 'invalid_grant:wrong_audience'],
    ],
  )
  assert.match(String(warnings[0]?.['remedy']), /sign_in\.redirect_uris/)
  assert.match(String(warnings[1]?.['remedy']), /audiences/)
})

test('relay: a redirect URI that is not configured is a warning, too', async (t) => {
  const gateway = await startRelay(t)
  const redirect_uri = 'https://elsewhere.example/callback?CANARY'
  const code = await codeAtProvider(gateway.entra, 'alice')
  await postToken(gateway, relayCode(code, { redirect_uri }))
  await postToken(gateway, relayCode(code))
  const [refused, allowed] = signIns(gateway)
  assert.deepEqual(
    [refused?.['level'], refused?.['reason'], refused?.['whose']],
    ['warn', 'redirect_uri_not_allowed', 'operator'],
  )
  assert.deepEqual(
    [allowed?.['step'], allowed?.['decision'], allowed?.['user']],
    ['token', 'allow', 'alice@contoso.test'],
  )
  assert.ok(!JSON.stringify(gateway.log).includes('CANARY'))
})

test('a client that nobody knows is not named: it may be a token that went astray', async (t) => {
  const { gateway } = await start(t)
  const stray = await gateway.entra.mint()
  await (await createBrowser().get(authorizeUrl(gateway, { client_id: stray }))).body?.cancel()
  await postForm(endpoint(gateway, 'token'), codeForm('x', { client_id: stray }))
  await postForm(endpoint(gateway, 'revoke'), { token: stray, client_id: stray })
  const lines = signIns(gateway)
  assert.deepEqual(
    lines.map(({ step, decision }) => [step, decision]),
    [
      ['authorize', 'refuse'],
      ['token', 'refuse'],
      ['revoke', 'refuse'],
    ],
  )
  assert.ok(!JSON.stringify(gateway.log).includes(stray.slice(0, 30)))
})

test('a flood of refusals hides no warning, and what was left out is told', async (t) => {
  const { gateway } = await start(t)
  for (let i = 0; i < 40; i += 1) {
    await postForm(endpoint(gateway, 'token'), refreshForm('x'))
  }
  const elsewhere = authorizeUrl(gateway, { redirect_uri: 'https://elsewhere.example/callback' })
  await (await createBrowser().get(elsewhere)).body?.cancel()
  const lines = signIns(gateway)
  assert.equal(lines.filter(({ step }) => step === 'refresh').length, 30)
  assert.equal(lines.filter(({ level }) => level === 'warn').length, 1)
})
