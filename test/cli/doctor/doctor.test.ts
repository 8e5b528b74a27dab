import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { stringify } from 'smol-toml'
import { command as doctor } from '../../../src/cli/doctor/doctor.ts'
import { clockCheck } from '../../../src/cli/doctor/provider.ts'
import type { DoctorCheck } from '../../../src/cli/doctor/report.ts'
import { connectionWords, exposureFinding } from '../../../src/cli/doctor/resource.ts'
import { holmes } from '../../environment/mock-entra/directory.ts'
import type { MockEntra } from '../../environment/mock-entra/mock-entra.ts'
import { freePort } from '../../environment/ports.ts'
import { fileWith } from '../../support/configuration.ts'
import { resourceConfig, startEntra, startGateway } from '../../support/gateway.ts'
import { signingKey, startIssuerServer } from '../../support/issuer-server.ts'
import { type RecordingUpstream, startUpstream } from '../../support/recording-upstream.ts'
import { failure, followScript, type Script, status, success } from '../../support/scripted-mcp.ts'
import { recordingTerminal } from '../../support/terminal.ts'

const path = '/etc/rolecall.toml'
const passesThrough: Script = { call: () => failure('provide credentials') }

interface Patient {
  readonly entra: MockEntra
  readonly upstream: RecordingUpstream
  readonly publicUrl: string
  readonly file: Record<string, unknown>
}

/** Everything that a doctor could wish for: provider, upstream and a served public_url. */
async function healthy(t: TestContext, script: Script = passesThrough): Promise<Patient> {
  const entra = await startEntra(t)
  const upstream = await startUpstream(t)
  followScript(upstream, script)
  const gateway = await startGateway(t, { entra, upstream: upstream.url })
  const provider = { kind: 'entra', tenant_id: entra.tenantId, authority: entra.origin }
  const file = fileWith({
    public_url: gateway.origin,
    identity_provider: provider,
    'resource.0.upstream': upstream.url,
  })
  return { entra, upstream, publicUrl: gateway.origin, file }
}

interface Ran {
  readonly code: number
  readonly out: string
  readonly err: string
}

async function run(
  file: Record<string, unknown>,
  argv: readonly string[] = [],
  files: Readonly<Record<string, string>> = {},
): Promise<Ran> {
  const terminal = recordingTerminal({ [path]: stringify(file), ...files })
  const code = await doctor.run(['--config', path, ...argv], terminal)
  return { code, out: terminal.out(), err: terminal.err() }
}

async function examine(file: Record<string, unknown>, argv: readonly string[] = []) {
  const { code, out } = await run(file, ['--json', ...argv])
  const report = JSON.parse(out) as { outcome: string; checks: DoctorCheck[] }
  const check = (name: string): DoctorCheck => {
    const found = report.checks.find((one) => one.name === name)
    return found ?? assert.fail(`no check ${name} in ${out}`)
  }
  return { code, ...report, check }
}

function withResource(file: Record<string, unknown>, over: Record<string, unknown>) {
  const [resource] = file['resource'] as Record<string, unknown>[]
  return { ...file, resource: [{ ...resource, ...over }] }
}

test('when all is well every check is ok, causes come before consequences, and it ends with 0', async (t) => {
  const { file } = await healthy(t)
  const { client_id, client_secret } = holmes
  const provider = { ...(file['identity_provider'] as object), client_id, client_secret }
  const relay = { mode: 'relay', redirect_uris: ['robusta'] }
  const signsIn = { ...file, identity_provider: provider, sign_in: relay }
  const { code, outcome, checks } = await examine({ ...signsIn, sealing_keys: 'A'.repeat(43) })
  assert.deepEqual(
    checks.map(({ name, verdict, remedy }) => [name, verdict, remedy]),
    [
      ['configuration', 'ok', undefined],
      ['discovery', 'ok', undefined],
      ['keys', 'ok', undefined],
      ['clock', 'ok', undefined],
      ['credential', 'ok', undefined],
      ['redirect URI', 'ok', undefined],
      ['upstream connection', 'ok', undefined],
      ['upstream identity', 'ok', undefined],
      ['public_url', 'ok', undefined],
      ['ingress', 'ok', undefined],
    ],
    JSON.stringify(checks, null, 2),
  )
  assert.equal(outcome, 'ok')
  assert.equal(code, 0)
})

test('the report for people is a table: verdict, check, sentence, and the remedy below', async (t) => {
  const { file } = await healthy(t, { call: () => success })
  const { code, out } = await run(file)
  assert.equal(code, 1)
  const lines = out.trimEnd().split('\n')
  const failed = lines.findIndex((line) => line.startsWith('failed'))
  assert.match(lines[failed] ?? '', /^failed {7}upstream identity of prod +It acts as itself/)
  assert.match(lines[failed + 1] ?? '', /^ {13,}→ Let it use the token of each request/)
  assert.equal(lines.at(-1), '1 failed, 1 warning, 6 ok.')
})

test('an upstream that acts as itself is a failure with the remedy', async (t) => {
  const { file } = await healthy(t, { call: () => success })
  const { code, check } = await examine(file)
  assert.equal(check('upstream identity').verdict, 'failed')
  assert.match(check('upstream identity').remedy ?? '', /require_oauth = true/)
  assert.equal(code, 1)
})

test('an upstream of which nothing is shown is a warning', async (t) => {
  const { file } = await healthy(t, { list: { result: { tools: [] } } })
  const { code, check } = await examine(file)
  assert.equal(check('upstream identity').verdict, 'warning')
  assert.match(check('upstream identity').remedy ?? '', /probe_tool/)
  assert.equal(code, 0)
})

test('an upstream that is configured to act as itself is a warning', async (t) => {
  const { file } = await healthy(t)
  const own = { upstream_identity: 'own', unsafe_upstream_identity: true }
  const { check } = await examine(withResource(file, own))
  assert.equal(check('upstream identity').verdict, 'warning')
  assert.match(check('upstream identity').sentence, /as upstream_identity = "own" says/)
})

test('an upstream that is away is a failure', async (t) => {
  const { file } = await healthy(t)
  const upstream = `http://127.0.0.1:${await freePort()}/mcp`
  const { code, check } = await examine(withResource(file, { upstream }))
  assert.equal(check('upstream connection').verdict, 'failed')
  assert.match(check('upstream connection').sentence, /ECONNREFUSED/)
  assert.equal(check('upstream identity').verdict, 'not reached')
  assert.equal(check('upstream identity').remedy, 'See upstream connection.')
  assert.equal(code, 1)
})

test('a warning of the configuration is one of the checks', async (t) => {
  const { file } = await healthy(t)
  const { code, check } = await examine(withResource(file, { allowed_clients: [] }))
  assert.equal(check('configuration').verdict, 'warning')
  assert.match(check('configuration').sentence, /allowed_clients/)
  assert.equal(code, 0)
})

test('a provider that is away leaves the rest undecided and ends with 3', async (t) => {
  const { entra, file } = await healthy(t)
  for (const outage of ['503', 'reset'] as const) {
    entra.outage(outage)
    const { code, outcome, check } = await examine(file)
    for (const name of ['discovery', 'keys']) {
      assert.equal(check(name).verdict, 'not reached', name)
      assert.ok(check(name).remedy)
    }
    assert.equal(check('upstream identity').verdict, 'ok')
    assert.equal(outcome, 'undecided')
    assert.equal(code, 3)
  }
})

test("a provider's clock that is ahead says that ours is behind", async (t) => {
  const { file } = await healthy(t)
  const server = await startIssuerServer([await signingKey('one')])
  t.after(() => server.close())
  const { body } = server.discovery as { body: unknown }
  server.discovery = (_request, response) => {
    response.setHeader('date', new Date(Date.now() + 90_000).toUTCString())
    response.setHeader('content-type', 'application/json').end(JSON.stringify(body))
  }
  const provider = { kind: 'oidc', issuer: server.issuer }
  const { code, check } = await examine({ ...file, identity_provider: provider })
  assert.equal(check('clock').verdict, 'failed')
  assert.match(check('clock').sentence, /^It is (89|90) s behind the identity provider's\.$/)
  assert.equal(code, 1)
})

test('another issuer in the discovery document is a failure', async (t) => {
  const { entra, file } = await healthy(t)
  entra.wrongIssuer('https://elsewhere.test/')
  const { code, check } = await examine(file)
  assert.equal(check('discovery').verdict, 'failed')
  assert.match(check('discovery').sentence, /names issuer https:\/\/elsewhere\.test\/, not http/)
  assert.match(check('discovery').remedy ?? '', /tenant_id and cloud/)
  assert.equal(check('keys').verdict, 'not reached')
  assert.equal(code, 1)
})

test('a provider that offers no algorithm that is taken is told with both lists', async (t) => {
  const { file } = await healthy(t)
  const server = await startIssuerServer([await signingKey('one')])
  t.after(() => server.close())
  const { body } = server.discovery as { body: object }
  const provider = { kind: 'oidc', issuer: server.issuer }
  for (const [offered, verdict] of [
    [['ES256', 'EdDSA'], 'warning'],
    [['ES256', 'RS256'], undefined],
    [[], undefined],
    [undefined, undefined],
    [7, undefined],
    [{ RS256: true }, undefined],
  ] as const) {
    server.discovery = { body: { ...body, id_token_signing_alg_values_supported: offered } }
    const { checks } = await examine({ ...file, identity_provider: provider })
    const found = checks.find(({ name }) => name === 'algorithms')
    assert.equal(found?.verdict, verdict)
    if (found === undefined) continue
    assert.equal(
      found.sentence,
      'The provider offers ES256, EdDSA, and signing_algorithms takes RS256.',
    )
    assert.match(found.remedy ?? '', /signing_algorithms/)
  }
})

test('an issuer of access tokens that is another is told, until it is taken (AD FS)', async (t) => {
  const { file } = await healthy(t)
  const server = await startIssuerServer([await signingKey('one')])
  t.after(() => server.close())
  const named = 'http://adfs.example.com/adfs/services/trust'
  server.discovery = {
    body: { ...(server.discovery as { body: object }).body, access_token_issuer: named },
  }
  const provider = { kind: 'oidc', issuer: server.issuer }
  const before = await examine({ ...file, identity_provider: provider })
  assert.equal(before.check('token issuers').verdict, 'warning')
  assert.match(before.check('token issuers').remedy ?? '', /token_issuers = \["http:\/\/adfs/)
  const taken = withResource({ ...file, identity_provider: provider }, { token_issuers: [named] })
  const { checks } = await examine(taken)
  assert.equal(
    checks.some(({ name }) => name === 'token issuers'),
    false,
  )
})

test('an empty key set is told', async (t) => {
  const { file } = await healthy(t)
  const server = await startIssuerServer([])
  t.after(() => server.close())
  const provider = { kind: 'oidc', issuer: server.issuer }
  const { check, code } = await examine({ ...file, identity_provider: provider })
  assert.equal(check('keys').verdict, 'failed')
  assert.equal(check('keys').sentence, 'the key set is empty.')
  assert.equal(code, 1)
})

test('keys are counted, with what they are for', async (t) => {
  const { entra, file } = await healthy(t)
  const { check } = await examine(file)
  assert.equal(check('keys').sentence, `${entra.keyIds().published.length} usable, for RS256.`)
})

test("the mock's keys behind a public name are a failure", async (t) => {
  const { file } = await healthy(t)
  const { code, check } = await examine({ ...file, public_url: 'https://mcp.rolecall.invalid' })
  assert.equal(check('keys').verdict, 'failed')
  assert.match(check('keys').sentence, /mock identity provider/)
  assert.equal(check('public_url').verdict, 'warning')
  assert.equal(code, 1)
})

test('a public_url that leads to something else is a failure: clients are led there', async (t) => {
  const { entra, file } = await healthy(t)
  const { code, check } = await examine({ ...file, public_url: entra.origin })
  assert.equal(check('public_url').verdict, 'failed')
  assert.match(check('public_url').sentence, /answers 404/)
  assert.equal(check('ingress').remedy, 'See public_url.')
  assert.equal(code, 1)
})

test('a token is explained for each resource, and never printed', async (t) => {
  const { entra, file } = await healthy(t)
  const good = await entra.mint()
  const bad = await entra.mint({ lifetime: -60 })
  const accepted = await run(file, ['--token-file', '/token'], { '/token': `Bearer ${good}\n` })
  assert.match(accepted.out, /^ok {11}token of prod +It is accepted\.$/m)
  assert.equal(accepted.code, 0)
  const refused = await run(file, ['--token-file', '/token'], { '/token': bad })
  assert.match(refused.out, /^failed {7}token of prod +The token expired 6\d seconds ago/m)
  assert.equal(refused.code, 1)
  for (const part of [...good.split('.'), ...bad.split('.')]) {
    assert.ok(!`${accepted.out}${accepted.err}${refused.out}${refused.err}`.includes(part))
  }
})

const allow = [
  { tools: ['namespaces_*'] },
  { tools: ['namespace_list', 'pods_delete', '*'], groups: ['g'] },
]

test('a rule that names a tool that is not there is a warning, with its setting', async (t) => {
  const { entra, file, upstream } = await healthy(t)
  const token = await entra.mint()
  const files = { '/token': token }
  const ruled = withResource(file, { allow })
  const argv = ['--json', '--token-file', '/token']
  const { code, out } = await run(ruled, argv, files)
  assert.equal(code, 0, out)
  const { checks } = JSON.parse(out) as { checks: DoctorCheck[] }
  const found = checks.filter(({ name }) => name === 'tool rules')
  assert.deepEqual(
    found.map(({ resource, verdict }) => [resource, verdict]),
    [
      ['prod', 'warning'],
      ['prod', 'warning'],
    ],
  )
  const [typo, missing] = found
  assert.match(typo?.sentence ?? '', /^resource\[0\]\.allow\[1\]\.tools names "namespace_list"/)
  assert.match(typo?.remedy ?? '', /Did you mean "namespaces_list"\?$/)
  assert.match(missing?.remedy ?? '', /It has: namespaces_list\.$/)
  const lists = upstream.received.filter(({ headers }) => headers.authorization?.includes(token))
  assert.ok(lists.length > 0)
  for (const { headers, body } of lists) {
    assert.match(String(headers['user-agent']), /\(req=doctor-tools\)$/)
    assert.ok(!body.includes('tools/call'))
  }
  const right = await run(withResource(file, { allow: allow.slice(0, 1) }), argv, files)
  assert.match(right.out, /Each tool that the rules name is there/)
  followScript(upstream, { ...passesThrough, list: status(500) })
  const unknown = await run(ruled, argv, files)
  assert.match(unknown.out, /gives no list of them \(status_500\)/)
})

test('a token without the claim of user_claim is a warning, with what it has instead', async (t) => {
  const { entra, file } = await healthy(t)
  const provider = (user_claim: string) => ({
    ...file,
    identity_provider: { ...(file['identity_provider'] as object), user_claim },
  })
  const argv = ['--token-file', '/token']
  const files = { '/token': await entra.mint() }
  const { out, code } = await run(provider('email'), argv, files)
  assert.equal(code, 0)
  assert.match(
    out,
    /^warning {6}token of prod +It is accepted, and does not have the claim "email"/m,
  )
  assert.match(
    out,
    /→ Set identity_provider\.user_claim .* this token has upn, unique_name, oid, sub\./,
  )
  assert.match((await run(provider('oid'), argv, files)).out, /^ok {11}token of prod/m)
})

test('a token that fits one resource of several is only a warning at the others', async (t) => {
  const { entra, file } = await healthy(t)
  const [first] = file['resource'] as Record<string, unknown>[]
  const other = { ...first, name: 'other', path: '/other', audiences: ['api://other'] }
  const { out } = await run({ ...file, resource: [first, other] }, ['--token-file', '/token'], {
    '/token': await entra.mint(),
  })
  assert.match(out, /^ok {11}token of prod/m)
  assert.match(out, /^warning {6}token of other/m)
})

test("a person's token never goes up where no rule names a tool, whatever is asked", async (t) => {
  const { entra, file, upstream } = await healthy(t)
  const token = await entra.mint()
  await run(file, ['--token-file', '/token'], { '/token': token })
  assert.ok(upstream.received.length > 0)
  for (const { rawHeaders, body } of upstream.received) {
    assert.ok(!`${rawHeaders.join('\n')}${body}`.includes(token))
    assert.match(rawHeaders.join('\n'), /rolecall\/\S+ \(probe\)/)
  }
})

test('bad usage and bad configuration end with 2, without a token in the output', async (t) => {
  const { entra, file } = await healthy(t)
  const token = await entra.mint()
  for (const argv of [['--token-file', token], [token], ['--jsn'], ['--token-file']]) {
    const { code, out, err } = await run(file, argv)
    assert.equal(code, 2)
    assert.ok(!`${out}${err}`.includes(token.slice(0, 30)))
  }
  assert.equal((await run(withResource(file, { path: 'x' }))).code, 2)
})

for (const [seconds, verdict, words] of [
  [0, 'ok', /agrees/],
  [1, 'ok', /agrees/],
  [-20, 'ok', /20 s ahead of/],
  [30, 'ok', /30 s behind/],
  [31, 'warning', /31 s behind/],
  [-60, 'warning', /60 s ahead of/],
  [61, 'failed', /61 s behind/],
  [undefined, 'warning', /no date to compare/],
] as const) {
  test(`a provider's clock ${seconds} s ahead: ${verdict}`, () => {
    const check = clockCheck(seconds === undefined ? undefined : seconds * 1000, true)
    assert.equal(check.verdict, verdict)
    assert.match(check.sentence, words)
    assert.equal(check.remedy === undefined, verdict === 'ok')
  })
}

for (const [upstream, words] of [
  ['https://8.8.8.8/mcp', /8\.8\.8\.8, an address of the internet/],
  ['https://[2001:4860:4860::8888]/mcp', /an address of the internet/],
  ['http://10.0.0.1:8080/mcp', undefined],
  ['http://localhost:8080/mcp', undefined],
] as const) {
  test(`an upstream at ${upstream} ${words ? 'is told to be open' : 'is not'}`, async () => {
    const finding = await exposureFinding(resourceConfig(upstream))
    assert.equal(finding?.verdict, words && 'warning')
    if (words) assert.match(finding?.sentence ?? '', words)
    const upstream_client_certificate = { certificate: '', key: '' }
    const guarded = resourceConfig(upstream, { upstream_client_certificate })
    assert.equal(await exposureFinding(guarded), undefined)
  })
}

const now = Date.parse('2026-11-23T10:00:00Z')
const tls = (days: number, verified = true) => {
  return { kind: 'tls', verified, endsAt: now + days * 86_400_000 } as const
}
for (const [name, connection, verdict] of [
  ['plain http', { kind: 'plain' }, 'ok'],
  ['a certificate of 14 days', tls(14), 'ok'],
  ['a certificate of 13 days', tls(13), 'warning'],
  ['a certificate that is not verified', tls(90, false), 'warning'],
  ['a certificate that has ended', { kind: 'failed', code: 'CERT_HAS_EXPIRED' }, 'failed'],
  ['an unknown authority', { kind: 'failed', code: 'SELF_SIGNED_CERT_IN_CHAIN' }, 'failed'],
  ['a name that nobody knows', { kind: 'failed', code: 'ENOTFOUND' }, 'failed'],
] as const) {
  test(`an upstream with ${name}: ${verdict}`, () => {
    const words = connectionWords(connection, now)
    assert.equal(words.verdict, verdict)
    assert.equal(words.remedy === undefined, verdict === 'ok')
  })
}
