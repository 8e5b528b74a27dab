import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import {
  auditLineSchema,
  logLineSchema,
  notLoggedLineSchema,
  operationKinds,
  operationLineSchema,
  questionLineSchema,
  requestLineSchema,
  signInLineSchema,
} from '../../src/observe/log-lines.ts'
import { DEFAULTS } from '../support/defaults.ts'
import { startEntra, startGateway } from '../support/gateway.ts'
import { post, send, toolCall } from '../support/raw-http.ts'
import { startUpstream } from '../support/recording-upstream.ts'

const read = (path: string) =>
  readFileSync(new URL(`../../deploy/${path}`, import.meta.url), 'utf8')

test('deploy/log.schema.json is the schema of the lines', () => {
  const now = logLineSchema()
  const message = `write this to deploy/log.schema.json: ${JSON.stringify(now)}`
  assert.deepEqual(JSON.parse(read('log.schema.json')), now, message)
})

test('deploy/logs.md names every member of the lines, and none that is not there', () => {
  const page = read('logs.md')
  const listed = [...page.matchAll(/^\| `(\w+)` \|/gm)].map(([, name]) => name)
  const schemas = [auditLineSchema, requestLineSchema, questionLineSchema, signInLineSchema]
  const members = schemas.flatMap(({ shape }) => Object.keys(shape))
  assert.deepEqual(listed.toSorted(), [...new Set(members)].toSorted())
})

test('every line of a request is as the schema says, whatever came of the request', async (t) => {
  const upstream = await startUpstream(t)
  const [ok, own] = ['prod', 'own'].map((name) => ({ name, path: `/${name}` }))
  const gateway = await startGateway(t, {
    upstream: upstream.url,
    config: { log_level: 'debug', audit: { ...DEFAULTS.audit, arguments: ['a'] } },
  })
  const [resource] = gateway.config.resources
  assert.ok(resource)
  await gateway.service.reload({
    ...gateway.config,
    resources: [
      { ...resource, ...ok },
      { ...resource, ...own, upstream_identity: 'own' },
      { ...resource, name: 'closed', path: '/closed', required_groups: ['none'] },
    ],
  })
  const token = await gateway.entra.mint()
  const trace = ['traceparent', '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'] as const
  const traced = { ...post(token, toolCall('a')), headers: [...(post(token).headers ?? []), trace] }
  const requests = [
    traced,
    post(token, `[${toolCall('a')},${toolCall('b')}]`),
    post(token, '{"id":1,"method":"ping"}'),
    post(token, '{'),
    post(undefined),
    post('garbage'),
    { ...post(token), method: 'DELETE' },
    { ...post(token), method: 'PUT' },
  ]
  const paths = ['/prod', '/own', '/closed', '/nowhere', '/prod?access_token=a']
  for (const path of paths) {
    for (const request of requests) await send(`${gateway.origin}${path}`, request)
  }
  const lines = () => gateway.log.filter(({ kind }) => kind === 'request' || kind === 'audit')
  await gateway.logged(() => lines().filter(({ kind }) => kind === 'request').length === 40)
  for (const line of lines()) {
    const schema = line['kind'] === 'audit' ? auditLineSchema : requestLineSchema
    const parsed = schema.safeParse(line)
    assert.ok(parsed.success, `${JSON.stringify(line)}\n${parsed.error}`)
  }
  const seen = new Set(lines().flatMap((line) => Object.keys(line)))
  const never = new Set(['client_id', 'client_name', 'cluster', 'shadow_decision', 'shadow_reason'])
  for (const name of Object.keys(auditLineSchema.shape)) {
    assert.ok(seen.has(name) || never.has(name), `${name} was never seen`)
  }
  const audits = lines().filter(({ kind }) => kind === 'audit')
  assert.equal(audits.length, 9, 'one for each call of the three resources, and no other')
  assert.equal(audits[0]?.['trace_id'], '0af7651916cd43dd8448eb211c80319c')
})

test('each kind of line in the source is in the schema, and on the page', () => {
  const root = fileURLToPath(new URL('../../src', import.meta.url))
  const sources = readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts'))
    .map((path) => readFileSync(join(root, path), 'utf8'))
  const written = sources.flatMap((text) =>
    [...text.matchAll(/log(?:\.\w+|\[[^\]]*\])\(\s*\{\s*kind: '(\w+)'/g)].map(
      ([, kind = '']) => kind,
    ),
  )
  const known: readonly string[] = [
    ...Object.keys(operationKinds),
    ...notLoggedLineSchema.shape.kind.options,
  ]
  assert.ok(written.length > 20)
  for (const kind of written) assert.ok(known.includes(kind), kind)
  for (const kind of Object.keys(operationKinds)) assert.ok(written.includes(kind), kind)
  const page = read('logs.md')
  for (const [kind, what] of Object.entries(operationKinds)) {
    assert.ok(page.includes(`- \`${kind}\`: ${what}\n`), kind)
  }
})

test('lines about the process are as the schema says', async (t) => {
  const entra = await startEntra(t)
  entra.outage('reset')
  const upstream = 'http://127.0.0.1:9/mcp'
  const store = { redis_url: 'redis://127.0.0.1:9' }
  const gateway = await startGateway(t, {
    upstream,
    entra,
    cold: true,
    probesUpstreams: true,
    config: { store, log_level: 'debug' },
  })
  const kinds = ['identity_provider', 'store', 'upstream_proof']
  for (const kind of kinds) await gateway.logged((line) => line['kind'] === kind)
  const lines = gateway.log.filter(({ kind }) => kinds.includes(String(kind)))
  for (const line of lines) {
    const parsed = operationLineSchema.safeParse(line)
    assert.ok(parsed.success, `${JSON.stringify(line)}\n${parsed.error}`)
  }
})
