import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'
import { command as check } from '../../src/cli/check/check.ts'
import { recordingTerminal } from '../support/terminal.ts'
import { withHelm } from './support/availability.ts'
import { renderChart } from './support/helm.ts'
import { mountedFiles } from './support/mounted.ts'

const SCRIPT = fileURLToPath(new URL('../../deploy/entra/register.sh', import.meta.url))
const PROGRAMS = fileURLToPath(new URL('entra/bin', import.meta.url))
const AKS = '6dae42f8-4368-4678-94ff-3960e28e3630'
const GRAPH = '00000003-0000-0000-c000-000000000000'
const CLIENT = '22222222-3333-4444-8555-666666666666'
const SECRET = 'a.secret~VALUE'

const published = {
  [AKS]: ['user.read'],
  [GRAPH]: ['openid', 'profile', 'email', 'offline_access'],
}

function principal(appId: keyof typeof published): object {
  const scopes = published[appId] ?? []
  return {
    id: `sp-of-${appId}`,
    appId,
    oauth2PermissionScopes: scopes.map((value) => ({ value, id: `${appId}/${value}` })),
  }
}

/** A tenant with an AKS cluster, in which rolecall is unknown. */
const TENANT = {
  tenantId: '11111111-2222-4333-8444-555555555555',
  nextAppId: CLIENT,
  nextPassword: SECRET,
  published,
  apps: [] as object[],
  principals: [principal(AKS), principal(GRAPH)],
  grants: [],
  assignments: [],
  clusters: {
    'group/prod': { oidcIssuerProfile: { issuerUrl: 'https://oidc.example.com/prod/' } },
  },
}

interface Tenant {
  /** Runs the script there. */
  run(...parameters: string[]): { code: number | null; out: string; said: string }
  /** What was changed so far, one command each. */
  changes(): readonly string[]
  state(): typeof TENANT & { apps: Application[] }
  readonly folder: string
}

interface Application {
  readonly web: { readonly redirectUris: readonly string[] }
  readonly federations: readonly object[]
  readonly groupMembershipClaims: string | null
}

function tenant(t: TestContext, changed: object = {}): Tenant {
  const folder = mkdtempSync(join(tmpdir(), 'rolecall-entra-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const state = join(folder, 'state.json')
  const log = join(folder, 'log')
  writeFileSync(state, JSON.stringify({ ...TENANT, ...changed }))
  writeFileSync(log, '')
  return {
    folder,
    run: (...parameters) => {
      const { status, stdout, stderr } = spawnSync(SCRIPT, parameters, {
        encoding: 'utf8',
        env: {
          PATH: `${PROGRAMS}:${process.env['PATH']}`,
          FAKE_AZ_STATE: state,
          FAKE_AZ_LOG: log,
          FAKE_KUBECTL: folder,
        },
      })
      return { code: status, out: stdout, said: stderr }
    },
    changes: () => readFileSync(log, 'utf8').split('\n').slice(0, -1),
    state: () => JSON.parse(readFileSync(state, 'utf8')),
  }
}

const relay = ['--mode', 'relay']
const broker = ['--mode', 'broker', '--public-url', 'https://mcp.example.com']
const workload = ['--credential', 'workload-identity', '--cluster', 'group/prod']
const group = '33333333-4444-4555-8666-777777777777'

/** What each mode needs, in order, as the script tells it. */
const STEPS = [
  /register the application rolecall with the redirect URI https:\S+$/,
  /add the application rolecall to the tenant$/,
  /add the delegated permission user\.read of Azure Kubernetes Service AAD Server$/,
  /consent to user\.read of Azure Kubernetes Service AAD Server for the whole tenant$/,
  /add the delegated permission openid of Microsoft Graph$/,
  /add the delegated permission profile of Microsoft Graph$/,
  /add the delegated permission email of Microsoft Graph$/,
  /add the delegated permission offline_access of Microsoft Graph$/,
  /consent to openid profile email offline_access of Microsoft Graph for the whole tenant$/,
]
const SECRET_STEP =
  /make a client secret for a year, into the Secret rolecall-client of namespace \w+ in prod-eu$/
const TRUST_STEP =
  /trust tokens of system:serviceaccount:\w+:rolecall from https:\/\/oidc\.example\.com\/prod\/$/

const CASES = {
  'relay, secret': { parameters: relay, last: SECRET_STEP },
  'relay, workload identity': { parameters: [...relay, ...workload], last: TRUST_STEP },
  'broker, secret': { parameters: broker, last: SECRET_STEP },
  'broker, workload identity': { parameters: [...broker, ...workload], last: TRUST_STEP },
}

function assertTold(said: string, steps: readonly RegExp[], begin: RegExp): void {
  const told = said.split('\n').filter((line) => begin.test(line))
  assert.equal(told.length, steps.length, said)
  for (const [index, step] of steps.entries()) assert.match(told[index] ?? '', step)
}

for (const [name, { parameters, last }] of Object.entries(CASES)) {
  test(`${name}: a dry run changes nothing, and says what would be done`, (t) => {
    const here = tenant(t)
    const { code, said, out } = here.run(...parameters)
    assert.equal(code, 0, said)
    assertTold(said, [...STEPS, last], /^would /)
    assert.match(said, /nothing was changed; 10 changes are to be made: run it again with --apply/)
    assert.deepEqual(here.changes(), [])
    assert.deepEqual(here.state(), TENANT)
    assert.match(out, /client_id: <CLIENT_ID>/)
  })

  test(`${name}: it is done once, and then nothing is left to do`, (t) => {
    const here = tenant(t)
    const first = here.run(...parameters, '--apply')
    assert.equal(first.code, 0, first.said)
    assertTold(first.said, [...STEPS, last], /^(register|add|consent|make|trust) /)
    const done = here.changes()
    assert.equal(done.length, 10)
    const second = here.run(...parameters, '--apply')
    assert.equal(second.code, 0, second.said)
    assert.match(second.said, /^everything is as it should be$/m)
    assert.deepEqual(here.changes(), done)
    assert.equal(second.out, first.out)
  })
}

test('the secret goes to the cluster, and nowhere else', (t) => {
  const here = tenant(t)
  const { out, said } = here.run(...relay, '--apply')
  assert.equal(readFileSync(join(here.folder, 'secret'), 'utf8'), SECRET)
  assert.ok(!`${out}${said}${here.changes().join()}`.includes(SECRET))
})

test('a secret that ends within a month is followed by a new one, and the old one stays', (t) => {
  const here = tenant(t)
  here.run(...relay, '--apply')
  const { apps } = here.state()
  const soon = new Date(Date.now() + 10 * 24 * 3600 * 1000).toISOString()
  const [app] = apps
  const changed = { ...app, credentials: [{ displayName: 'rolecall', endDateTime: soon }] }
  const later = tenant(t, { ...here.state(), apps: [changed] })
  writeFileSync(join(later.folder, 'secret'), 'old')
  later.run(...relay, '--apply')
  assert.equal(readFileSync(join(later.folder, 'secret'), 'utf8'), SECRET)
  assert.equal(later.changes().length, 1)
  assert.match(later.changes()[0] ?? '', /credential reset .* --append/)
})

test('a cluster without the Secret gets one, though the registration has a good secret', (t) => {
  const here = tenant(t)
  here.run(...relay, '--apply')
  const other = tenant(t, here.state())
  other.run(...relay, '--apply')
  assert.ok(existsSync(join(other.folder, 'secret')))
})

test('a redirect URI is added to those that are there', (t) => {
  const here = tenant(t)
  here.run(...relay, '--apply')
  here.run(...relay, '--region', 'eu', '--apply')
  assert.deepEqual(here.state().apps[0]?.web.redirectUris, [
    'https://platform.robusta.dev/oauth/callback.html',
    'https://platform.eu.robusta.dev/oauth/callback.html',
  ])
})

test('a redirect URI under another platform than Web is refused with what to do', (t) => {
  const uri = 'https://platform.robusta.dev/oauth/callback.html'
  const here = tenant(t)
  here.run(...relay, '--apply')
  const [app] = here.state().apps
  const changed = { ...app, web: { redirectUris: [] }, spa: { redirectUris: [uri] } }
  const later = tenant(t, { ...here.state(), apps: [changed] })
  const { code, said } = later.run(...relay, '--apply')
  assert.equal(code, 1)
  assert.match(said, /under another platform than Web, .*AADSTS9002327\): remove it there/)
  assert.deepEqual(later.changes(), [])
})

test('a federated credential follows the service account', (t) => {
  const here = tenant(t)
  here.run(...relay, ...workload, '--apply')
  const { said } = here.run(...relay, ...workload, '--namespace', 'other', '--apply')
  assert.match(
    said,
    /trust tokens of system:serviceaccount:other:rolecall .*, no longer of ".*:holmes:rolecall/,
  )
  assert.deepEqual(here.state().apps[0]?.federations, [
    {
      name: 'rolecall',
      issuer: 'https://oidc.example.com/prod/',
      subject: 'system:serviceaccount:other:rolecall',
      audiences: ['api://AzureADTokenExchange'],
    },
  ])
})

test('a tenant that never had an AKS cluster gets its server application', (t) => {
  const here = tenant(t, { principals: [principal(GRAPH)] })
  assert.match(
    here.run(...relay).said,
    /^would add the application Azure Kubernetes Service AAD Server/m,
  )
  const { code, said } = here.run(...relay, '--apply')
  assert.equal(code, 0, said)
})

test('who may not consent is told where it stopped', (t) => {
  const { code, said } = tenant(t, { mayConsent: false }).run(...relay, '--apply')
  assert.equal(code, 1)
  assert.match(
    said,
    /Insufficient privileges[\s\S]*could not consent to user\.read .* Nothing after it was done\./,
  )
})

test('a cluster without an OIDC issuer is told the command that makes one', (t) => {
  const clusters = { 'group/prod': { oidcIssuerProfile: { issuerUrl: null } } }
  const { code, said } = tenant(t, { clusters }).run(...relay, ...workload)
  assert.equal(code, 1)
  assert.match(said, /az aks update --resource-group group --name prod --enable-oidc-issuer/)
})

test('only who is assigned may sign in, and each is assigned once', (t) => {
  const here = tenant(t)
  const assigned = [
    ...broker,
    '--assign',
    group,
    '--assign',
    'somebody',
    '--groups-claim',
    '--apply',
  ]
  assert.equal(here.run(...assigned).code, 0)
  const done = here.changes()
  assert.equal(done.length, 10 + 1 + 1 + 2)
  assert.equal(here.run(...assigned).code, 0)
  assert.deepEqual(here.changes(), done)
  assert.equal(here.state().apps[0]?.groupMembershipClaims, 'SecurityGroup')
})

for (const [parameters, words] of [
  [[], /--mode is missing: relay, broker or off/],
  [['--mode', 'proxy'], /--mode proxy is none/],
  [['--mode', 'broker'], /--public-url is "": write the origin/],
  [['--mode', 'broker', '--public-url', 'http://x'], /--public-url is "http:\/\/x"/],
  [
    [...relay, '--credential', 'workload-identity'],
    /--cluster is missing: write it as RESOURCE_GROUP\/NAME/,
  ],
  [[...relay, '--credential', 'certificate'], /--credential certificate is none/],
  [[...relay, '--region', 'us-east'], /--region us-east is none: us, eu or ap/],
  [[...relay, '--aply'], /--aply is no option/],
  [['--mode'], /--mode needs a value/],
] as const) {
  test(`register.sh ${parameters.join(' ')} is refused before anything is asked`, (t) => {
    const { code, said } = tenant(t, { apps: undefined }).run(...parameters)
    assert.equal(code, 2, said)
    assert.match(said, words)
  })
}

withHelm('what the script prints', () => {
  for (const [name, parameters] of Object.entries({
    ...Object.fromEntries(Object.entries(CASES).map(([key, it]) => [key, it.parameters])),
    'relay, eu': [...relay, '--region', 'eu'],
    off: ['--mode', 'off', '--public-url', 'https://mcp.example.com'],
  })) {
    test(`${name}: the chart takes it, and check passes over the configuration`, async (t) => {
      const here = tenant(t)
      const { out } = here.run(...parameters, '--registry', 'myregistry', '--apply')
      const { config } = parse(out) as { config: { sign_in: { redirect_uris?: string[] } } }
      if (name === 'relay, eu') {
        const uri = 'https://platform.eu.robusta.dev/oauth/callback.html'
        assert.deepEqual(config.sign_in.redirect_uris, [uri])
      }
      const { objects } = await renderChart({ values: [out] })
      const terminal = recordingTerminal(mountedFiles(objects))
      const code = await check.run(['--config', '/etc/rolecall/rolecall.yaml'], terminal)
      assert.equal(code, 0, terminal.err())
      const warned = terminal.err().match(/^warning: .*/gm) ?? []
      assert.deepEqual(
        warned.filter((line) => !line.startsWith('warning: sign_in.mode is "off"')),
        [],
      )
    })
  }
})
