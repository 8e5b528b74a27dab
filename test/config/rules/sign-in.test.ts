import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import { formatConfig } from '../../../src/config/format.ts'
import { Report } from '../../../src/config/report/report.ts'
import { judgeSignIn } from '../../../src/config/rules/sign-in.ts'
import { signInConfig } from '../../../src/config/rules/sign-in-config.ts'
import { settingsSchema } from '../../../src/config/schema/schema.ts'
import { SettingsDraft } from '../../../src/config/sources/draft.ts'
import { createAuthority, type IssuedCertificate } from '../../environment/certificates.ts'
import {
  aks,
  assertProblem,
  assertWarning,
  configOf,
  fileWith,
  loadToml,
  loadWith,
  problemsOf,
  warningsOf,
} from '../../support/configuration.ts'

const client = '22222222-3333-4444-8555-666666666666'
const key = 'A'.repeat(43)

type Changes = Record<string, unknown>
type Row = readonly [rule: string, changes: Changes, key: string, words: RegExp]

/** Relay as it loads without a warning. */
const relay: Changes = {
  sealing_keys: key,
  'sign_in.mode': 'relay',
  'identity_provider.client_id': client,
}

test('a client_id makes broker the default, with sealed tokens', () => {
  const { sign_in: signIn } = configOf(loadWith({ 'identity_provider.client_id': client }))
  assert.equal(signIn.mode, 'broker')
  assert.equal(signIn.mode === 'broker' && signIn.tokens, 'sealed')
})

test('relay loads, with every default', () => {
  const loaded = loadWith(relay)
  assert.deepEqual(configOf(loaded).sign_in, {
    mode: 'relay',
    redirect_uris: ['loopback'],
    tokens: 'passthrough',
    popup_origins: [],
    session_lifetime: 86_400_000,
  })
  assert.deepEqual(configOf(loaded).store, {})
  assert.deepEqual(warningsOf(loaded), [])
})

const all = {
  redirect_uris: [
    'robusta',
    'loopback',
    'claude',
    'vscode',
    'cursor',
    'chatgpt',
    'https://a.example/cb',
  ],
  tokens: 'passthrough',
  registration: false,
  client_metadata_hosts: ['a.example'],
  consent: 'remember',
  issuer_parameter: false,
  popup_origins: ['https://a.example'],
  session_lifetime: '720h',
  sessions_valid_after: '2026-01-31T12:00:00+01:00',
  client: [
    { client_id: 'holmes', redirect_uris: ['https://a.example/cb'], skip_consent: true },
    { client_id: 'other', redirect_uris: ['robusta'], client_secret: 'hunter2' },
  ],
}

const common = {
  redirect_uris: all.redirect_uris,
  tokens: 'passthrough',
  popup_origins: ['https://a.example'],
  session_lifetime: 2_592_000_000,
  sessions_valid_after: Date.UTC(2026, 0, 31, 11),
}

test('every key of [sign_in] is in the effective configuration of broker', () => {
  const settings = settingsSchema.parse({ sign_in: all })
  assert.deepEqual(signInConfig(settings, 'broker'), {
    mode: 'broker',
    ...common,
    registration: false,
    client_metadata_hosts: ['a.example'],
    consent: 'remember',
    issuer_parameter: false,
    clients: [
      { client_id: 'holmes', redirect_uris: ['https://a.example/cb'], skip_consent: true },
      {
        client_id: 'other',
        redirect_uris: ['robusta'],
        client_secret: 'hunter2',
        skip_consent: false,
      },
    ],
  })
})

test('broker hands out sealed tokens unless told otherwise', () => {
  const signIn = signInConfig(settingsSchema.parse({}), 'broker')
  assert.ok(signIn.mode === 'broker')
  assert.equal(signIn.tokens, 'sealed')
})

test('relay takes its keys, and the others have no effect', () => {
  const loaded = loadWith({ ...relay, sign_in: { mode: 'relay', ...all } })
  assert.deepEqual(configOf(loaded).sign_in, { mode: 'relay', ...common })
  assert.deepEqual(
    warningsOf(loaded).map(({ key: name }) => name),
    ['registration', 'client_metadata_hosts', 'consent', 'issuer_parameter', 'client'].map(
      (name) => `sign_in.${name}`,
    ),
  )
  for (const { message } of warningsOf(loaded)) {
    assert.equal(message, 'has no effect with sign_in.mode = "relay"')
  }
})

test('in off no key of [sign_in] has an effect', () => {
  const loaded = loadWith({ sign_in: { mode: 'off', ...all } })
  assert.deepEqual(configOf(loaded).sign_in, { mode: 'off' })
  assert.deepEqual(
    warningsOf(loaded).map(({ key: name }) => name),
    Object.keys(all).map((name) => `sign_in.${name}`),
  )
})

test('a TOML date is read as a moment', () => {
  const file = '[sign_in]\nsessions_valid_after = 2026-01-31T12:00:00Z\n'
  const keys = problemsOf(loadToml(file)).map(({ key: name }) => name)
  assert.equal(keys.includes('sign_in.sessions_valid_after'), false)
})

test('the store is what [store] says', () => {
  const url = 'rediss://:hunter2@redis:6379'
  assert.deepEqual(configOf(loadWith({ ...relay, 'store.redis_url': url })).store, {
    redis_url: url,
  })
  assert.deepEqual(warningsOf(loadWith({ ...relay, 'store.redis_url': url })), [])
})

const badClients: readonly Row[] = [
  [
    'a client needs an id',
    { redirect_uris: ['robusta'] },
    'sign_in.client[0].client_id',
    /is required/,
  ],
  [
    'a client needs redirect URIs',
    { client_id: 'a' },
    'sign_in.client[0].redirect_uris',
    /is required/,
  ],
  [
    'no consent page only with exact https URIs',
    { client_id: 'a', redirect_uris: ['robusta'], skip_consent: true },
    'sign_in.client[0].skip_consent',
    /exact/,
  ],
  [
    'no client has the name of our own page',
    { client_id: 'rolecall', redirect_uris: ['robusta'] },
    'sign_in.client[0].client_id',
    /reserved/,
  ],
  [
    'no client has the name of a popup of ours',
    { client_id: 'rolecall:https://ui.example.com', redirect_uris: ['robusta'] },
    'sign_in.client[0].client_id',
    /reserved/,
  ],
]
for (const [rule, registered, name, words] of badClients) {
  test(`refused: ${rule}`, () =>
    assertProblem(loadWith({ 'sign_in.client': [registered] }), name, words))
}

test('refused: a web UI with a popup on plain http, but for loopback', () => {
  const origins = ['http://localhost:3000', 'https://ui.example.com', 'http://ui.example.com']
  const loaded = loadWith({ ...relay, 'sign_in.popup_origins': origins })
  assertProblem(loaded, 'sign_in.popup_origins[2]', /plain http off loopback.*https:\/\/ui/s)
  assert.equal(problemsOf(loaded).length, 1)
})

test('refused: two clients with one id', () => {
  const one = { client_id: 'a', redirect_uris: ['robusta'] }
  assertProblem(loadWith({ 'sign_in.client': [one, one] }), 'sign_in.client[1].client_id', /twice/)
})

/** Groups that tokens leave out, asked for as they are to be. */
const resolving: Changes = {
  ...relay,
  'sign_in.tokens': 'sealed',
  'identity_provider.resolve_groups': true,
  'resource.0.required_groups': ['0a0a0a0a-0000-4000-8000-00000000a11c'],
}

test('groups that tokens leave out can be asked for where clients hold sealed tokens', () => {
  const loaded = loadWith(resolving)
  assert.deepEqual(warningsOf(loaded), [])
  const { identity_provider: provider } = configOf(loaded)
  assert.equal(provider.kind === 'entra' && provider.resolve_groups, true)
  const { identity_provider: quiet } = configOf(loadWith(relay))
  assert.equal(quiet.kind === 'entra' && quiet.resolve_groups, false)
})

const withoutEffect: readonly Row[] = [
  [
    'groups that tokens leave out in mode off',
    { 'identity_provider.resolve_groups': true },
    'identity_provider.resolve_groups',
    /no effect/,
  ],
  [
    'groups that tokens leave out, which no resource asks for',
    { ...resolving, 'resource.0.required_groups': [] },
    'identity_provider.resolve_groups',
    /no required_groups and no tool rule name a group/,
  ],
  ['sign_in in mode off', { 'sign_in.tokens': 'sealed' }, 'sign_in.tokens', /no effect/],
  [
    'a store in mode off',
    { 'store.redis_url': 'redis://redis:6379' },
    'store.redis_url',
    /no effect/,
  ],
  [
    'a client secret in mode off',
    {
      'identity_provider.client_id': client,
      'identity_provider.client_secret': 'x',
      'sign_in.mode': 'off',
    },
    'identity_provider.client_secret',
    /no effect/,
  ],
  [
    'parameters of the authorize request in relay, where the browser makes it',
    { ...relay, 'identity_provider.authorize_parameters': { prompt: 'select_account' } },
    'identity_provider.authorize_parameters',
    /no effect with sign_in.mode = "relay"/,
  ],
]
for (const [rule, changes, name, words] of withoutEffect) {
  test(`warned of as without effect: ${rule}`, () => assertWarning(loadWith(changes), name, words))
}

const public_url = 'https://mcp.example.com'
const oidc = { kind: 'oidc', issuer: 'https://idp.example.com', client_id: client }
const scopes = (...more: string[]) => ({ 'resource.0.request_scopes': ['openid', ...more] })

const refused: readonly Row[] = [
  [
    'groups that tokens leave out, where clients hold tokens of the provider',
    { ...resolving, 'sign_in.tokens': 'passthrough' },
    'identity_provider.resolve_groups',
    /sign_in\.tokens = "sealed"/,
  ],
  [
    'the same by the default of relay',
    { ...resolving, 'sign_in.tokens': undefined },
    'identity_provider.resolve_groups',
    /travel in the tokens/,
  ],
  [
    'groups of another provider at Microsoft Graph',
    {
      identity_provider: { issuer: 'https://idp.example.com', resolve_groups: true },
    },
    'identity_provider.resolve_groups',
    /no meaning with kind = "oidc"/,
  ],
  [
    'relay needs a client_id',
    { ...relay, 'identity_provider.client_id': undefined },
    'identity_provider.client_id',
    /is required.*Application \(client\) ID.*"relay"/,
  ],
  [
    'relay needs a client_id, and a secret without one is not told besides',
    {
      ...relay,
      'identity_provider.client_id': undefined,
      'identity_provider.client_secret': 'hunter2',
    },
    'identity_provider.client_id',
    /is required/,
  ],
  [
    'off loopback relay needs sealing keys',
    { ...relay, sealing_keys: undefined, public_url },
    'sealing_keys',
    /required with sign_in.mode = "relay".*`rolecall keygen > FILE`.*sealing_keys_file/,
  ],
  [
    'a file of sealing keys that cannot be read is told once',
    { ...relay, sealing_keys: undefined, sealing_keys_file: '/none', public_url },
    'sealing_keys_file',
    /cannot be read/,
  ],
  [
    'sealing keys that are wrong are told once',
    { ...relay, sealing_keys: 'short', public_url },
    'sealing_keys',
    /32 bytes/,
  ],
  [
    'relay on plain http at a public name',
    { ...relay, public_url: 'http://mcp.example.com' },
    'public_url',
    /plain http to a public name.*https/,
  ],
  [
    'relay with nowhere to send people back to',
    { ...relay, 'sign_in.redirect_uris': [] },
    'sign_in.redirect_uris',
    /is required.*\["robusta"\]/,
  ],
  [
    'a redirect URI on the origin of public_url',
    { ...relay, public_url, 'sign_in.redirect_uris': ['robusta', `${public_url}/oauth/callback`] },
    'sign_in.redirect_uris[1]',
    /the origin of public_url.*callback URL of the client/,
  ],
  [
    'a redirect URI of a registered client on the origin of public_url',
    {
      ...relay,
      public_url,
      'sign_in.client': [{ client_id: 'a', redirect_uris: [`${public_url}/x`] }],
    },
    'sign_in.client[0].redirect_uris[0]',
    /the origin of public_url/,
  ],
]
for (const [rule, changes, name, words] of refused) {
  test(`refused: ${rule}`, () => assertProblem(loadWith(changes), name, words))
}

const warned: readonly Row[] = [
  [
    'keys that are made at start',
    { ...relay, sealing_keys: undefined },
    'sealing_keys',
    /ends when rolecall restarts.*`rolecall keygen > FILE`/,
  ],
  [
    'an empty list of keys is none',
    { ...relay, sealing_keys: [] },
    'sealing_keys',
    /ends when rolecall restarts/,
  ],
  [
    'oidc without refresh tokens, by default',
    { ...relay, identity_provider: oidc },
    'resource[0].request_scopes',
    /sign in again.*\["openid", "profile", "offline_access"\]/,
  ],
  [
    'oidc without refresh tokens, as written',
    { ...relay, identity_provider: oidc, ...scopes('email') },
    'resource[0].request_scopes',
    /sign in again.*\["openid", "email", "offline_access"\]/,
  ],
  [
    'a resource that refuses the tokens of our own client',
    { ...relay, 'resource.0.allowed_clients': ['other'] },
    'resource[0].allowed_clients',
    /no user can sign in for this resource.*Add "22222222/,
  ],
  [
    'a method without a secret',
    { ...relay, 'identity_provider.client_secret_method': 'basic' },
    'identity_provider.client_secret_method',
    /no effect without client_secret/,
  ],
  [
    'a federated token that is not there yet',
    { ...relay, 'identity_provider.federated_token_file': '/token' },
    'identity_provider.federated_token_file',
    /\/token, which cannot be read now \(ENOENT\).*azure.workload.identity/,
  ],
]
for (const [rule, changes, name, words] of warned) {
  test(`warned of: ${rule}`, () => assertWarning(loadWith(changes), name, words))
}

const fine: readonly (readonly [rule: string, changes: Changes])[] = [
  ['https at a public name', { ...relay, public_url }],
  ['plain http at a cluster-internal name', { ...relay, public_url: 'http://rolecall.holmes.svc' }],
  ['plain http on loopback', { ...relay, public_url: 'http://127.0.0.1:8080' }],
  ['oidc with offline_access', { ...relay, identity_provider: oidc, ...scopes('offline_access') }],
  [
    'ID tokens, for clusters that are fed them',
    {
      ...relay,
      identity_provider: oidc,
      ...scopes('offline_access'),
      'resource.0.audiences': [client],
      'resource.0.token_kind': 'id_token',
    },
  ],
  [
    'our own client among those that are allowed',
    { ...relay, 'resource.0.allowed_clients': ['x', client] },
  ],
]
for (const [rule, changes] of fine) {
  test(`relay loads without a warning: ${rule}`, () => {
    assert.deepEqual(warningsOf(loadWith(changes)), [])
  })
}

test('broker on plain http at a cluster-internal name is refused, on loopback it is not', () => {
  const at = (url: string) => loadWith({ ...relay, 'sign_in.mode': 'broker', public_url: url })
  assertProblem(at('http://rolecall.holmes.svc'), 'public_url', /off loopback.*Write https/)
  assert.equal(configOf(at('http://localhost:8080')).sign_in.mode, 'broker')
  assert.equal(configOf(at(public_url)).sign_in.mode, 'broker')
})

test('broker needs client_id, sealing keys and redirect URIs, too', () => {
  const changes = { 'sign_in.mode': 'broker', 'sign_in.redirect_uris': [], public_url }
  assert.deepEqual(
    problemsOf(loadWith(changes)).map(({ key: name }) => name),
    ['identity_provider.client_id', 'sealing_keys', 'sign_in.redirect_uris'],
  )
})

test('off needs none of them', () => {
  const changes = { 'sign_in.mode': 'off', 'sign_in.redirect_uris': [], public_url }
  assert.deepEqual(warningsOf(loadWith(changes)), [])
})

test('a mode that is none is the only problem told about modes', () => {
  const changes = { ...relay, sealing_keys: undefined, public_url, 'sign_in.mode': 'on' }
  assertProblem(loadWith(changes), 'sign_in.mode', /broker, relay, off/)
})

test('request_scopes: where rolecall signs people in, Entra is asked for a refresh token', () => {
  const scopesOf = (changes: Changes) =>
    configOf(loadWith(changes)).resources.map(({ request_scopes: asked }) => asked)
  assert.deepEqual(scopesOf({ ...relay, ...scopes() }), [['openid', 'offline_access']])
  const written = scopes('offline_access', 'profile')
  assert.deepEqual(scopesOf({ ...relay, ...written }), [['openid', 'offline_access', 'profile']])
  assert.deepEqual(scopesOf({ ...relay, 'sign_in.mode': 'off', ...scopes() }), [['openid']])
  assert.deepEqual(scopesOf({ ...relay, identity_provider: oidc, ...scopes() }), [['openid']])
})

describe('relay with several resources', () => {
  const [first] = fileWith()['resource'] as Changes[]
  const withOther = (other: Changes) =>
    loadWith({ ...relay, resource: [first, { ...first, name: 'b', path: '/b', ...other }] })

  test('of one audience and the same scopes is fine', () => {
    assert.deepEqual(warningsOf(withOther({})), [])
  })

  test('of different audiences is warned of', () => {
    const words = /HolmesGPT keeps one token per user.*one rolecall for each audience/
    assertWarning(withOther({ audiences: ['api://other'] }), 'resource[1].audiences', words)
  })

  test('of different scopes is warned of; their order does not matter', () => {
    const all = ['openid', 'profile', `${aks}/.default`]
    assert.deepEqual(warningsOf(withOther({ request_scopes: all })), [])
    const fewer = { request_scopes: ['openid'] }
    assertWarning(withOther(fewer), 'resource[1].request_scopes', /HolmesGPT/)
  })

  test('in off and broker they may differ as they like', () => {
    const other = { ...first, name: 'b', path: '/b', audiences: ['api://other'] }
    assert.deepEqual(warningsOf(loadWith({ resource: [first, other] })), [])
    const draft = new SettingsDraft(fileWith({ ...relay, resource: [first, other] }))
    const report = new Report()
    judgeSignIn({ settings: settingsSchema.parse(draft.root), draft, report, mode: 'broker' })
    assert.deepEqual(report.warnings, [])
  })
})

test('every file of a credential is watched, the secret of a client and the sealing keys too', async () => {
  const issued = await (await createAuthority('Test')).issue({ clientName: 'rolecall' })
  const watched = (changes: Changes, files: Record<string, string>) => {
    const config = configOf(loadWith({ ...relay, ...changes }, { files }))
    return config.files.filter((file) => file !== '/etc/rolecall.toml').toSorted()
  }
  const pair = {
    'identity_provider.client_certificate_file': '/cert',
    'identity_provider.client_key_file': '/key',
  }
  const pems = { '/cert': issued.certificate, '/key': issued.key }
  assert.deepEqual(watched(pair, pems), ['/cert', '/key'])
  const secret = { 'identity_provider.client_secret_file': '/secret' }
  assert.deepEqual(watched(secret, { '/secret': 'x' }), ['/secret'])
  const keys = { sealing_keys: undefined, sealing_keys_file: '/keys' }
  assert.deepEqual(watched(keys, { '/keys': key }), ['/keys'])
})

test('a secret from a file that has no effect is told once', () => {
  const changes = {
    'sign_in.mode': 'off',
    'identity_provider.client_id': client,
    'identity_provider.client_secret_file': '/s',
  }
  const loaded = loadWith(changes, { files: { '/s': 'x' } })
  assert.deepEqual(
    warningsOf(loaded).map(({ key: name }) => name),
    ['identity_provider.client_secret_file'],
  )
})

describe('the credential towards the identity provider', () => {
  let issued: IssuedCertificate
  before(async () => {
    issued = await (await createAuthority('Test')).issue({ clientName: 'rolecall' })
  })

  const credentialOf = (changes: Changes, files: Record<string, string> = {}) =>
    configOf(loadWith({ ...relay, ...changes }, { files })).identity_provider.credential

  test('nothing: a public client', () => {
    assert.deepEqual(credentialOf({}), { kind: 'none' })
  })

  test('a secret, with its method where one is said', () => {
    const secret = { 'identity_provider.client_secret': 'hunter2' }
    assert.deepEqual(credentialOf(secret), { kind: 'secret', secret: 'hunter2' })
    const basic = { ...secret, 'identity_provider.client_secret_method': 'basic' }
    assert.deepEqual(credentialOf(basic), { kind: 'secret', secret: 'hunter2', method: 'basic' })
  })

  test('a secret from a file, with its absolute path', () => {
    const file = `${process.cwd()}/secret`
    const changes = { 'identity_provider.client_secret_file': 'secret' }
    assert.deepEqual(credentialOf(changes, { [file]: 'hunter2\n' }), {
      kind: 'secret',
      secret: 'hunter2',
      file,
    })
  })

  test('a certificate with its key, and both paths', () => {
    const changes = {
      'identity_provider.client_certificate_file': '/cert',
      'identity_provider.client_key_file': '/key',
    }
    const files = { '/cert': issued.certificate, '/key': issued.key }
    assert.deepEqual(credentialOf(changes, files), {
      kind: 'certificate',
      certificate: issued.certificate,
      key: issued.key,
      certificate_file: '/cert',
      key_file: '/key',
    })
  })

  test('the file of a federated token, which is not watched', () => {
    const changes = { ...relay, 'identity_provider.federated_token_file': '/token' }
    const config = configOf(loadWith(changes, { files: { '/token': 'x' } }))
    assert.deepEqual(config.identity_provider.credential, {
      kind: 'federated_token',
      file: '/token',
    })
    assert.deepEqual(config.files, ['/etc/rolecall.toml'])
  })
})

test('parameters of the authorize request are told', () => {
  const parameters = { prompt: 'select_account' }
  const changes = { ...relay, 'identity_provider.authorize_parameters': parameters }
  const provider = configOf(loadWith(changes)).identity_provider
  assert.deepEqual({ ...provider.authorize_parameters }, parameters)
})

describe('printed', () => {
  const printed = (changes: Changes, files: Record<string, string> = {}) =>
    formatConfig(configOf(loadWith({ ...relay, ...changes }, { files })))

  test('sign_in has the keys of a file, and loads again to the same', () => {
    const { client: _client, ...rest } = all
    const changes = { ...relay, sealing_keys: undefined, sign_in: { mode: 'relay', ...rest } }
    const config = configOf(loadWith(changes))
    const text = formatConfig(config)
    assert.match(text, /sessions_valid_after = "2026-01-31T11:00:00Z"/)
    assert.match(text, /session_lifetime = "720h"/)
    assert.deepEqual(configOf(loadToml(text)), config)
  })

  test('a registered client is [[sign_in.client]], its secret masked', () => {
    const config = configOf(loadWith(relay))
    const signIn = signInConfig(settingsSchema.parse({ sign_in: all }), 'broker')
    const text = formatConfig({ ...config, sign_in: signIn })
    assert.match(text, /\[\[sign_in\.client\]\]\nclient_id = "holmes"/)
    assert.match(text, /client_secret = "\*{8}"/)
    assert.doesNotMatch(text, /hunter2/)
    const again = problemsOf(loadToml(text)).map(({ key: name }) => name)
    assert.deepEqual(again, ['sealing_keys'])
  })

  test('a secret is masked, one from a file is told by the file', () => {
    const secret = { 'identity_provider.client_secret': 'hunter2' }
    assert.match(printed(secret), /^client_secret = "\*{8}"$/m)
    const file = { 'identity_provider.client_secret_file': '/secret' }
    const text = printed(file, { '/secret': 'hunter2' })
    assert.match(text, /^client_secret_file = "\/secret"$/m)
    assert.doesNotMatch(`${printed(secret)}${text}`, /hunter2/)
  })

  test('a federated token is told by its file', () => {
    const text = printed({ 'identity_provider.federated_token_file': '/t' }, { '/t': 'hunter2' })
    assert.match(text, /^federated_token_file = "\/t"$/m)
    assert.doesNotMatch(text, /hunter2/)
  })

  test('the address of the store is masked: a password may stand in it', () => {
    const text = printed({ 'store.redis_url': 'redis://:hunter2@redis:6379' })
    assert.match(text, /\[store\]\nredis_url = "\*{8}"/)
    assert.doesNotMatch(text, /hunter2/)
  })
})
