import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { holmes } from '../environment/mock-entra/directory.ts'
import { startBroker } from '../support/broker-gateway.ts'
import {
  authorizeUrl,
  codeForm,
  endpoint,
  locationOf,
  refreshForm,
  toCallback,
} from '../support/broker-sign-in.ts'
import { SimulatedClock } from '../support/clock.ts'
import { limitsWith } from '../support/defaults.ts'
import { startEntra } from '../support/gateway.ts'
import { sealingKey } from '../support/handed-out.ts'
import { post, send } from '../support/raw-http.ts'
import { startUpstream } from '../support/recording-upstream.ts'
import { type Change, form, verifier } from '../support/relay-gateway.ts'
import { tapTokenEndpoint } from '../support/token-tap.ts'

const clientSecret = 'the-secret-of-the-confidential-client'
const wrongSecret = 'a-wrong-secret-that-a-client-showed'
/** As long as opaque tokens are; a path's segment of less than 48 characters is logged as it is. */
const stray = 'a-stray-access-token-in-a-form-or-an-address-of-some-sixty-letters'
const clientState = 'a-state-that-a-client-keeps-to-itself'

/** A broker that logs everything, with whatever it keeps secret and whatever it says. */
async function start(t: TestContext) {
  const clock = new SimulatedClock(Date.now())
  const entra = await startEntra(t, { clock })
  const tap = await tapTokenEndpoint(t, entra)
  const upstream = await startUpstream(t)
  const redirect_uris = ['loopback', 'robusta']
  const { gateway, browser } = await startBroker(t, {
    upstream: upstream.url,
    entra,
    clock,
    signIn: {
      consent: 'remember',
      clients: [
        { client_id: 'holmes', redirect_uris, skip_consent: false },
        { client_id: 'conf', redirect_uris, skip_consent: false, client_secret: clientSecret },
      ],
    },
    config: {
      log_level: 'trace',
      sealing_keys: [sealingKey],
      limits: limitsWith({ sign_ins_per_minute: 1_000 }),
    },
  })
  const secrets = new Set<string>([sealingKey, verifier, clientSecret, wrongSecret, stray])
  const said: string[] = []
  const keep = (...texts: readonly (string | null | undefined)[]) => {
    for (const text of texts) if (text) secrets.add(text)
  }
  keep(clientState, holmes.client_secret)
  const broker = { gateway, browser }
  return {
    ...broker,
    clock,
    tap,
    secrets,
    said,
    keep,
    /** A sign-in up to our callback; all that only this browser and the provider know is kept. */
    async back(change: Change = {}) {
      const url = authorizeUrl(gateway, { state: clientState, ...change })
      const back = await toCallback(broker, url)
      keep(...back.searchParams.values(), ...browser.cookies.values())
      for (const name of browser.cookies.keys()) keep(name.split('-tx-')[1])
      return back
    },
    /** What a page says; a page that asks has its own transaction on it, and is no error. */
    async visit(url: string, init?: { readonly form: Record<string, string> }) {
      const { origin } = gateway
      const answer = await (init ? browser.post(url, init.form, { origin }) : browser.get(url))
      if (answer.status >= 400) said.push(await answer.text())
      return answer
    },
    async ask(path: string, body: string, headers: Record<string, string> = {}) {
      const type = 'application/x-www-form-urlencoded'
      const lines = Object.entries({ 'content-type': type, ...headers })
      const answer = await send(gateway.origin + path, { method: 'POST', headers: lines, body })
      const { access_token: access, refresh_token: refresh } =
        answer.status === 200 && answer.text !== '' ? answer.json() : {}
      if (typeof access === 'string' && typeof refresh === 'string') keep(access, refresh)
      if (answer.status !== 200) said.push(answer.text + JSON.stringify(answer.headers))
      return { status: answer.status, access: String(access), refresh: String(refresh) }
    },
  }
}

type Broker = Awaited<ReturnType<typeof start>>

async function codeIn(broker: Broker, change?: Change): Promise<string> {
  const answer = locationOf(await broker.browser.comeBack((await broker.back(change)).href))
  const code = answer.searchParams.get('code') ?? ''
  broker.keep(code)
  return code
}

const text = (parameters: Change) => form(parameters).toString()

async function goWell(broker: Broker) {
  const { ask, gateway, browser, back, keep } = broker
  const code = await codeIn(broker)
  const { access, refresh } = await ask('/oauth/token', text(codeForm(code)))
  const next = await ask('/oauth/token', text(refreshForm(refresh)))
  await send(gateway.url, post(access))
  await fetch(`${gateway.origin}/oauth/whoami`, { headers: { authorization: `Bearer ${access}` } })
  const basic = Buffer.from(`conf:${clientSecret}`).toString('base64')
  keep(basic)
  const second = await codeIn(broker, { client_id: 'conf' })
  await ask('/oauth/token', text(codeForm(second, { client_id: 'conf' })), {
    authorization: `Basic ${basic}`,
  })
  await back({ redirect_uri: 'https://platform.robusta.dev/oauth/callback.html' })
  keep(browser.cookies.get('rolecall-consent'))
  const own = await toCallback(broker, `${endpoint(gateway, 'authorize')}?client_id=rolecall`)
  keep(...own.searchParams.values())
  await browser.get(own.href)
  await ask('/oauth/revoke', text({ token: next.refresh, client_id: 'holmes' }))
  return { code, access, refresh, next: next.refresh }
}

type Held = Awaited<ReturnType<typeof goWell>>

async function goWrongInBrowser(broker: Broker, { code, access, refresh }: Held) {
  const { visit, gateway, back, browser } = broker
  for (const secret of [code, access, refresh, stray]) {
    for (const name of ['client_id', 'redirect_uri', 'resource', 'prompt', 'scope', 'request']) {
      await visit(authorizeUrl(gateway, { state: clientState, [name]: secret }))
    }
    for (const name of ['client_id', 'redirect_uri', 'resource', 'access_token']) {
      const uri = `https://evil.example/${secret}?code=${secret}&access_token=${secret}#${secret}`
      await visit(authorizeUrl(gateway, { state: clientState, [name]: uri }))
    }
    browser.cookies.clear()
    const url = await back()
    for (const name of ['iss', 'state', 'access_token', 'error', 'error_description']) {
      const changed = new URL(url)
      changed.searchParams.set(name, secret)
      await visit(changed.href)
    }
    await visit(`${url.href}&code=${secret}`)
    await visit(url.href)
    await visit(`${gateway.origin}/oauth/authorize/${secret}?${secret}`)
    const fields = { transaction: secret, decision: secret, [secret]: secret }
    await visit(endpoint(gateway, 'authorize'), { form: fields })
    await visit(endpoint(gateway, 'authorize'), {
      form: { transaction: secret, decision: 'allow', access_token: secret },
    })
    browser.cookies.set('rolecall-consent', secret)
    browser.cookies.set(`rolecall-tx-${secret}`, secret)
    await visit(authorizeUrl(gateway))
    browser.cookies.clear()
  }
}

async function goWrongAtTheEndpoints(broker: Broker, { code, access, refresh, next }: Held) {
  const { ask, gateway, clock } = broker
  const good = await codeIn(broker)
  const bodies: readonly Change[] = [
    codeForm(code),
    codeForm(good, { code_verifier: 'another-verifier-that-is-long-enough-for-rfc-7636' }),
    codeForm(good, { client_secret: wrongSecret }),
    codeForm(good, { client_id: 'conf', client_secret: wrongSecret }),
    codeForm(good, { client_id: good }),
    codeForm(good, { client_id: `https://evil.example/${good}` }),
    codeForm(good, { redirect_uri: `https://evil.example/?code=${good}` }),
    codeForm(good, { resource: `https://evil.example/${good}?${access}` }),
    codeForm(good, { resource: access }),
    codeForm(good, { grant_type: access }),
    codeForm(good, { access_token: access }),
    codeForm(refresh),
    codeForm(access),
    refreshForm(next),
    refreshForm(good),
    refreshForm(refresh, { client_id: access }),
    refreshForm(`${refresh}x`),
  ]
  for (const body of bodies) {
    await ask('/oauth/token', text(body))
    await ask(`/oauth/token?${text(body)}`, '')
    await ask('/oauth/revoke', text({ ...body, token: refresh }))
    await ask('/oauth/register', text(body))
    await ask('/oauth/token', text(body), { 'content-type': 'application/json' })
  }
  const authorization = `Basic ${Buffer.from(`conf:${wrongSecret}`).toString('base64')}`
  await ask('/oauth/token', text(codeForm(good, { client_id: 'conf' })), { authorization })
  await ask('/oauth/token', text(codeForm(good)), { authorization: `Bearer ${stray}` })
  for (const path of [`/oauth/${refresh}`, `/${access}`, `/mcp/${good}`, `/mcp?code=${good}`]) {
    await ask(path, text(codeForm(good)))
  }
  await send(gateway.url, post(`${access}x`))
  await send(gateway.url, post(refresh))
  await clock.advance(60_001)
  await ask('/oauth/token', text(codeForm(good)))
  await ask('/oauth/token', text(refreshForm(refresh)))
}

/** The provider repeats what it was sent, as debugging pages do. */
async function goWrongAtTheProvider(broker: Broker) {
  const { ask, tap, visit, gateway } = broker
  for (const status of [200, 302, 400, 401, 403, 500]) {
    tap.answerWith(undefined)
    const { refresh } = await ask('/oauth/token', text(codeForm(await codeIn(broker))))
    const code = await codeIn(broker)
    const own = await toCallback(broker, `${endpoint(gateway, 'authorize')}?client_id=rolecall`)
    tap.answerWith((_request, response) => {
      const echo = tap.received.at(-1)?.body.toString() ?? ''
      const body = { error: echo, error_description: echo, suberror: echo, access_token: echo }
      response.writeHead(status, { 'content-type': 'application/json', location: `/x?${echo}` })
      response.end(JSON.stringify({ ...body, token_type: 'Bearer', id_token: echo }))
    })
    await ask('/oauth/token', text(codeForm(code)))
    await ask('/oauth/token', text(refreshForm(refresh)))
    await visit(own.href)
  }
  tap.answerWith(undefined)
}

/** What would tell one of them: each part of it, but for the headers that all tokens share. */
function partsOf({ secrets, tap, gateway }: Broker): readonly string[] {
  const forms = tap.forms().flatMap((sent) => {
    return ['code', 'refresh_token', 'client_secret', 'code_verifier'].map((name) => sent.get(name))
  })
  const given = tap.answers.flatMap((answer) => {
    const body = JSON.parse(answer) as Record<string, unknown>
    return ['access_token', 'refresh_token', 'id_token'].map((name) => body[name])
  })
  const own = [gateway.origin, 'holmes', 'conf']
  return [...secrets, ...forms, ...given]
    .filter((value) => typeof value === 'string' && !own.includes(value))
    .flatMap((value) => [String(value), ...String(value).split('.')])
    .filter((part) => part.length >= 16 && !/^eyJ(hbGci|0eXAi|hdWQi)/.test(part))
    .map((part) => part.slice(0, 16))
}

test('no log line, error, page or metric tells a secret, code, token, verifier, state or cookie', async (t) => {
  const broker = await start(t)
  const held = await goWell(broker)
  await goWrongInBrowser(broker, held)
  await goWrongAtTheEndpoints(broker, held)
  await goWrongAtTheProvider(broker)
  await broker.clock.advance(60_000)
  const { host, port } = broker.gateway.service.adminAddress
  const metrics = await (await fetch(`http://${host}:${port}/metrics`)).text()
  const parts = [...new Set(partsOf(broker))]
  assert.ok(parts.length > 150, `there is something to look for: ${parts.length}`)
  const log = broker.gateway.log.map((line) => JSON.stringify(line))
  assert.ok(
    log.some((line) => line.includes('"level":"debug"')),
    'everything is logged',
  )
  assert.ok(broker.said.length > 150, `much was said: ${broker.said.length}`)
  for (const [where, texts] of Object.entries({ log, said: broker.said, metrics: [metrics] })) {
    for (const one of texts) {
      const told = parts.find((part) => one.includes(part) || decoded(one).includes(part))
      assert.equal(told, undefined, `${where} ${told}: ${one.slice(-1500)}`)
    }
  }
})

function decoded(one: string): string {
  try {
    return decodeURIComponent(one)
  } catch {
    return ''
  }
}
