import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { parse, stringify } from 'smol-toml'
import { command as check } from '../../../src/cli/check/check.ts'
import { createAuthority } from '../../environment/certificates.ts'
import { configOf, fileWith, loadToml, NO_SIGN_IN } from '../../support/configuration.ts'
import { recordingTerminal } from '../../support/terminal.ts'

const secret = 'A'.repeat(43)
let files: Record<string, string> = {}
before(async () => {
  const authority = await createAuthority('Check Test')
  const server = await authority.issue({ names: ['localhost'] })
  files = {
    '/ca': authority.certificate,
    '/cert': server.certificate,
    '/key': server.key,
    '/secret': 'hunter2',
  }
})

async function run(changes: Record<string, unknown>, argv: readonly string[] = []) {
  const path = '/etc/rolecall.toml'
  const terminal = recordingTerminal({ ...files, [path]: stringify(fileWith(changes)) })
  const code = await check.run(['--config', path, ...argv], terminal)
  return { code, out: terminal.out(), err: terminal.err() }
}

test('check prints the effective configuration and ends with 0', async () => {
  const { code, out, err } = await run({ 'limits.body_bytes': 7 }, ['--shutdown-delay', '90s'])
  assert.equal(code, 0)
  assert.match(err, NO_SIGN_IN)
  assert.equal(err.match(/^warning: /gm)?.length, 1)
  const printed = parse(out)
  assert.equal(printed['public_url'], 'http://localhost:8080')
  assert.equal(printed['shutdown_delay'], '90s')
  const limits = printed['limits'] as Record<string, unknown>
  assert.equal(limits['body_bytes'], 7)
  assert.equal(limits['body_timeout'], '30s')
})

test('what check prints loads again, to the same', async () => {
  const { out } = await run({ 'limits.body_bytes': 7, internal_hosts: ['a:1'] })
  const again = configOf(loadToml(out))
  assert.deepEqual(
    again,
    configOf(loadToml(stringify(fileWith({ 'limits.body_bytes': 7, internal_hosts: ['a:1'] })))),
  )
})

test('a text with ${ in it is printed so that it loads as the same text', async () => {
  const changes = {
    'identity_provider.user_claim': `$\${a}`,
    'resource.0.audiences': [`api://$\${b`],
  }
  const { out } = await run(changes)
  const config = configOf(loadToml(out))
  assert.equal(config.identity_provider.user_claim, `\${a}`)
  assert.deepEqual(config.resources[0]?.audiences, [`api://\${b`])
})

test('in relay the values of HolmesGPT follow as a comment, and the whole stays TOML', async () => {
  const relay = {
    sealing_keys: secret,
    'sign_in.mode': 'relay',
    'sign_in.redirect_uris': ['robusta'],
    'identity_provider.client_id': 'x',
    'identity_provider.client_secret_file': '/secret',
  }
  const { code, out, err } = await run(relay)
  assert.equal(code, 0, err)
  assert.equal(err, '')
  const printed = parse(out)
  assert.ok('resource' in printed)
  const [, comment = ''] = out.split('\n\n# ')
  assert.match(comment, /^The values of HolmesGPT/)
  for (const line of comment.split('\n').slice(1, -1)) assert.match(line, /^#( .*\S)?$/)
  assert.match(comment, /^#\s+resource: ""$/m)
  assert.doesNotMatch(out, /hunter2/)
})

test('in off nothing follows', async () => {
  assert.doesNotMatch((await run({})).out, /#/)
})

test('warnings go to stderr', async () => {
  const { code, out, err } = await run({ unsafe_any_origin: true })
  assert.equal(code, 0)
  assert.match(err, /^warning: unsafe_any_origin is on/)
  assert.doesNotMatch(out, /warning/)
})

test('every problem goes to stderr at once, and the code is 2', async () => {
  const { code, out, err } = await run({ listen: 5, lisen: 'x', shutdown_delay: 5 })
  assert.equal(code, 2)
  assert.equal(out, '')
  assert.equal(err.match(/^error: /gm)?.length, 3)
})

test('secrets are masked, certificates are told by their subject', async () => {
  const { code, out, err } = await run({
    sealing_keys: secret,
    tls_certificate_file: '/cert',
    tls_key_file: '/key',
    'identity_provider.certificate_authority_file': '/ca',
    'identity_provider.client_id': 'x',
    'identity_provider.client_secret_file': '/secret',
    'resource.0.allowed_clients': ['x'],
    'sign_in.mode': 'off',
  })
  assert.equal(code, 0, err)
  assert.match(out, /sealing_keys = \[ "\*{8}" \]/)
  assert.match(out, /certificate_authority = "CN=Check Test \(sha256 [0-9a-f]{16}…\)"/)
  assert.doesNotMatch(`${out}${err}`, new RegExp(`${secret}|hunter2|BEGIN|PRIVATE`))
})

test('bad usage is code 2, too', async () => {
  const { code, err } = await run({}, ['--upstrem', 'x'])
  assert.equal(code, 2)
  assert.match(err, /Did you mean "--upstream"/)
})
