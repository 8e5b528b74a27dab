import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { BrokerConfig, RegisteredClient } from '../../../src/config/config.ts'
import { ErrorAnswer } from '../../../src/oauth/error-answer.ts'
import { deriveKeys } from '../../../src/sealing/derived-keys.ts'
import { type Client, type Clients, createClients } from '../../../src/sign-in/clients/client.ts'
import type { MetadataDocument } from '../../../src/sign-in/clients/metadata-document.ts'
import { redirectUriRule } from '../../../src/sign-in/clients/redirect-uris.ts'
import { register } from '../../../src/sign-in/clients/registration.ts'
import { registrations } from '../../support/registrations.ts'
import { broker } from '../../support/sign-in-modes.ts'

const publicUrl = 'https://mcp.example.com'
const keys = deriveKeys([]).for('client id')
const documentUrl = 'https://claude.ai/oauth/claude-code-client-metadata'

interface Setup {
  readonly signIn?: Partial<BrokerConfig>
  readonly issuer?: string
  readonly documents?: Readonly<Record<string, MetadataDocument>>
  readonly keys?: typeof keys
}

function clientsOf(setup: Setup = {}): Clients & { readonly asked: readonly string[] } {
  const asked: string[] = []
  const clients = createClients({
    config: { public_url: publicUrl, sign_in: { ...broker, ...setup.signIn } },
    issuer: setup.issuer ?? publicUrl,
    keys: setup.keys ?? keys,
    documents: {
      find(url) {
        asked.push(url)
        const document = setup.documents?.[url]
        return document ? Promise.resolve(document) : Promise.reject(new Error('no such document'))
      },
    },
  })
  return { ...clients, asked }
}

function idOf(
  metadata: object,
  redirectUris: readonly string[] = ['loopback'],
  issuer = publicUrl,
) {
  const allows = redirectUriRule(redirectUris, publicUrl)
  const rules = { publicUrl, issuer, keys, allows }
  return register(JSON.stringify(metadata), rules, Date.now()).client_id
}

async function found(clients: Clients, id: string): Promise<Client> {
  const client = await clients.find(id)
  assert.ok(client, id)
  return client
}

function checkRedirects(client: Client, uris: Readonly<Record<string, boolean>>): void {
  for (const [uri, allowed] of Object.entries(uris)) {
    assert.equal(client.allowsRedirect(uri), allowed, uri)
  }
}

function refusedWith(words: RegExp, logged: string) {
  return (error: unknown) => {
    assert.ok(error instanceof ErrorAnswer, String(error))
    assert.deepEqual([error.status, error.error], [400, 'invalid_client'])
    assert.match(error.message, words)
    assert.equal(error.reason, logged)
    return true
  }
}

// Registered by themselves

for (const { client: name, redirectUris, body, answeredAt } of registrations) {
  test(`${name} is known by the id that it registered, and answered where it listens`, async () => {
    const clients = clientsOf({ signIn: { redirect_uris: redirectUris } })
    const client = await found(clients, idOf(body, redirectUris))
    assert.equal(client.kind, 'dynamic')
    assert.equal(client.name, body['client_name'])
    assert.equal(client.secret, undefined)
    assert.equal(client.host, undefined)
    assert.equal(client.skipsConsent, false)
    checkRedirects(client, Object.fromEntries(answeredAt.map((uri) => [uri, true])))
    checkRedirects(client, {
      'https://evil.example/callback': false,
      'http://localhost:8080/elsewhere': false,
      [`${publicUrl}/oauth/callback`]: false,
      '': false,
    })
  })
}

test('on loopback the port is free; host, path and query are as registered', async () => {
  const uris = ['http://127.0.0.1:33418/', 'http://localhost/cb?server=a', 'http://[::1]:1/x']
  const client = await found(clientsOf(), idOf({ redirect_uris: uris }))
  checkRedirects(client, {
    'http://127.0.0.1:33418/': true,
    'http://127.0.0.1:1/': true,
    'http://127.0.0.1:65535/': true,
    'http://127.0.0.1/': true,
    'http://127.0.0.1': true,
    'http://127.0.0.1:50000': true,
    'http://localhost:8080/cb?server=a': true,
    'http://[::1]:9/x': true,
    'http://[::1]/x': true,
    'http://localhost:33418/': false,
    'http://[::1]:33418/': false,
    'http://127.0.0.1:33418//': false,
    'http://127.0.0.1:33418/x': false,
    'http://127.0.0.1:33418/?': false,
    'http://127.0.0.1:33418/#': false,
    'http://127.0.0.1:65536/': false,
    'http://127.0.0.1:0/': false,
    'http://127.0.0.1:/': false,
    'http://127.0.0.1:x/': false,
    'http://user@127.0.0.1:33418/': false,
    'http://127.0.0.1:33418@evil.example/': false,
    'http://127.0.0.1.evil.example:33418/': false,
    'http://127.0.0.1:33418.evil.example/': false,
    'https://127.0.0.1:33418/': false,
    'http://localhost:8080/cb': false,
    'http://localhost:8080/cb?server=b': false,
    'http://localhost:8080/cb?server=a&x=1': false,
    'http://localhost:8080/CB?server=a': false,
    'http://LOCALHOST:8080/cb?server=a': false,
  })
})

test('off loopback every character counts, the port too', async () => {
  const signIn = { redirect_uris: ['chatgpt', 'https://app.contoso.test:8443/cb'] }
  const uris = ['https://chatgpt.com/connector/oauth/a', 'https://app.contoso.test:8443/cb']
  const client = await found(
    clientsOf({ signIn }),
    idOf({ redirect_uris: uris }, signIn.redirect_uris),
  )
  checkRedirects(client, {
    'https://chatgpt.com/connector/oauth/a': true,
    'https://app.contoso.test:8443/cb': true,
    'https://chatgpt.com/connector/oauth/b': false,
    'https://chatgpt.com/connector_platform_oauth_redirect': false,
    'https://chatgpt.com:443/connector/oauth/a': false,
    'https://app.contoso.test/cb': false,
    'https://app.contoso.test:8444/cb': false,
    'https://app.contoso.test:8443/cb/': false,
  })
})

test('what redirect_uris allows is asked again at each use, not only at registration', async () => {
  const uris = ['http://localhost:1/cb', 'https://claude.ai/api/mcp/auth_callback']
  const id = idOf({ redirect_uris: uris }, ['loopback', 'claude'])
  const narrowed = await found(clientsOf({ signIn: { redirect_uris: ['claude'] } }), id)
  checkRedirects(narrowed, {
    'https://claude.ai/api/mcp/auth_callback': true,
    'http://localhost:1/cb': false,
  })
  assert.equal(narrowed.onlyRedirect, 'https://claude.ai/api/mcp/auth_callback')
  const none = await found(clientsOf({ signIn: { redirect_uris: ['robusta'] } }), id)
  checkRedirects(none, { 'https://claude.ai/api/mcp/auth_callback': false })
  assert.equal(none.onlyRedirect, undefined)
})

test('a wider redirect_uris gives a client nothing that it did not register', async () => {
  const client = await found(
    clientsOf({ signIn: { redirect_uris: ['loopback', 'claude'] } }),
    idOf({ redirect_uris: ['http://localhost:1/cb'] }),
  )
  checkRedirects(client, {
    'https://claude.ai/api/mcp/auth_callback': false,
    'http://localhost:1/other': false,
  })
})

test('an exact loopback URI in redirect_uris fixes the port, whatever was registered', async () => {
  const redirectUris = ['http://localhost:8787/callback']
  const id = idOf({ redirect_uris: ['http://localhost:8787/callback'] }, redirectUris)
  const client = await found(clientsOf({ signIn: { redirect_uris: redirectUris } }), id)
  checkRedirects(client, {
    'http://localhost:8787/callback': true,
    'http://localhost:8788/callback': false,
  })
})

test('our own port is no place to be answered at, although the port is free', async () => {
  const clients = createClients({
    config: { public_url: 'http://localhost:8080', sign_in: broker },
    issuer: publicUrl,
    keys,
    documents: { find: () => Promise.reject(new Error('none')) },
  })
  const client = await found(clients, idOf({ redirect_uris: ['http://localhost:1/cb'] }))
  checkRedirects(client, { 'http://localhost:8081/cb': true, 'http://localhost:8080/cb': false })
})

test('a registration counts at the issuer that made it, and while registration is on', async () => {
  const id = idOf({ redirect_uris: ['http://localhost:1/cb'] })
  assert.ok(await clientsOf().find(id))
  assert.equal(await clientsOf({ issuer: `${publicUrl}/oauth/stage` }).find(id), undefined)
  assert.equal(await clientsOf({ signIn: { registration: false } }).find(id), undefined)
})

test('a registration lives as long as one of the sealing keys does', async () => {
  const id = idOf({ redirect_uris: ['http://localhost:1/cb'] })
  const [newer] = deriveKeys([]).for('client id')
  assert.ok(await clientsOf({ keys: [newer, ...keys] }).find(id))
  assert.equal(await clientsOf({ keys: [newer] }).find(id), undefined)
})

test('an id that nobody gave is no client', async () => {
  const ids = ['', 'holmes', 'rc1', 'rc1.x.y', 'http://claude.ai/a', '__proto__', 'constructor']
  for (const id of [...ids, 'x'.repeat(100_000), 'a:b', '\0', 'rolecall']) {
    assert.equal(await clientsOf().find(id), undefined, id)
  }
})

test('the only redirect URI of a client is known, and none of several', async () => {
  const one = await found(clientsOf(), idOf({ redirect_uris: ['http://localhost:1/cb', 'x:y'] }))
  assert.equal(one.onlyRedirect, 'http://localhost:1/cb')
  const uris = ['http://localhost:1/cb', 'http://localhost:2/cb']
  const two = await found(clientsOf(), idOf({ redirect_uris: uris }))
  assert.equal(two.onlyRedirect, undefined)
})

// Known by a document

const claudeCode = {
  url: documentUrl,
  redirectUris: ['http://localhost/callback', 'http://127.0.0.1/callback', 'myapp://callback'],
  name: 'Claude Code',
}

const fetching = { signIn: { client_metadata_hosts: ['claude.ai'] } }

test('a client with a document on a named host is known by its address, its name and its host', async () => {
  const clients = clientsOf({ ...fetching, documents: { [documentUrl]: claudeCode } })
  const client = await found(clients, documentUrl)
  assert.deepEqual(
    [client.id, client.kind, client.name, client.host, client.secret, client.skipsConsent],
    [documentUrl, 'metadata_document', 'Claude Code', 'claude.ai', undefined, false],
  )
  checkRedirects(client, {
    'http://localhost:53121/callback': true,
    'http://127.0.0.1:1/callback': true,
    'http://[::1]:1/callback': false,
    'http://localhost:53121/': false,
    'myapp://callback': false,
    'https://claude.ai/callback': false,
  })
  assert.equal(client.onlyRedirect, undefined)
})

test('a document on another host is not asked for, and the setting is named', async () => {
  const others = [
    'https://evil.example/a',
    'https://claude.ai.evil.example/a',
    'https://claude.ai:8443/a',
    'https://www.claude.ai/a',
    'https://localhost/a',
    'https://kubernetes.default.svc/a',
  ]
  const clients = clientsOf(fetching)
  for (const url of others) {
    const refused = refusedWith(/sign_in\.client_metadata_hosts/, 'metadata_document:host')
    await assert.rejects(clients.find(url), refused, url)
  }
  await assert.rejects(
    clientsOf().find(documentUrl),
    refusedWith(/claude\.ai.*sign_in\.client_metadata_hosts/, 'metadata_document:host'),
  )
  assert.deepEqual(clients.asked, [])
})

test('a URL that can be no document is not asked for', async () => {
  const clients = clientsOf({
    signIn: { client_metadata_hosts: ['claude.ai', '127.0.0.1', '[::1]'] },
  })
  const urls = [
    'https://claude.ai/',
    'https://claude.ai/a#b',
    'https://claude.ai/a?b',
    'https://claude.ai/../a',
    'https://u:p@claude.ai/a',
    'https://127.0.0.1/a',
    'https://[::1]/a',
    'https://',
    `https://claude.ai/${'a'.repeat(10_000)}`,
  ]
  for (const url of urls) {
    await assert.rejects(
      clients.find(url),
      refusedWith(/https, a host name/, 'metadata_document:url'),
    )
  }
  assert.deepEqual(clients.asked, [])
})

test('a document whose redirect URIs may not be used is refused, with the setting', async () => {
  const documents = {
    [documentUrl]: { ...claudeCode, redirectUris: ['https://vscode.dev/redirect'] },
  }
  await assert.rejects(
    clientsOf({ ...fetching, documents }).find(documentUrl),
    refusedWith(/sign_in\.redirect_uris \(the preset "vscode"/, 'metadata_document:redirect_uris'),
  )
})

test('registration may be off while documents are on', async () => {
  const documents = { [documentUrl]: claudeCode }
  const signIn = { ...fetching.signIn, registration: false }
  assert.ok(await clientsOf({ signIn, documents }).find(documentUrl))
})

// Registered beforehand

function configured(client: Partial<RegisteredClient>, signIn: Partial<BrokerConfig> = {}) {
  const whole = { client_id: 'holmes', redirect_uris: ['robusta'], skip_consent: false, ...client }
  return clientsOf({ signIn: { ...signIn, clients: [whole] } })
}

test('a client of the configuration has the redirect URIs that the operator wrote for it', async () => {
  const client = await found(
    configured({ redirect_uris: ['robusta', 'https://app.contoso.test/cb'] }),
    'holmes',
  )
  assert.deepEqual(
    [client.kind, client.name, client.host, client.secret, client.skipsConsent],
    ['registered', undefined, undefined, undefined, false],
  )
  checkRedirects(client, {
    'https://platform.robusta.dev/oauth/callback.html': true,
    'https://platform.eu.robusta.dev/oauth/callback.html': true,
    'https://app.contoso.test/cb': true,
    'http://localhost:1/cb': false,
    'https://claude.ai/api/mcp/auth_callback': false,
  })
})

test('redirect_uris of the sign-in does not limit it', async () => {
  const client = await found(configured({}, { redirect_uris: ['loopback'] }), 'holmes')
  checkRedirects(client, {
    'https://platform.robusta.dev/oauth/callback.html': true,
    'http://localhost:1/cb': false,
  })
})

test('its secret and whether it skips the question are as configured', async () => {
  const client = await found(configured({ client_secret: 's3cret', skip_consent: true }), 'holmes')
  assert.deepEqual([client.secret, client.skipsConsent], ['s3cret', true])
})

test('its exact loopback URI takes any port, but never ours', async () => {
  const client = await found(
    configured({ redirect_uris: ['http://localhost/callback', 'http://127.0.0.1:7/cb'] }),
    'holmes',
  )
  checkRedirects(client, {
    'http://localhost/callback': true,
    'http://localhost:53121/callback': true,
    'http://127.0.0.1:7/cb': true,
    'http://127.0.0.1:8/cb': true,
    'http://127.0.0.1:7/callback': false,
    'http://localhost:53121/cb': false,
    'http://localhost:99999/callback': false,
  })
  const local = createClients({
    config: {
      public_url: 'http://localhost:8080',
      sign_in: {
        ...broker,
        clients: [{ client_id: 'a', redirect_uris: ['http://localhost/cb'], skip_consent: false }],
      },
    },
    issuer: 'http://localhost:8080',
    keys,
    documents: { find: () => Promise.reject(new Error('none')) },
  })
  checkRedirects(await found(local, 'a'), {
    'http://localhost:8081/cb': true,
    'http://localhost:8080/cb': false,
  })
})

test('a redirect URI may be left out where it can only be one', async () => {
  const only = async (...uris: string[]) =>
    (await found(configured({ redirect_uris: uris }), 'holmes')).onlyRedirect
  assert.equal(await only('https://app.contoso.test/cb'), 'https://app.contoso.test/cb')
  assert.equal(await only('https://app.contoso.test/cb', 'https://app.contoso.test/cc'), undefined)
  assert.equal(await only('https://app.contoso.test/cb', 'loopback'), undefined)
  for (const preset of ['robusta', 'loopback', 'chatgpt', 'claude']) {
    assert.equal(await only(preset), undefined, preset)
  }
})

test('a name of the configuration comes before anything that an id could be', async () => {
  const dynamic = idOf({ redirect_uris: ['http://localhost:1/cb'] })
  for (const id of [dynamic, documentUrl, 'toString']) {
    const clients = configured({ client_id: id })
    assert.equal((await found(clients, id)).kind, 'registered')
    assert.deepEqual(clients.asked, [])
  }
})

test('no client that is not configured skips the question or has a secret', async () => {
  const documents = { [documentUrl]: claudeCode }
  const signIn = {
    ...fetching.signIn,
    clients: [
      { client_id: 'a', redirect_uris: ['robusta'], client_secret: 'x', skip_consent: true },
    ],
  }
  const clients = clientsOf({ signIn, documents })
  const body = { redirect_uris: ['http://localhost:1/cb'], client_id: 'a', skip_consent: true }
  for (const id of [documentUrl, idOf(body)]) {
    const client = await found(clients, id)
    assert.deepEqual([client.skipsConsent, client.secret], [false, undefined])
  }
})
