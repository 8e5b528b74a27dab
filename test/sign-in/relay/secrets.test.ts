import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { holmes } from '../../environment/mock-entra/directory.ts'
import { SimulatedClock } from '../../support/clock.ts'
import { startEntra } from '../../support/gateway.ts'
import { send } from '../../support/raw-http.ts'
import {
  basic,
  type Change,
  codeFor,
  codeForm,
  form,
  postToken,
  refreshForm,
  signedIn,
  startRelay,
  verifier,
} from '../../support/relay-gateway.ts'
import { tapTokenEndpoint } from '../../support/token-tap.ts'

const sealingKey = Buffer.alloc(32, 7).toString('base64url')
const wrongSecret = 'a-wrong-secret-that-a-client-showed'
const strangeVerifier = 'another-verifier-that-is-long-enough-for-rfc-7636'
const strayToken = 'a-stray-access-token-in-a-form-or-an-address'

/** A relay that logs everything, and whatever it says to anybody. */
async function start(t: TestContext) {
  const clock = new SimulatedClock(Date.now())
  const entra = await startEntra(t, { clock })
  const tap = await tapTokenEndpoint(t, entra)
  const gateway = await startRelay(t, {
    entra,
    clock,
    config: { log_level: 'trace', sealing_keys: [sealingKey] },
  })
  const said: string[] = []
  const codes: string[] = []
  return {
    clock,
    entra,
    tap,
    gateway,
    said,
    codes,
    async code(change?: Change) {
      const code = await codeFor(entra, 'alice', change)
      codes.push(code)
      return code
    },
    async ask(parameters: Change, headers?: Record<string, string>) {
      const reply = await postToken(gateway, parameters, headers)
      const error = reply.status === 200 ? '' : JSON.stringify(reply.body)
      said.push(error + JSON.stringify([...reply.headers]))
      return reply
    },
  }
}

type Relay = Awaited<ReturnType<typeof start>>

async function askWell({ ask, code, gateway }: Relay): Promise<void> {
  const first = await ask(codeForm(await code()), { authorization: basic })
  await ask(refreshForm(String(first.body['refresh_token'])))
  const second = await ask(codeForm(await code(), { client_secret: holmes.client_secret }))
  const authorization = `Bearer ${second.body['access_token']}`
  await fetch(`${gateway.origin}/oauth/whoami`, { headers: { authorization } })
  await fetch(gateway.url, { method: 'POST', headers: { authorization } })
}

async function askBadly({ ask, code, gateway, said, clock }: Relay): Promise<void> {
  const good = await code()
  const { refresh } = await signedIn(gateway, 'alice')
  const credentials = Buffer.from(`${holmes.client_id}:${wrongSecret}`).toString('base64')
  await ask(codeForm(good, { client_secret: wrongSecret }))
  await ask(codeForm(good), { authorization: `Basic ${credentials}` })
  await ask(codeForm(good), { authorization: `Bearer ${strayToken}` })
  await ask(codeForm(good, { client_id: refresh }))
  await ask(codeForm(good, { redirect_uri: `https://evil.example/?code=${good}` }))
  await ask(codeForm(good, { redirect_uri: strayToken }))
  await ask(codeForm(good, { code_verifier: strangeVerifier }))
  await ask(codeForm(good, { code_verifier: `${strangeVerifier}=` }))
  await ask(codeForm(good, { access_token: strayToken }))
  await ask(codeForm(good, { grant_type: strayToken }))
  await ask(codeForm(refresh))
  await ask(refreshForm(good))
  await ask(refreshForm(`${refresh.slice(0, -1)}_`))
  await ask(refreshForm(refresh))
  await clock.advance(60_000)
  await ask(refreshForm(refresh))
  const stray = form(codeForm(good)).toString()
  for (const [path, body] of [
    [`/oauth/token?${stray}`, ''],
    [`/oauth/token?access_token=${strayToken}`, stray],
    [`/oauth/${refresh}`, ''],
    [`/oauth/token/${refresh}?${stray}`, stray],
    ['/oauth/token', `${stray}&code=${good}`],
    ['/oauth/token', stray + 'x'.repeat(70_000)],
  ] as const) {
    const headers = [['Content-Type', 'application/x-www-form-urlencoded']] as const
    const answer = await send(gateway.origin + path, { method: 'POST', headers, body })
    said.push(answer.text + JSON.stringify(answer.headers))
  }
}

/** The provider repeats what it was sent, as debugging pages do, and fails in every way. */
async function askInTrouble({ ask, code, gateway, tap, entra }: Relay): Promise<void> {
  const good = await code()
  for (const status of [200, 201, 302, 400, 401, 403, 429, 500, 503]) {
    for (const type of ['application/json', 'text/html']) {
      tap.answerWith(undefined)
      const { refresh } = await signedIn(gateway, 'alice')
      tap.answerWith((_request, response) => {
        const echo = tap.received.at(-1)?.body.toString() ?? ''
        const body = { error: echo, error_description: echo, suberror: echo, access_token: [echo] }
        response.writeHead(status, { 'content-type': type, location: `/x?${echo}` })
        response.end(type === 'text/html' ? echo : JSON.stringify(body))
      })
      await ask(codeForm(good))
      await ask(refreshForm(refresh))
    }
  }
  tap.answerWith((request) => request.socket.resetAndDestroy())
  await ask(codeForm(good))
  const graph = await entra.mint({ kind: 'graph' })
  for (const token of [graph, strayToken]) {
    tap.answerWith((_request, response) => {
      const body = { access_token: token, token_type: 'Bearer', id_token: token }
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    })
    await ask(codeForm(good))
  }
  tap.answerWith(undefined)
}

/** Every part of what may never be told and its beginning, but for the headers of tokens. */
function secretsOf({ tap, codes, gateway }: Relay): readonly string[] {
  const forms = tap.forms().flatMap((sent) => {
    return ['code', 'refresh_token', 'client_secret', 'code_verifier'].map((name) => sent.get(name))
  })
  const given = tap.answers.flatMap((text) => {
    const body = JSON.parse(text) as Record<string, unknown>
    return ['access_token', 'refresh_token', 'id_token'].map((name) => body[name])
  })
  const { credential } = gateway.config.identity_provider
  const ours = [
    holmes.client_secret,
    sealingKey,
    verifier,
    basic.slice(6),
    JSON.stringify(credential),
  ]
  const theirs = [wrongSecret, strangeVerifier, strayToken]
  return [...forms, ...given, ...codes, ...ours, ...theirs]
    .filter((value) => typeof value === 'string')
    .flatMap((value) => [value, ...value.split('.')])
    .filter((part) => part.length >= 16 && !/^eyJ(hbGci|0eXAi|hdWQi)/.test(part))
    .map((part) => part.slice(0, 16))
}

test('no log line, no error and no metric tells a secret, code, verifier or token', async (t) => {
  const relay = await start(t)
  await askWell(relay)
  await askBadly(relay)
  await askInTrouble(relay)
  await relay.clock.advance(60_000)
  const { host, port } = relay.gateway.service.adminAddress
  const metrics = await (await fetch(`http://${host}:${port}/metrics`)).text()
  const secrets = [...new Set(secretsOf(relay))]
  assert.ok(secrets.length > 60, 'there is something to look for')
  const log = relay.gateway.log.map((line) => JSON.stringify(line))
  assert.ok(
    log.some((line) => line.includes('"level":"debug"')),
    'everything is logged',
  )
  for (const [where, texts] of Object.entries({ log, said: relay.said, metrics: [metrics] })) {
    for (const text of texts) {
      const decoded = `${text} ${decodeSafely(text)}`
      const told = secrets.find((secret) => decoded.includes(secret))
      assert.equal(told, undefined, `${where}: ${text.slice(0, 2000)}`)
    }
  }
})

function decodeSafely(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return ''
  }
}
