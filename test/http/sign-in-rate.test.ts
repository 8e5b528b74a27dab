import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startBroker } from '../support/broker-gateway.ts'
import { SimulatedClock } from '../support/clock.ts'
import { limitsWith } from '../support/defaults.ts'
import { startEntra } from '../support/gateway.ts'
import { type Answer, type Sent, send } from '../support/raw-http.ts'
import {
  type Change,
  codeForm,
  form,
  postToken,
  refreshForm,
  signedIn,
  startRelay,
} from '../support/relay-gateway.ts'
import { tapTokenEndpoint } from '../support/token-tap.ts'

const config = {
  limits: limitsWith({ sign_ins_per_minute: 5 }),
  trusted_proxies: ['127.0.0.0/8'],
}

/** What is sent from one address behind a trusted proxy; each time from another port. */
let port = 50_000
function from(address: string, sent: Sent = {}): Sent {
  port += 1
  return { ...sent, headers: [...(sent.headers ?? []), ['X-Forwarded-For', `${address}:${port}`]] }
}

function assertTooMany(answer: Answer): void {
  assert.equal(answer.status, 429, answer.text)
  assert.match(answer.headers['retry-after'] ?? '', /^[1-9]\d?$/)
  assert.match(answer.text, /limits\.sign_ins_per_minute/)
}

const browsed = [
  { name: 'begin sign-ins', path: '/oauth/authorize?client_id=nobody' },
  { name: 'come back from the provider', path: '/oauth/callback?code=made-up&state=made-up' },
]
for (const { name, path } of browsed) {
  test(`an address may ${name} so often in a minute, whatever its port`, async (t) => {
    const { gateway } = await startBroker(t, { config })
    const ask = (address: string) => send(`${gateway.origin}${path}`, from(address))
    for (let i = 0; i < 5; i += 1) assert.equal((await ask('203.0.113.1')).status, 400)
    const refused = await ask('203.0.113.1')
    assertTooMany(refused)
    assert.match(refused.headers['content-type'] ?? '', /^text\/html/)
    assert.equal((await ask('203.0.113.2')).status, 400)
  })
}

function posted(change: Change): Sent {
  const headers = [['Content-Type', 'application/x-www-form-urlencoded']] as const
  return { method: 'POST', headers, body: form(change).toString() }
}

test('the provider is not asked for more codes of one address than sign_ins_per_minute', async (t) => {
  const entra = await startEntra(t)
  const tap = await tapTokenEndpoint(t, entra)
  const gateway = await startRelay(t, { entra, config })
  const url = `${gateway.origin}/oauth/token`
  const answers: Answer[] = []
  for (let i = 0; i < 12; i += 1) {
    answers.push(await send(url, from('203.0.113.1', posted(codeForm(`made-up-${i}`)))))
  }
  assert.equal(tap.received.length, 5)
  for (const answer of answers.slice(5)) assertTooMany(answer)
  const other = await send(url, from('203.0.113.2', posted(codeForm('made-up'))))
  assert.equal(other.status, 400)
  const refreshed = await send(url, from('203.0.113.1', posted(refreshForm('made-up'))))
  assert.equal(refreshed.status, 400, 'refreshes do not count here')
})

test('the provider is asked to refresh one session so often in a minute, and nothing is spent', async (t) => {
  const clock = new SimulatedClock(Date.now())
  const entra = await startEntra(t, { clock })
  const tap = await tapTokenEndpoint(t, entra)
  const gateway = await startRelay(t, { entra, clock, config })
  let { refresh } = await signedIn(gateway, 'alice')
  const other = await signedIn(gateway, 'bob')
  const asked = tap.received.length
  for (let i = 0; i < 5; i += 1) {
    const { status, body } = await postToken(gateway, refreshForm(refresh))
    assert.equal(status, 200, JSON.stringify(body))
    refresh = String(body['refresh_token'])
  }
  for (let i = 0; i < 3; i += 1) {
    assertTooMany(await send(`${gateway.origin}/oauth/token`, posted(refreshForm(refresh))))
  }
  assert.equal(tap.received.length, asked + 5)
  assert.equal((await postToken(gateway, refreshForm(other.refresh))).status, 200)
  await clock.advance(60_000)
  assert.equal((await postToken(gateway, refreshForm(refresh))).status, 200)
})
