import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { type TestContext, test } from 'node:test'
import { stringify } from 'smol-toml'
import { explainCommand } from '../../../src/cli/explain/explain.ts'
import { timeText } from '../../../src/cli/explain/explanation-text.ts'
import { holmes } from '../../environment/mock-entra/directory.ts'
import type { MintRequest } from '../../environment/mock-entra/mint.ts'
import type { MockEntra } from '../../environment/mock-entra/mock-entra.ts'
import { rolecallProgram } from '../../environment/program.ts'
import { configOf, fileWith, loadToml } from '../../support/configuration.ts'
import { startEntra, startGateway } from '../../support/gateway.ts'
import { post, send } from '../../support/raw-http.ts'
import { startUpstream } from '../../support/recording-upstream.ts'
import { recordingTerminal } from '../../support/terminal.ts'

type Changes = Readonly<Record<string, unknown>>

const path = '/etc/rolecall.toml'

function fileFor(entra: MockEntra, changes: Changes = {}): string {
  const provider = { kind: 'entra', tenant_id: entra.tenantId, authority: entra.origin }
  return stringify(fileWith({ identity_provider: provider, ...changes }))
}

interface Ran {
  readonly code: number
  readonly out: string
  readonly err: string
}

async function run(
  toml: string,
  argv: readonly string[],
  given: { readonly input?: string; readonly files?: Readonly<Record<string, string>> } = {},
): Promise<Ran> {
  const terminal = recordingTerminal({ [path]: toml, ...given.files }, {}, given.input ?? '')
  const code = await explainCommand(2000).run(['--config', path, ...argv], terminal)
  return { code, out: terminal.out(), err: terminal.err() }
}

/** Verdict and title of each check, in order. */
function rowsOf(out: string): (readonly [string, string])[] {
  return [...out.matchAll(/^(passed|failed|undecided|not reached) +(\S.*)$/gm)].map(
    ([, verdict = '', title = '']) => [verdict, title.replace(/ \([a-z_]+\)$/, '')] as const,
  )
}

function assertTokenIsHidden({ out, err }: Ran, token: string): void {
  for (const part of token.split('.').filter((one) => one.length > 8)) {
    assert.ok(!`${out}${err}`.includes(part), 'a part of the token is in the output')
  }
}

const old = Math.floor(Date.now() / 1000) - 60
const order = [
  'form',
  'algorithm',
  'header type',
  'critical header',
  'not a Microsoft Graph token',
  'issuer',
  'tenant',
  'not expired',
  'not before',
  'issued at',
  'signature',
  'not bound to a key',
  'token kind',
  'audience',
  'client',
  'subject',
  'user token',
  'scopes',
  'groups',
]

const rows: readonly (readonly [string, MintRequest, string | undefined, Changes?])[] = [
  ['a good token', {}, undefined],
  ['a token signed by nobody', { signature: 'none' }, 'form'],
  ['HS256 with the public key', { signature: 'HS256' }, 'algorithm'],
  ['another header type', { header: { typ: 'dpop+jwt' } }, 'header type'],
  ['a critical extension', { header: { crit: ['x'] } }, 'critical header'],
  ['a Graph token', { kind: 'graph' }, 'not a Microsoft Graph token'],
  ['another issuer', { claims: { iss: 'https://elsewhere.test/' } }, 'issuer'],
  ['another tenant', { claims: { tid: 'elsewhere' } }, 'tenant'],
  ['an expired token', { lifetime: -720 }, 'not expired'],
  ['a token of tomorrow', { claims: { nbf: old + 86_400 } }, 'not before'],
  ['a token from the future', { claims: { iat: old + 86_400 } }, 'issued at'],
  ['a key of nobody', { signature: 'foreign-key' }, 'signature'],
  ['an unknown key', { signature: 'unknown-key', claims: { iat: old } }, 'signature'],
  ['an edited signature', { signature: 'edited' }, 'signature'],
  ['a token bound to a key', { claims: { cnf: { jkt: 'x' } } }, 'not bound to a key'],
  ['an ID token', { kind: 'id' }, 'token kind'],
  ['another audience', { audience: 'api://elsewhere' }, 'audience'],
  [
    'another client',
    {},
    'client',
    { 'resource.0.allowed_clients': ['11111111-2222-4333-8444-555555555555'] },
  ],
  ['no subject', { claims: { sub: null } }, 'subject'],
  ["an application's token", { kind: 'app' }, 'user token'],
  ['a missing scope', {}, 'scopes', { 'resource.0.required_scopes': ['mcp.access'] }],
  [
    'a missing group',
    {},
    'groups',
    {
      'identity_provider.groups_claim': 'groups',
      'resource.0.required_groups': ['99099000-0000-4000-8000-000000000001'],
    },
  ],
]

for (const [name, request, failing, changes] of rows) {
  test(`${name}: ${failing ?? 'accepted'}`, async (t) => {
    const entra = await startEntra(t)
    const token = await entra.mint({ client: holmes.client_id, ...request })
    const toml = fileFor(entra, changes)
    const ran = await run(toml, [], { input: token })
    assertTokenIsHidden(ran, token)
    assert.equal(ran.code, failing === undefined ? 0 : 1, ran.out)
    const at = failing === undefined ? order.length : order.indexOf(failing)
    const expected = order.map((title, index) => {
      if (index === at) return ['failed', title]
      return [index < at ? 'passed' : 'not reached', title]
    })
    assert.deepEqual(rowsOf(ran.out), expected)
    assert.match(ran.out, failing === undefined ? /^Accepted\.$/m : /^Refused at: /m)
    await assertLikeARequest(t, { entra, toml, token, out: ran.out })
  })
}

/** What a request with this token is answered is what was explained. */
async function assertLikeARequest(
  t: TestContext,
  { entra, toml, token, out }: { entra: MockEntra; toml: string; token: string; out: string },
): Promise<void> {
  const upstream = await startUpstream(t)
  const { resources } = configOf(loadToml(toml))
  const served = resources.map((resource) => ({ ...resource, upstream: upstream.url }))
  const gateway = await startGateway(t, { entra, upstream: upstream.url, resources: served })
  const answer = await send(gateway.url, post(token))
  assert.equal(upstream.received.length === 1, out.includes('\nAccepted.'))
  if (answer.status === 200) {
    const isPolicy = answer.text.includes('"isError":true')
    assert.equal(isPolicy, out.includes('answered a JSON-RPC error, -32003.'))
    return
  }
  const { error, error_description: description } = answer.json()
  assert.ok(out.includes(`\nA request with it is answered ${answer.status} ${error}.`), out)
  const timeless = (text: unknown) => String(text).replace(/\d+ seconds/, 'some seconds')
  assert.ok(timeless(out).includes(`\n${timeless(description)}\n`), out)
}

test('it tells whose token it is, for which resource, and times in UTC and from now', async (t) => {
  const entra = await startEntra(t)
  const token = await entra.mint({ person: 'bob', lifetime: 1820 })
  const { out } = await run(fileFor(entra), [], { input: token })
  assert.match(out, /^resource {2}prod \(\/mcp\)$/m)
  assert.match(out, /^user {6}the cluster will know this user as bob@\S+$/m)
  assert.match(out, /^ends {6}\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ, in 30 minutes$/m)
})

test('a refused token is only said to be of whom it says', async (t) => {
  const entra = await startEntra(t)
  const token = await entra.mint({ person: 'bob', signature: 'foreign-key' })
  const { out } = await run(fileFor(entra), [], { input: token })
  assert.match(out, /^user {6}it says bob@\S+$/m)
})

const ways: readonly (readonly [string, (token: string) => string])[] = [
  ['alone', (token) => token],
  ['with a line break', (token) => `${token}\n`],
  ['with white space around it', (token) => `  \n${token}\r\n\n`],
  ['with Bearer before it', (token) => `Bearer ${token}\n`],
  ['as a header line', (token) => `authorization: bearer ${token}`],
]

for (const [name, write] of ways) {
  test(`the token is read ${name}, from standard input, by a hyphen and from a file`, async (t) => {
    const entra = await startEntra(t)
    const text = write(await entra.mint())
    const toml = fileFor(entra)
    assert.equal((await run(toml, [], { input: text })).code, 0)
    assert.equal((await run(toml, ['-'], { input: text })).code, 0)
    assert.equal((await run(toml, ['/token'], { files: { '/token': text } })).code, 0)
  })
}

test('a token as an argument is refused with the hint, and not printed', async (t) => {
  const entra = await startEntra(t)
  const token = await entra.mint()
  for (const argv of [[token], ['Bearer', token], [`Bearer ${token}`], ['--', token]]) {
    const ran = await run(fileFor(entra), argv)
    assert.equal(ran.code, 2)
    assert.match(ran.err, /never given as an argument/)
    assertTokenIsHidden(ran, token)
  }
  const opaque = await run(fileFor(entra), ['opaque-secret'])
  assert.equal(opaque.code, 2)
  assert.match(opaque.err, /cannot be read \(ENOENT\)\. A token is never given as an argument/)
  assert.ok(!opaque.err.includes('opaque-secret'))
})

test('no token, and more than one, is bad usage', async (t) => {
  const entra = await startEntra(t)
  const token = await entra.mint()
  assert.equal((await run(fileFor(entra), [], { input: ' \n' })).code, 2)
  const two = await run(fileFor(entra), [], { input: `${token}\n${token}\n` })
  assert.equal(two.code, 2)
  assertTokenIsHidden(two, token)
})

test('bad configuration and an unknown resource are bad usage', async (t) => {
  const entra = await startEntra(t)
  const input = await entra.mint()
  const wrong = await run(fileFor(entra, { 'resource.0.path': 'mcp' }), [], { input })
  assert.equal(wrong.code, 2)
  const unknown = await run(fileFor(entra), ['--resource', 'other'], { input })
  assert.equal(unknown.code, 2)
  assert.match(unknown.err, /there are: prod/)
  assert.equal((await run(fileFor(entra), ['--resource'], { input })).code, 2)
})

test('an opaque token is refused at its form', async (t) => {
  const entra = await startEntra(t)
  const { code, out } = await run(fileFor(entra), [], { input: 'an-opaque-secret' })
  assert.equal(code, 1)
  assert.deepEqual(rowsOf(out)[0], ['failed', 'form'])
  assert.ok(!out.includes('an-opaque-secret'))
})

test('without keys nothing is decided at the signature, and the reason is told', async (t) => {
  const entra = await startEntra(t)
  const token = await entra.mint()
  entra.outage('503')
  const ran = await run(fileFor(entra), [], { input: token })
  assert.equal(ran.code, 3)
  const undecided = rowsOf(ran.out).findIndex(([verdict]) => verdict === 'undecided')
  assert.equal(order[undecided], 'signature')
  assert.ok(
    rowsOf(ran.out)
      .slice(undecided + 1)
      .every(([verdict]) => verdict === 'not reached'),
  )
  assert.match(ran.out, /^Cannot be decided at: signature$/m)
  assert.equal(ran.err.match(/did not answer 200/g)?.length, 1, ran.err)
  assertTokenIsHidden(ran, token)
})

test('what needs no key is decided without one', async (t) => {
  const entra = await startEntra(t)
  const input = await entra.mint({ lifetime: -60 })
  entra.outage('reset')
  assert.equal((await run(fileFor(entra), [], { input })).code, 1)
})

test('of several resources it is the one that the audience fits, or the one that is named', async (t) => {
  const entra = await startEntra(t)
  const resource = (name: string, audience: string) => {
    return { name, path: `/${name}`, upstream: 'http://kms:8080/mcp', audiences: [audience] }
  }
  const toml = fileFor(entra, {
    resource: [resource('one', 'api://a'), resource('two', 'api://b')],
  })
  const input = await entra.mint({ audience: 'api://b' })
  const picked = await run(toml, [], { input })
  assert.match(picked.out, /^resource {2}two/m)
  assert.equal(picked.code, 0)
  const named = await run(toml, ['--resource=one'], { input })
  assert.match(named.out, /^resource {2}one/m)
  assert.equal(named.code, 1)
})

const moment = Date.parse('2026-11-23T10:00:00Z')
for (const [seconds, words] of [
  [-720, '2026-11-23T09:48:00Z, 12 minutes ago'],
  [-1, '2026-11-23T09:59:59Z, 1 second ago'],
  [90, '2026-11-23T10:01:30Z, in 1 minute'],
  [7200, '2026-11-23T12:00:00Z, in 2 hours'],
  [-172_800, '2026-11-21T10:00:00Z, 2 days ago'],
  [1e300, 'not a time'],
] as const) {
  test(`a time is told as ${words}`, () => {
    assert.equal(timeText(moment / 1000 + seconds, moment), words)
  })
}

test('as a process it reads standard input, and a token on the command line is refused', async (t) => {
  const entra = await startEntra(t)
  const token = await entra.mint()
  const folder = await mkdtemp(join(tmpdir(), 'rolecall-explain-'))
  t.after(() => rm(folder, { recursive: true }))
  const file = join(folder, 'rolecall.toml')
  await writeFile(file, fileFor(entra))
  const start = async (argv: readonly string[], input: string): Promise<Ran> => {
    const program = [...rolecallProgram, 'explain', '--config', file]
    const child = spawn(process.execPath, [...program, ...argv])
    child.stdin.on('error', () => undefined)
    child.stdin.end(input)
    const [out, err, [code]] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, 'close'),
    ])
    return { code, out, err }
  }
  const accepted = await start([], `Bearer ${token}\n`)
  assert.equal(accepted.code, 0, accepted.err)
  assert.match(accepted.out, /^Accepted\.$/m)
  const refused = await start([token], '')
  assert.equal(refused.code, 2)
  assertTokenIsHidden(accepted, token)
  assertTokenIsHidden(refused, token)
})
