import assert from 'node:assert/strict'
import { Agent, request } from 'node:http'
import { type TestContext, test } from 'node:test'
import { limitsWith } from '../../support/defaults.ts'
import { startGateway } from '../../support/gateway.ts'
import { post } from '../../support/raw-http.ts'
import { startUpstream } from '../../support/recording-upstream.ts'
import { answerWithSilence, openStream } from '../../support/silent-streams.ts'

/** An upstream whose GET is a silent stream, and whose POST answers at once. */
async function start(t: TestContext) {
  const upstream = await startUpstream(t)
  const left = answerWithSilence(upstream)
  const gateway = await startGateway(t, {
    upstream: upstream.url,
    config: { limits: limitsWith({ streams_per_user: 1000 }) },
  })
  return { upstream, gateway, left, token: await gateway.entra.mint() }
}

test('with 1,000 open streams a call takes at most half as long again at the 95th percentile', async (t) => {
  const { gateway, token, left } = await start(t)
  const agent = new Agent({ maxSockets: 2000 })
  const keepAlive = new Agent({ keepAlive: true, maxSockets: 1 })
  t.after(() => {
    agent.destroy()
    keepAlive.destroy()
  })
  const round = async () => {
    const times: number[] = []
    for (let i = 0; i < 150; i += 1) {
      const began = performance.now()
      await call(gateway.url, token, keepAlive)
      times.push(performance.now() - began)
    }
    return times.sort((a, b) => a - b)[Math.floor(times.length * 0.95)] ?? Number.NaN
  }
  // The best of several rounds: what else this machine does at the time is not rolecall's.
  const p95 = async () => {
    const rounds: number[] = []
    for (let i = 0; i < 8; i += 1) rounds.push(await round())
    return Math.min(...rounds)
  }
  await p95() // warms up
  const without = await p95()
  for (let opened = 0; opened < 1000; opened += 100) {
    await Promise.all(Array.from({ length: 100 }, () => openStream(gateway, token, agent)))
  }
  assert.equal(left.length, 1000)
  const withStreams = await p95()
  // Half a millisecond is beneath what a timer on a shared machine can tell.
  assert.ok(
    withStreams <= without * 1.5 + 0.5,
    `p95 ${withStreams.toFixed(2)} ms with streams, ${without.toFixed(2)} ms without`,
  )
  t.diagnostic(`p95 ${without.toFixed(2)} ms without, ${withStreams.toFixed(2)} ms with streams`)
})

function call(url: string, token: string, agent: Agent): Promise<void> {
  return new Promise((resolve, reject) => {
    const client = request(url, {
      agent,
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    })
    client.on('error', reject)
    client.on('response', (response) => response.resume().on('end', resolve))
    client.end(post(token).body)
  })
}
