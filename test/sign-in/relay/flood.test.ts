import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { type TestContext, test } from 'node:test'
import { Agent, fetch } from 'undici'
import { LogRateLimit } from '../../../src/observe/log-rate-limit.ts'
import { SimulatedClock } from '../../support/clock.ts'
import { limitsWith } from '../../support/defaults.ts'
import { type Gateway, startEntra } from '../../support/gateway.ts'
import {
  type Change,
  codeFor,
  codeForm,
  form,
  postToken,
  refreshForm,
  signedIn,
  startRelay,
} from '../../support/relay-gateway.ts'
import { tapTokenEndpoint } from '../../support/token-tap.ts'

async function start(t: TestContext) {
  const clock = new SimulatedClock(Date.now())
  const entra = await startEntra(t, { clock })
  const tap = await tapTokenEndpoint(t, entra)
  // The provider is to be reached by more than an address may bring it.
  const config = { limits: limitsWith({ sign_ins_per_minute: 1000 }) }
  const gateway = await startRelay(t, { entra, clock, config })
  return { clock, entra, tap, gateway }
}

/** Posts all of them, so many at once; what they were answered, without the request ids. */
async function flood(
  t: TestContext,
  { origin }: Gateway,
  forms: readonly Change[],
  connections = 20,
): Promise<ReadonlyMap<string, number>> {
  const agent = new Agent({ connections })
  t.after(() => agent.destroy())
  const answers = new Map<string, number>()
  const bodies = forms.map((one) => form(one).toString())
  const headers = { 'content-type': 'application/x-www-form-urlencoded' }
  const worker = async (): Promise<void> => {
    for (let body = bodies.pop(); body !== undefined; body = bodies.pop()) {
      const url = `${origin}/oauth/token`
      const response = await fetch(url, { method: 'POST', body, headers, dispatcher: agent })
      const { request_id: _, ...rest } = (await response.json()) as Record<string, unknown>
      const answer = JSON.stringify([response.status, rest])
      answers.set(answer, (answers.get(answer) ?? 0) + 1)
    }
  }
  await Promise.all(Array.from({ length: connections }, worker))
  return answers
}

test('a flood of dead refresh tokens is answered alike and cheaply, and nobody else notices', async (t) => {
  const { gateway, entra, tap, clock } = await start(t)
  const dead = await signedIn(gateway, 'alice')
  const used = await signedIn(gateway, 'alice')
  const bob = await signedIn(gateway, 'bob')
  await postToken(gateway, refreshForm(used.refresh))
  await clock.advance(60_000)
  entra.revoke('alice')
  const before = { asked: tap.received.length, lines: gateway.log.length }
  const flooding = flood(t, gateway, [
    ...Array(700).fill(refreshForm(dead.refresh)),
    ...Array(600).fill(refreshForm(used.refresh)),
    ...Array.from({ length: 700 }, (_, i) => refreshForm(`made-up-${i}`)),
  ])
  let refresh = bob.refresh
  for (let i = 0; i < 10; i += 1) {
    const { status, body } = await postToken(gateway, refreshForm(refresh))
    assert.equal(status, 200, JSON.stringify(body))
    refresh = String(body['refresh_token'])
  }
  const again = await signedIn(gateway, 'carol')
  assert.ok(again.access)
  const answers = [...(await flooding)].map(([text, count]) => {
    const [status, body] = JSON.parse(text)
    return [status, body.error, count, body.error_description]
  })
  assert.deepEqual(
    answers.map(([status, error, count]) => [status, error, count]).sort(),
    [
      [400, 'invalid_grant', 600],
      [400, 'invalid_grant', 700],
      [400, 'invalid_grant', 700],
    ],
    JSON.stringify(answers),
  )
  const theirs = 10 + 1 // bob's refreshes and carol's code
  assert.equal(tap.received.length - before.asked, theirs + 1, 'the dead one was asked for once')
  const lines = gateway.log.slice(before.lines)
  const counts = (kind: string) => {
    const of = lines.filter((line) => line['kind'] === kind)
    return [of.filter(({ decision }) => decision === 'refuse').length, of.length]
  }
  assert.deepEqual(counts('request'), [30, 30 + theirs])
  assert.deepEqual(counts('sign_in'), [30, 30 + theirs])
  assert.equal(lines.length, 2 * (30 + theirs))
  await clock.advance(60_000)
  const left = await gateway.logged((line) => line['kind'] === 'token')
  assert.equal(left['not_logged'], 1970)
})

test('the next minute has lines of its own, and a quiet one is told nothing of', async (t) => {
  const { gateway, clock } = await start(t)
  const refused = () => gateway.log.filter(({ status }) => status === 400).length
  const counts = () => gateway.log.filter(({ kind }) => kind === 'token')
  await flood(t, gateway, Array(40).fill(refreshForm('x')))
  assert.equal(refused(), 30)
  await clock.advance(60_000)
  assert.deepEqual(
    counts().map((line) => line['not_logged']),
    [10],
  )
  await flood(t, gateway, Array(30).fill(refreshForm('x')))
  assert.equal(refused(), 60)
  await clock.advance(60_000)
  assert.equal(counts().length, 1)
})

test('made-up codes reach the provider, and fill neither its answers nor ours into the log', async (t) => {
  const { gateway, tap, clock } = await start(t)
  const before = gateway.log.length
  const answers = await flood(
    t,
    gateway,
    Array.from({ length: 100 }, (_, i) => codeForm(`made-up-${i}`)),
  )
  assert.equal([...answers.values()].length, 1, [...answers.keys()].join())
  assert.equal(tap.received.length, 100)
  assert.equal(gateway.log.length - before, 60)
  await clock.advance(60_000)
  const provider = await gateway.logged(
    (line) => line['kind'] === 'sign_in' && 'not_logged' in line,
  )
  assert.equal(provider['not_logged'], 70)
})

test('of made-up codes 64 at most are at a slow provider at once, and sessions go on meanwhile', async (t) => {
  const { gateway, entra, tap } = await start(t)
  const { refresh } = await signedIn(gateway, 'alice')
  const code = await codeFor(entra, 'bob')
  const before = tap.received.length
  const held: ServerResponse[] = []
  const arrived = new Promise<void>((resolve) => {
    tap.answerWith((request, response) => {
      const isCode = tap.forms().at(-1)?.get('grant_type') === 'authorization_code'
      if (!isCode || held.length === 64) tap.passOn(request, response)
      else if (held.push(response) === 64) resolve()
    })
  })
  const codes = Array.from({ length: 64 }, (_, i) => codeForm(`made-up-${i}`))
  const under = flood(t, gateway, codes, 64)
  await arrived
  const beyond = await flood(
    t,
    gateway,
    Array.from({ length: 300 }, (_, i) => codeForm(`more-${i}`)),
  )
  assert.deepEqual(
    [...beyond].map(([text, count]) => [JSON.parse(text)[0], JSON.parse(text)[1].error, count]),
    [[503, 'temporarily_unavailable', 300]],
  )
  const theirs = await postToken(gateway, codeForm(code))
  assert.equal(theirs.status, 503)
  assert.equal(theirs.headers.get('retry-after'), '5')
  assert.equal((await postToken(gateway, refreshForm(refresh))).status, 200)
  assert.equal(tap.received.length - before, 64 + 1, 'what was held, and the refresh')
  tap.answerWith(undefined)
  for (const response of held) response.writeHead(400).end('{"error":"invalid_grant"}')
  await under
  assert.equal((await postToken(gateway, codeForm(code))).status, 200, 'nothing was spent')
})

test('successful redemptions are all logged, during a flood too', async (t) => {
  const { gateway } = await start(t)
  await flood(t, gateway, Array(50).fill(refreshForm('x')))
  const { refresh } = await signedIn(gateway, 'alice')
  await postToken(gateway, refreshForm(refresh))
  assert.equal(gateway.log.filter(({ status }) => status === 200).length, 2)
})

test('a budget gives thirty lines a minute, and tells what was left out', async () => {
  const clock = new SimulatedClock()
  const told: number[] = []
  const budget = new LogRateLimit(clock, (left) => told.push(left))
  const spend = (times: number) =>
    Array.from({ length: times }, () => budget.spend()).filter(Boolean).length
  assert.equal(spend(100), 30)
  await clock.advance(59_999)
  assert.deepEqual([spend(1), told], [0, []])
  await clock.advance(1)
  assert.deepEqual(told, [71])
  await clock.advance(3_600_000)
  assert.deepEqual([spend(30), told], [30, [71]])
  await clock.advance(60_000)
  assert.deepEqual(told, [71])
})
