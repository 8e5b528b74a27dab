import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { exportJWK, importX509 } from 'jose'
import { createBrowser, signInAt } from '../environment/browser.ts'
import {
  beginSignIn,
  heldTokens,
  redeem,
  refresh,
  signIn,
  type TokenAnswer,
} from '../support/broker-client.ts'
import { rsaCertificate } from '../support/client-credentials.ts'
import { type OidcGatewayOptions, startOidcGateway } from '../support/oidc-gateway.ts'
import {
  clientId,
  clientSecret,
  type OidcProviderOptions,
  startOidcProvider,
} from '../support/oidc-provider.ts'
import { post, send } from '../support/raw-http.ts'
import { headerValues, startUpstream } from '../support/recording-upstream.ts'

const alice = { username: 'alice' }
/** As this provider wants to be asked for refresh tokens. */
const offline = {
  identityProvider: { authorize_parameters: { prompt: 'consent' } },
  resource: { request_scopes: ['openid', 'profile', 'offline_access'] },
}

async function start(
  t: TestContext,
  options: OidcProviderOptions = {},
  tables: Partial<OidcGatewayOptions> = offline,
) {
  const idp = await startOidcProvider(t, options)
  const upstream = await startUpstream(t)
  const gateway = await startOidcGateway(t, {
    issuer: idp.issuer,
    upstream: upstream.url,
    ...tables,
  })
  return { idp, upstream, gateway }
}

/** A sign-in up to the answer of our token endpoint. */
async function tokenAnswer(gateway: { readonly origin: string }): Promise<TokenAnswer> {
  const begun = await beginSignIn(gateway)
  return redeem(gateway, begun, await signInAt(createBrowser(), begun.url, alice))
}

function assertEnded({ status, body }: TokenAnswer, words: RegExp): void {
  assert.deepEqual([status, body['error']], [400, 'invalid_grant'], JSON.stringify(body))
  assert.match(String(body['error_description']), words)
}

test('opaque access tokens end the sign-in with words that say so', async (t) => {
  const { gateway } = await start(t, { opaque: true })
  const answer = await tokenAnswer(gateway)
  assertEnded(answer, /opaque token.*let it issue JWT access tokens/)
  // HolmesGPT shows people the first 300 characters, and rolecall's own text is not to be cut.
  assert.ok(JSON.stringify(answer.body).indexOf('"request_id"') < 300)
})

test('a token of client credentials is an application’s, whose client is allowed', async (t) => {
  const client = { grant_types: ['client_credentials'], redirect_uris: [], response_types: [] }
  const tables = { ...offline, signIn: { tokens: 'passthrough' } }
  const { gateway, idp, upstream } = await start(t, { client }, tables)
  const answer = await fetch(`${idp.issuer}/token`, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'client_credentials',
      resource: 'urn:kubernetes',
      client_id: clientId,
      client_secret: clientSecret,
    }),
  })
  const { access_token: token } = (await answer.json()) as { access_token: string }
  const { status, text } = await send(gateway.url, post(token))
  assert.equal(status, 401, text)
  assert.match(text, /token of an application, not of a user: its subject is a client/)
  assert.equal(upstream.received.length, 0)
})

test('a resource that this provider wants named in the browser can be named (RFC 8707)', async (t) => {
  const features = { defaultResource: () => undefined }
  const named = {
    ...offline,
    identityProvider: { authorize_parameters: { prompt: 'consent', resource: 'urn:kubernetes' } },
  }
  const without = await start(t, { resourceIndicators: features })
  assertEnded(await tokenAnswer(without.gateway), /opaque token/)
  const { gateway } = await start(t, { resourceIndicators: features }, named)
  const held = await signIn(gateway, createBrowser(), alice)
  assert.equal((await refresh(gateway, held)).status, 200)
})

test('with the defaults of kind oidc people sign in, and the operator is told what a refresh would take', async (t) => {
  const { gateway, upstream } = await start(t, {}, {})
  const { status, body } = await tokenAnswer(gateway)
  assert.equal(status, 200)
  assert.equal((await send(gateway.url, post(String(body['access_token'])))).status, 200)
  assert.equal(upstream.received.length, 1)
  assert.equal('refresh_token' in body, false)
})

test('a scope that the provider silently leaves out costs nobody their session', async (t) => {
  const configuration = { issueRefreshToken: () => true }
  const { resource } = offline
  const { gateway, idp } = await start(t, { configuration, rotates: true }, { resource })
  let held = await signIn(gateway, createBrowser(), alice)
  for (let i = 0; i < 3; i += 1) held = heldTokens(await refresh(gateway, held), held.clientId)
  assert.equal(idp.tokenCalls.length, 4)
})

for (const rotates of [true, false]) {
  const kind = rotates ? 'rotates' : 'does not rotate'
  test(`eight refreshes at once are one at a provider that ${kind}, and nobody is logged out`, async (t) => {
    const { gateway, idp } = await start(t, { rotates })
    let held = await signIn(gateway, createBrowser(), alice)
    for (const round of [1, 2, 3]) {
      const answers = await Promise.all(Array.from({ length: 8 }, () => refresh(gateway, held)))
      for (const { status, body } of answers) {
        assert.equal(status, 200)
        assert.deepEqual(body, answers[0]?.body)
      }
      assert.equal(idp.tokenCalls.length, 1 + round)
      const [first] = answers
      assert.ok(first)
      held = heldTokens(first, held.clientId)
    }
    assert.equal((await send(gateway.url, post(held.access))).status, 200)
  })
}

test('a refresh token that the provider no longer takes ends the session, with what to do', async (t) => {
  const { gateway, idp } = await start(t, { rotates: true })
  const held = await signIn(gateway, createBrowser(), alice)
  idp.disable('alice')
  assertEnded(await refresh(gateway, held), /no longer good\. What you can do: sign in again/)
  // A call under way is not cut off: the token inside is good until it ends.
  assert.equal((await send(gateway.url, post(held.access))).status, 200)
})

test('a refresh token that another holder used up at the provider ends the session', async (t) => {
  const { gateway, idp } = await start(t, { rotates: true })
  const held = await signIn(gateway, createBrowser(), alice)
  await refresh(gateway, held)
  const stolen = String(idp.tokenCalls[1]?.form['refresh_token'])
  const replayed = await fetch(`${idp.issuer}/token`, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'refresh_token',
      refresh_token: stolen,
      client_id: clientId,
      client_secret: clientSecret,
    }),
  })
  await replayed.body?.cancel()
  assert.equal(replayed.status, 400)
  const successor = heldTokens(await refresh(gateway, held), held.clientId)
  assertEnded(await refresh(gateway, successor), /sign in again/)
})

test('a code is redeemed once, and the provider is asked once', async (t) => {
  const { gateway, idp } = await start(t)
  const begun = await beginSignIn(gateway)
  const back = await signInAt(createBrowser(), begun.url, alice)
  const answers = await Promise.all(Array.from({ length: 8 }, () => redeem(gateway, begun, back)))
  const statuses = answers.map(({ status }) => status).toSorted()
  assert.deepEqual(statuses, [200, ...Array(7).fill(400)])
  assert.equal(idp.tokenCalls.length, 1)
})

for (const { sent, offered, setting } of [
  { sent: 'post', offered: ['client_secret_basic', 'client_secret_post'], setting: {} },
  { sent: 'post', offered: ['client_secret_post'], setting: {} },
  { sent: 'basic', offered: ['client_secret_basic'], setting: {} },
  {
    sent: 'basic',
    offered: ['client_secret_basic', 'client_secret_post'],
    setting: { client_secret_method: 'basic' },
  },
] as const) {
  const how = 'client_secret_method' in setting ? 'told to' : 'by default'
  test(`where ${offered.join(' and ')} are offered, the secret goes by ${sent} ${how}`, async (t) => {
    const configuration = { clientAuthMethods: offered }
    const { idp, gateway } = await start(
      t,
      { configuration, client: { token_endpoint_auth_method: `client_secret_${sent}` } },
      { ...offline, identityProvider: { ...offline.identityProvider, ...setting } },
    )
    const held = await signIn(gateway, createBrowser(), alice)
    assert.equal((await refresh(gateway, held)).status, 200)
    for (const { authorization, form } of idp.tokenCalls) {
      assert.equal(/^Basic /.test(authorization ?? ''), sent === 'basic')
      assert.equal('client_secret' in form, sent === 'post')
    }
  })
}

test('a certificate proves us by private_key_jwt, and no secret is sent', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'rolecall-idp-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  const { certificate, key } = await rsaCertificate()
  const files = { [join(folder, 'tls.crt')]: certificate, [join(folder, 'tls.key')]: key }
  for (const [path, text] of Object.entries(files)) await writeFile(path, text)
  const jwk = await exportJWK(await importX509(certificate, 'PS256'))
  const client = { token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [jwk] } }
  const { idp, gateway } = await start(
    t,
    { client: { ...client, client_secret: undefined } },
    {
      ...offline,
      files,
      identityProvider: {
        ...offline.identityProvider,
        client_secret: '',
        client_certificate_file: join(folder, 'tls.crt'),
        client_key_file: join(folder, 'tls.key'),
      },
    },
  )
  const held = await signIn(gateway, createBrowser(), alice)
  assert.equal((await refresh(gateway, held)).status, 200)
  for (const { authorization, form } of idp.tokenCalls) {
    assert.equal(authorization, undefined)
    assert.ok('client_assertion' in form && !('client_secret' in form))
  }
})

test('a secret that the provider refuses is our fault: 503 with the settings, and the code stays good', async (t) => {
  const identityProvider = { ...offline.identityProvider, client_secret: 'wrong' }
  const { gateway, idp } = await start(t, {}, { ...offline, identityProvider })
  const begun = await beginSignIn(gateway)
  const back = await signInAt(createBrowser(), begun.url, alice)
  for (const calls of [1, 2]) {
    const { status, headers, body } = await redeem(gateway, begun, back)
    assert.deepEqual([status, body['error']], [503, 'temporarily_unavailable'])
    assert.match(String(body['error_description']), /operator.*client_secret_method/)
    assert.ok(Number(headers.get('retry-after')) <= 10)
    assert.equal(idp.tokenCalls.length, calls)
  }
  const told = gateway.log.filter(
    ({ level, kind }) => level === 'error' && kind === 'identity_provider',
  )
  assert.equal(told.length, 1)
})

test('where the cluster is fed ID tokens, those of the sign-in and of each refresh go up', async (t) => {
  const { gateway, idp, upstream } = await start(
    t,
    { opaque: true, configuration: { conformIdTokenClaims: false } },
    {
      ...offline,
      resource: { ...offline.resource, token_kind: 'id_token', audiences: [clientId] },
    },
  )
  const held = await signIn(gateway, createBrowser(), alice)
  assert.equal((await send(gateway.url, post(held.access))).status, 200)
  const next = heldTokens(await refresh(gateway, held), held.clientId)
  assert.equal((await send(gateway.url, post(next.access))).status, 200)
  const [one, other] = upstream.received.map(({ rawHeaders }) => {
    const [bearer = ''] = headerValues(rawHeaders, 'authorization')
    return JSON.parse(Buffer.from(bearer.split('.')[1] ?? '', 'base64url').toString())
  })
  for (const claims of [one, other]) {
    assert.deepEqual([claims.iss, claims.aud, claims.sub], [idp.issuer, clientId, 'alice'])
  }
  assert.equal(idp.tokenCalls.length, 2)
})

test('an ID token that is not there is missed in words', async (t) => {
  const { gateway } = await start(
    t,
    {},
    { resource: { request_scopes: ['profile'], token_kind: 'id_token', audiences: [clientId] } },
  )
  assertEnded(await tokenAnswer(gateway), /no ID token.*request_scopes must have openid/)
})

test('without the scope openid there is no ID token, and nobody misses it', async (t) => {
  const { gateway } = await start(t, {}, { resource: { request_scopes: ['profile'] } })
  assert.equal((await tokenAnswer(gateway)).status, 200)
})
