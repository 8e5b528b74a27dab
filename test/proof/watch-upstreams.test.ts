import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { type TestContext, test } from 'node:test'
import { createLogger } from '../../src/observe/logger.ts'
import { createMetrics } from '../../src/observe/metrics/metrics.ts'
import { watchUpstreams } from '../../src/proof/watch-upstreams.ts'
import { freePort } from '../environment/ports.ts'
import { SimulatedClock } from '../support/clock.ts'
import { resourceConfig, startEntra, startGateway } from '../support/gateway.ts'
import { post, send } from '../support/raw-http.ts'
import { startUpstream } from '../support/recording-upstream.ts'
import { bodyOf, failure, followScript, type Script, success } from '../support/scripted-mcp.ts'

const passesThrough: Script = { call: () => failure('provide credentials') }
const isProof = (line: Record<string, unknown>) => line['kind'] === 'upstream_proof'

async function metricsOf(admin: { port: number }): Promise<string[]> {
  const { text } = await send(`http://127.0.0.1:${admin.port}/metrics`)
  return text.split('\n').filter((line) => line.startsWith('rolecall_upstream_identity{'))
}

const told = [
  ['caller', 'info', passesThrough],
  ['own', 'error', { call: () => success }],
  ['not_shown', 'warn', { list: { result: { tools: [] } } }],
] as const

for (const [verdict, level, script] of told) {
  test(`serve logs ${verdict} as ${level} and counts it`, async (t) => {
    const upstream = await startUpstream(t)
    followScript(upstream, script)
    const gateway = await startGateway(t, { upstream: upstream.url, probesUpstreams: true })
    const line = await gateway.logged(isProof)
    assert.equal(line['verdict'], verdict)
    assert.equal(line['level'], level)
    assert.equal(line['resource'], 'prod')
    assert.equal(typeof line['remedy'] === 'string', verdict !== 'caller')
    const counted = await metricsOf(gateway.service.adminAddress)
    const one = `rolecall_upstream_identity{resource="prod",verdict="${verdict}"} 1`
    assert.deepEqual(
      counted.filter((metric) => metric.endsWith(' 1')),
      [one],
    )
  })
}

test('an upstream that is configured to act as itself is told of, and not asked', async (t) => {
  const upstream = await startUpstream(t)
  const gateway = await startGateway(t, {
    upstream: upstream.url,
    resource: { upstream_identity: 'own' },
    probesUpstreams: true,
  })
  const line = await gateway.logged(isProof)
  assert.equal(line['verdict'], 'configured_own')
  assert.equal(line['level'], 'warn')
  assert.equal(upstream.received.length, 0)
})

test('an upstream that never answers keeps nobody waiting, and the stop ends the asking', async (t) => {
  const upstream = await startUpstream(t)
  const asked = new Promise<void>((resolve) => {
    upstream.answerWith(() => resolve())
  })
  const gateway = await startGateway(t, { upstream: upstream.url, probesUpstreams: true })
  await asked
  assert.equal((await send(`${gateway.origin}/`)).status, 200)
  const began = performance.now()
  await gateway.service.stop(AbortSignal.abort())
  assert.ok(performance.now() - began < 5000)
  assert.equal(gateway.log.filter(isProof).length, 0)
})

test("no probe carries a person's token, and no person's request is marked as one", async (t) => {
  const upstream = await startUpstream(t)
  followScript(upstream, passesThrough)
  const entra = await startEntra(t)
  const token = await entra.mint()
  const gateway = await startGateway(t, { upstream: upstream.url, entra, probesUpstreams: true })
  await send(gateway.url, post(token))
  await gateway.logged(isProof)
  await send(gateway.url, post(token))
  const probes = upstream.received.filter(({ headers }) =>
    / \(probe\)$/.test(headers['user-agent'] ?? ''),
  )
  const calls = upstream.received.filter((one) => !probes.includes(one))
  assert.equal(probes.length, 7)
  assert.equal(calls.length, 2)
  for (const { rawHeaders, body } of probes) {
    assert.ok(!`${rawHeaders.join('\n')}${body}`.includes(token))
  }
  for (const { headers } of calls) {
    assert.equal(headers.authorization, `Bearer ${token}`)
    assert.match(headers['user-agent'] ?? '', /\(req=/)
  }
})

async function watched(t: TestContext, port: number, count = 1) {
  const clock = new SimulatedClock()
  const lines: Record<string, unknown>[] = []
  let heard: () => void = () => undefined
  const log = createLogger('info', {
    write(text: string) {
      lines.push(JSON.parse(text))
      heard()
    },
  })
  const untilLine = async (count: number): Promise<void> => {
    while (lines.length < count) {
      await new Promise<void>((resolve) => {
        heard = resolve
      })
    }
  }
  const stop = watchUpstreams({
    resources: Array.from({ length: count }, () => resourceConfig(`http://127.0.0.1:${port}/mcp`)),
    tokens: () => ({ issuer: 'https://issuer.test/', algorithm: 'ES256' }),
    clock,
    version: '1',
    log,
    metrics: createMetrics('1'),
  })
  t.after(stop)
  return { clock, lines, untilLine, stop }
}

test('an upstream that is away is told of once, and asked again after growing pauses', async (t) => {
  const port = await freePort()
  const { clock, lines, untilLine } = await watched(t, port)
  await untilLine(1)
  assert.equal(lines[0]?.['verdict'], 'not_shown')
  const asked: number[] = []
  const server = createServer((request, response) => {
    asked.push(clock.now())
    request.socket.destroy()
    response.destroy()
  })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  const began = clock.now()
  while (asked.length < 4) {
    await clock.advance(1000)
    await new Promise((resolve) => setTimeout(resolve, 30))
  }
  const pauses = asked.map((at, index) => at - (asked[index - 1] ?? began))
  assert.ok(
    pauses.every((pause, index) => index === 0 || pause > (pauses[index - 1] ?? 0)),
    `${pauses}`,
  )
  assert.ok(lines.length <= 2, JSON.stringify(lines))
})

test('many upstreams are watched without a warning of Node.js, and all their asking ends', async (t) => {
  const warnings: Error[] = []
  const onWarning = (warning: Error) => void warnings.push(warning)
  process.on('warning', onWarning)
  t.after(() => process.off('warning', onWarning))
  const { clock, lines, untilLine, stop } = await watched(t, await freePort(), 20)
  await untilLine(20)
  stop()
  await clock.advance(3_600_000)
  assert.equal(lines.length, 20)
  assert.deepEqual(warnings, [])
})

test('a method that only reads is all that a probe calls', async (t) => {
  const upstream = await startUpstream(t)
  followScript(upstream, passesThrough)
  const gateway = await startGateway(t, { upstream: upstream.url, probesUpstreams: true })
  await gateway.logged(isProof)
  const methods = new Set(upstream.received.map((one) => bodyOf(one).method))
  assert.deepEqual([...methods].sort(), [
    'initialize',
    'notifications/initialized',
    'tools/call',
    'tools/list',
  ])
})
