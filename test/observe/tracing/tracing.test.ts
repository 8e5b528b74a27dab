import assert from 'node:assert/strict'
import { test } from 'node:test'
import { unservedTracing, wantsTraces } from '../../../src/observe/tracing/tracing.ts'
import { openMcpSession } from '../../environment/mcp-session.ts'
import { holmes } from '../../environment/mock-entra/directory.ts'
import { prepareServe, untilReady } from '../../support/fault-process.ts'
import { callFleet, scriptOf } from '../../support/fleet-calls.ts'
import { startEntra } from '../../support/gateway.ts'
import { type ReceivedSpan, startOtlpReceiver } from '../../support/otlp-receiver.ts'
import { startUpstream } from '../../support/recording-upstream.ts'
import { codeFor, codeForm, postToken } from '../../support/relay-gateway.ts'
import { bodyOf, followScript, success } from '../../support/scripted-mcp.ts'

const ENDPOINT = 'OTEL_EXPORTER_OTLP_ENDPOINT'
const CLIENT_TRACE = '0af7651916cd43dd8448eb211c80319c'
const CLIENT_SPAN = 'b7ad6b7169203331'

const asked: readonly (readonly [boolean, Record<string, string>])[] = [
  [false, {}],
  [true, { [ENDPOINT]: 'http://collector:4318' }],
  [true, { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://collector:4318/v1/traces' }],
  [false, { [ENDPOINT]: '' }],
  [false, { [ENDPOINT]: 'http://collector:4318', OTEL_SDK_DISABLED: 'TRUE' }],
  [true, { [ENDPOINT]: 'http://collector:4318', OTEL_SDK_DISABLED: 'false' }],
  [false, { [ENDPOINT]: 'http://collector:4318', OTEL_TRACES_EXPORTER: 'none' }],
  [true, { OTEL_TRACES_EXPORTER: 'otlp' }],
  [false, { OTEL_TRACES_EXPORTER: 'zipkin' }],
  [false, { OTEL_SERVICE_NAME: 'rolecall' }],
]

for (const [wanted, environment] of asked) {
  test(`${wanted ? 'traces' : 'no traces'} with ${JSON.stringify(environment)}`, () => {
    assert.equal(wantsTraces(environment), wanted)
  })
}

test('a protocol that is not spoken is told', () => {
  assert.equal(unservedTracing({ OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf' }), undefined)
  assert.match(String(unservedTracing({ OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' })), /4318/)
})

function only(spans: readonly ReceivedSpan[], fits: (span: ReceivedSpan) => boolean): ReceivedSpan {
  const found = spans.filter(fits)
  assert.equal(found.length, 1, JSON.stringify(spans.map(({ name }) => name)))
  return found[0] as ReceivedSpan
}

test('one trace leads from the MCP SDK through rolecall to the upstream, and from a sign-in', async (t) => {
  const collector = await startOtlpReceiver(t)
  const upstream = await startUpstream(t)
  followScript(upstream, { call: () => success })
  const entra = await startEntra(t)
  const { client_id, client_secret = '' } = holmes
  const serve = await prepareServe(t, {
    upstream: upstream.url,
    tenantId: entra.tenantId,
    authority: entra.origin,
    identityProvider: { client_id, client_secret },
    settings: { sign_in: { mode: 'relay', redirect_uris: ['robusta'] } },
    environment: {
      [ENDPOINT]: collector.endpoint,
      OTEL_SERVICE_NAME: 'the-gateway',
      OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=test',
      OTEL_BSP_SCHEDULE_DELAY: '50',
    },
  })
  const serving = await serve()
  await untilReady(serving)
  const probes = upstream.received.length
  const code = await codeFor(entra, 'alice')
  const { body } = await postToken({ origin: new URL(serving.url).origin }, codeForm(code))
  const token = String(body['access_token'])
  const session = await openMcpSession(serving.url, token, {
    fetch: (url, init) => {
      const headers = new Headers(init?.headers)
      headers.set('traceparent', `00-${CLIENT_TRACE}-${CLIENT_SPAN}-01`)
      headers.set('tracestate', 'vendor=value')
      return fetch(url, { ...init, headers })
    },
  })
  await session.call('namespaces_list', {})

  const isCall = ({ attributes }: ReceivedSpan) => attributes['gen_ai.tool.name'] !== undefined
  const spans = await collector.until(
    (all) => all.some(isCall) && all.some(({ name }) => name === 'sign-in token'),
  )
  const request = only(spans, isCall)
  assert.deepEqual([request.name, request.kind], ['POST /mcp', 2])
  assert.deepEqual([request.traceId, request.parentId], [CLIENT_TRACE, CLIENT_SPAN])
  assert.deepEqual(request.resource['service.name'], 'the-gateway')
  assert.deepEqual(request.resource['deployment.environment.name'], 'test')
  const { 'rolecall.request_id': requestId, ...attributes } = request.attributes
  assert.deepEqual(attributes, {
    'http.request.method': 'POST',
    'url.path': '/mcp',
    'http.response.status_code': 200,
    'rolecall.decision': 'allow',
    'rolecall.resource': 'prod',
    'rolecall.outcome': 'ok',
    'mcp.method.name': 'tools/call',
    'gen_ai.tool.name': 'namespaces_list',
  })
  const parts = spans.filter(({ parentId }) => parentId === request.spanId)
  assert.deepEqual(parts.map(({ name, kind }) => [name, kind]).sort(), [
    ['forward', 3],
    ['judge', 1],
  ])
  const forward = only(parts, ({ name }) => name === 'forward')
  const judge = only(parts, ({ name }) => name === 'judge')
  assert.ok(judge.start <= judge.end && judge.end <= forward.start + 1_000_000n)
  assert.ok(forward.start <= forward.end && forward.end <= request.end + 1_000_000n)

  const received = upstream.received
    .slice(probes)
    .find(({ headers }) => String(headers['user-agent']).includes(String(requestId)))
  assert.equal(received?.headers['traceparent'], `00-${CLIENT_TRACE}-${forward.spanId}-01`)
  assert.equal(received?.headers['tracestate'], 'vendor=value')

  const step = only(spans, ({ name }) => name === 'sign-in token')
  const tokenRequest = only(spans, ({ spanId }) => spanId === step.parentId)
  assert.equal(tokenRequest.name, 'POST')
  await session.close()
  process.kill(serving.pid, 'SIGTERM')
  await serving.exited
  const lines = serving.log().split('\n')
  assert.ok(
    lines.some(
      (line) =>
        line.includes('"kind":"request"') &&
        line.includes(`"request_id":"${requestId}"`) &&
        line.includes(`"trace_id":"${CLIENT_TRACE}"`),
    ),
  )

  for (const secret of [token, code, client_secret, 'alice']) {
    assert.ok(!collector.text().includes(secret), 'a span holds a token, code, secret or user')
  }
})

test('each call of a fleet to a cluster is a span of its own, which that cluster gets', async (t) => {
  const collector = await startOtlpReceiver(t)
  const upstreams = { prod: await startUpstream(t), dev: await startUpstream(t) }
  for (const upstream of Object.values(upstreams)) followScript(upstream, scriptOf())
  const entra = await startEntra(t)
  const serve = await prepareServe(t, {
    upstream: upstreams.prod.url,
    tenantId: entra.tenantId,
    authority: entra.origin,
    settings: { fleet: { path: '/fleet/mcp', resources: ['*'] } },
    furtherResources: {
      dev: { path: '/dev', upstream: upstreams.dev.url },
      gone: { path: '/gone', upstream: 'http://127.0.0.1:9/mcp' },
    },
    environment: { [ENDPOINT]: collector.endpoint, OTEL_BSP_SCHEDULE_DELAY: '50' },
  })
  const serving = await serve()
  await untilReady(serving)
  const asked = {
    url: `${new URL(serving.url).origin}/fleet/mcp`,
    token: await entra.mint(),
    headers: {
      traceparent: `00-${CLIENT_TRACE}-${CLIENT_SPAN}-01`,
      tracestate: 'vendor=value',
    },
  }
  for (const cluster of ['gone', '*']) await callFleet(asked, 'pods_list', { cluster })
  const isTold = ({ attributes }: ReceivedSpan) => attributes['rolecall.resource'] === 'fleet'
  const spans = await collector.until((all) => all.filter(isTold).length === 2)
  const [request] = spans.filter(isTold).toSorted((a, b) => (a.end < b.end ? 1 : -1))
  assert.deepEqual([request?.traceId, request?.parentId], [CLIENT_TRACE, CLIENT_SPAN])
  const calls = spans.filter(
    ({ parentId, name }) => parentId === request?.spanId && name === 'forward',
  )
  const of = (cluster: string, method: string) =>
    only(
      calls,
      ({ attributes }) =>
        Object.is(attributes['rolecall.cluster'], cluster) &&
        Object.is(attributes['mcp.method.name'], method),
    )
  for (const [cluster, upstream] of Object.entries(upstreams)) {
    const call = of(cluster, 'tools/call')
    assert.equal(call.kind, 3)
    assert.deepEqual(call.attributes, {
      'rolecall.cluster': cluster,
      'mcp.method.name': 'tools/call',
      'http.response.status_code': 200,
      'rolecall.outcome': 'ok',
    })
    for (const method of ['tools/list', 'tools/call']) {
      const received = upstream.received.find(
        (one) =>
          one.headers.authorization === `Bearer ${asked.token}` && bodyOf(one).method === method,
      )
      const { spanId } = of(cluster, method)
      assert.equal(received?.headers['traceparent'], `00-${CLIENT_TRACE}-${spanId}-01`)
      assert.equal(received?.headers['tracestate'], 'vendor=value')
    }
  }
  const outcomes = spans
    .filter(({ attributes }) => attributes['rolecall.cluster'] === 'gone')
    .map(({ attributes }) => attributes['rolecall.outcome'])
  assert.deepEqual(new Set(outcomes), new Set(['unreachable']))
  assert.ok(!collector.text().includes(asked.token) && !collector.text().includes('alice'))
})

test('without a client trace a line has the trace of the span', async (t) => {
  const collector = await startOtlpReceiver(t)
  const entra = await startEntra(t)
  const serve = await prepareServe(t, {
    upstream: 'http://127.0.0.1:9/mcp',
    tenantId: entra.tenantId,
    authority: entra.origin,
    environment: { [ENDPOINT]: collector.endpoint, OTEL_BSP_SCHEDULE_DELAY: '60000' },
  })
  const serving = await serve()
  await untilReady(serving)
  await fetch(serving.url, { method: 'POST', headers: { 'content-type': 'application/json' } })
  process.kill(serving.pid, 'SIGTERM')
  await serving.exited
  // What waits is sent at a stop.
  const [span] = collector.spans
  assert.equal(span?.attributes['http.response.status_code'], 401)
  assert.ok(serving.log().includes(`"trace_id":"${span?.traceId}"`))
})

/** Says of the module with the SDK that it is loaded, from its source and from the bundle alike. */
const hooks = `data:text/javascript,${encodeURIComponent(`
import { writeSync } from 'node:fs'
export function load(url, context, next) {
  if (/\\/open-telemetry[.-][^/]*$/.test(url)) writeSync(1, 'loaded: the SDK\\n')
  return next(url, context)
}`)}`
const tellsLoaded = `data:text/javascript,${encodeURIComponent(`
import { register } from 'node:module'
register(${JSON.stringify(hooks)})`)}`

for (const wanted of [true, false]) {
  test(`the SDK is ${wanted ? '' : 'not '}loaded where the environment asks for ${wanted ? '' : 'no '}traces`, async (t) => {
    const entra = await startEntra(t)
    const serve = await prepareServe(t, {
      upstream: 'http://127.0.0.1:9/mcp',
      tenantId: entra.tenantId,
      authority: entra.origin,
      environment: {
        ...(wanted && { [ENDPOINT]: 'http://127.0.0.1:9' }),
        NODE_OPTIONS: `--import ${tellsLoaded}`,
      },
    })
    const serving = await serve()
    await untilReady(serving)
    process.kill(serving.pid, 'SIGTERM')
    await serving.exited
    assert.equal(serving.log().includes('loaded: the SDK'), wanted)
  })
}
