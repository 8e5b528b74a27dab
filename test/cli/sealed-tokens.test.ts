import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { stringify } from 'smol-toml'
import type { Command } from '../../src/cli/command.ts'
import { command as doctor } from '../../src/cli/doctor/doctor.ts'
import { explainCommand } from '../../src/cli/explain/explain.ts'
import { holmes } from '../environment/mock-entra/directory.ts'
import { configOf, fileWith, loadToml } from '../support/configuration.ts'
import { startEntra } from '../support/gateway.ts'
import { handedOut, sealingKey } from '../support/handed-out.ts'
import { recordingTerminal } from '../support/terminal.ts'

type Changes = Readonly<Record<string, unknown>>

const path = '/etc/rolecall.toml'
const [prod, dev] = ['prod', 'dev'].map((name) => ({
  name,
  path: `/${name}`,
  upstream: 'http://127.0.0.1:9/mcp',
  audiences: ['6dae42f8-4368-4678-94ff-3960e28e3630'],
  allowed_clients: ['*'],
}))

/** A rolecall in mode relay with two resources, which hands out sealed tokens. */
async function start(t: TestContext, changes: Changes = {}) {
  const entra = await startEntra(t)
  const toml = stringify(
    fileWith({
      sealing_keys: [sealingKey],
      identity_provider: {
        kind: 'entra',
        tenant_id: entra.tenantId,
        authority: entra.origin,
        client_id: holmes.client_id,
      },
      sign_in: { mode: 'relay', tokens: 'sealed' },
      resource: [prod, dev],
      ...changes,
    }),
  )
  const config = configOf(loadToml(toml))
  const run = async (command: Command, argv: readonly string[], token: string) => {
    const terminal = recordingTerminal({ [path]: toml, '/token': token }, {})
    const code = await command.run(['--config', path, ...argv], terminal)
    return { code, out: terminal.out(), err: terminal.err() }
  }
  return {
    entra,
    sealed: (token: string, names?: readonly string[]) => handedOut({ config }, token, names),
    explained: (token: string, ...argv: string[]) =>
      run(explainCommand(2000), [...argv, '/token'], token),
    doctored: (token: string) => run(doctor, ['--token-file', '/token'], token),
  }
}

test('explain opens a sealed token, says so, and goes on with the one inside', async (t) => {
  const { entra, sealed, explained } = await start(t)
  const inside = await entra.mint({ person: 'bob' })
  const token = await sealed(inside, ['dev'])
  const { code, out, err } = await explained(`Bearer ${token}\n`)
  assert.equal(code, 0, out)
  assert.match(out, /^resource {2}dev \(\/dev\)$/m)
  assert.match(out, /^user {6}the cluster will know this user as bob@/m)
  const [first = '', , found = '', second = ''] = out.split('\n\n')[1]?.split('\n') ?? []
  assert.match(first, /^passed +sealed \(sign_in\.tokens\)$/)
  assert.match(found, /found +one; it was opened, and the rest is about the token inside$/)
  assert.match(second, /^passed +form$/)
  assert.match(out, /^passed +audience \(audiences\)$/m)
  assert.match(out, /^Accepted\.$/m)
  for (const part of `${token}.${inside}`.split('.').filter((one) => one.length > 8)) {
    assert.ok(!`${out}${err}`.includes(part))
  }
})

test('explain finds what is wrong with the token inside', async (t) => {
  const { entra, sealed, explained } = await start(t)
  const { code, out } = await explained(await sealed(await entra.mint({ lifetime: -60 })))
  assert.equal(code, 1)
  assert.match(out, /^passed +sealed/m)
  assert.match(out, /^Refused at: not expired$/m)
})

test("explain refuses the provider's own token, and one for another resource, as a request is", async (t) => {
  const { entra, sealed, explained } = await start(t)
  const inside = await entra.mint()
  const elsewhere = await explained(await sealed(inside, ['dev']), '--resource', 'prod')
  assert.match(elsewhere.out, /^not reached +form$/m)
  const own = await explained(inside)
  assert.match(own.out, /^passed +form$/m)
  assert.match(own.out, /\nNothing else is wrong with it: .* inside a sealed one is accepted\.\n$/)
  const ended = await explained(await entra.mint({ lifetime: -60 }))
  assert.match(ended.out, /\nInside a sealed one it is refused too, at: not expired\.\n$/)
  for (const ran of [elsewhere, own, ended]) {
    assert.equal(ran.code, 1)
    assert.match(ran.out, /^failed +sealed \(sign_in\.tokens\)$/m)
    assert.match(
      ran.out,
      /^Refused at: sealed\nThis server takes only the tokens that it hands out itself .+\nSetting: sign_in\.tokens\nA request with it is answered 401 invalid_token\.$/m,
    )
  }
})

test('without sealing_keys nobody but the running rolecall can open one, and that is said', async (t) => {
  const { entra, explained, doctored } = await start(t, { sealing_keys: [] })
  const { sealed } = await start(t)
  const token = await sealed(await entra.mint())
  const ran = await explained(token)
  assert.equal(ran.code, 3)
  assert.equal(ran.out, '')
  assert.match(ran.err, /^It cannot be opened here: sealing_keys are not set.*rolecall keygen/)
  const report = await doctored(token)
  assert.match(report.out, /^not reached {2}token +It cannot be opened here/m)
  assert.equal((await explained(await entra.mint())).code, 1)
})

test('where clients hold the token itself, a sealed one is refused at its form', async (t) => {
  const { entra, explained } = await start(t, { sign_in: { mode: 'relay', tokens: 'passthrough' } })
  const { sealed } = await start(t)
  const ran = await explained(await sealed(await entra.mint()))
  assert.equal(ran.code, 1)
  assert.match(ran.out, /^failed +form$/m)
  assert.ok(!ran.out.includes('sign_in.tokens'))
})

test('doctor judges a sealed token for each resource', async (t) => {
  const { entra, sealed, doctored } = await start(t)
  const { out } = await doctored(await sealed(await entra.mint(), ['dev']))
  assert.match(out, /^ok {11}token of dev +It is accepted\.$/m)
  assert.match(out, /^warning {6}token of prod +This server takes only/m)
})
