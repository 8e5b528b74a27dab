import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { systemClock } from '../../../src/clock.ts'
import type { Config } from '../../../src/config/config.ts'
import { readJwt } from '../../../src/oauth/jwt.ts'
import { createMetadataFetch } from '../../../src/sign-in/clients/metadata-cache.ts'
import { createBrowser, signInAt } from '../../environment/browser.ts'
import { holmes } from '../../environment/mock-entra/directory.ts'
import { startBroker } from '../../support/broker-gateway.ts'
import {
  authorizeUrl,
  codeForm,
  endpoint,
  refreshForm,
  state as usualState,
} from '../../support/broker-sign-in.ts'
import { assertRefused, assertTold } from '../../support/browser-answers.ts'
import {
  type ClientShape,
  clientShapes,
  type KnownClient,
  operatorsClient,
  placesBeside,
  registrationOf,
  shapeOf,
  shownBy,
  spelled,
} from '../../support/client-shapes.ts'
import { type Gateway, startEntra } from '../../support/gateway.ts'
import { sealingKey } from '../../support/handed-out.ts'
import { metadata, resolvesTo, startMetadataHost } from '../../support/metadata-host.ts'
import { type Answer, post, type Sent, send } from '../../support/raw-http.ts'
import { headerValues, startUpstream } from '../../support/recording-upstream.ts'
import { type Change, form, scope } from '../../support/relay-gateway.ts'
import { tapTokenEndpoint } from '../../support/token-tap.ts'

const json = ['Content-Type', 'application/json'] as const
const urlEncoded = ['Content-Type', 'application/x-www-form-urlencoded'] as const

/** A rolecall set up for one client, between a tapped provider and an upstream that keeps its calls. */
async function startFor(t: TestContext, shape: ClientShape, config: Partial<Config> = {}) {
  const { introduction, redirectUris, issuerParameter = true } = shape
  const entra = await startEntra(t)
  const upstream = await startUpstream(t)
  const host = await startMetadataHost(t)
  const tap = await tapTokenEndpoint(t, entra)
  const { gateway } = await startBroker(t, {
    entra,
    upstream: upstream.url,
    config,
    signIn: {
      redirect_uris: redirectUris,
      registration: 'registers' in introduction,
      client_metadata_hosts: 'publishes' in introduction ? [host.host] : [],
      issuer_parameter: issuerParameter,
      clients: 'configured' in introduction ? [operatorsClient(introduction)] : [],
    },
    fetchMetadata: createMetadataFetch({
      clock: systemClock,
      certificateAuthority: host.certificateAuthority,
      lookup: resolvesTo('127.0.0.1'),
    }),
  })
  const page = shape.page?.worksAlone ? shape.page.origin : undefined
  return { shape, gateway, upstream, host, tap, page }
}

type Scene = Awaited<ReturnType<typeof startFor>>

/** Asks as a program does, or as a page, which must be able to read it. The answer is JSON without null. */
async function ask(url: string, sent: Sent = {}, page?: string): Promise<Answer> {
  const origin = page === undefined ? [] : [['Origin', page] as const]
  const answer = await send(url, { ...sent, headers: [...(sent.headers ?? []), ...origin] })
  assert.match(answer.headers['content-type'] ?? '', /^application\/json/, url)
  if (page !== undefined) assertReadable(answer, page)
  assert.doesNotMatch(answer.text, /[:[,]\s*null\b/)
  if (sent.method !== 'HEAD') answer.json()
  return answer
}

function assertReadable({ headers }: Answer, page: string): void {
  assert.match(headers['access-control-allow-origin'] ?? '', new RegExp(`^(?:[*]|${page})$`))
  assert.equal(headers['access-control-allow-credentials'], undefined)
}

/** Finds the authorization server as the client does, and everything there that it insists on. */
async function discover({ shape, gateway, page }: Scene): Promise<void> {
  const { origin } = gateway
  for (const [probe, status] of Object.entries(shape.probes ?? {})) {
    const [method = '', path = ''] = probe.split(' ')
    const answer = await ask(origin + path, { method })
    assert.equal(answer.status, status, probe)
    assert.equal(answer.headers['www-authenticate'], undefined, probe)
  }
  const issuer = shape.finds === undefined ? await issuerOf(gateway, page) : origin
  const address = `${issuer}/.well-known/oauth-authorization-server`
  const { status, json: server } = await ask(address, {}, page)
  assert.equal(status, 200)
  assertUsable(server(), issuer, shape)
}

/** Where the challenge leads. The resource has to be the URL that was typed, to the letter. */
async function issuerOf({ url }: Gateway, page: string | undefined): Promise<string> {
  const refused = await ask(url, post(undefined), page)
  assert.equal(refused.status, 401)
  if (page) assert.match(String(refused.headers['access-control-expose-headers']), /WWW-Auth/)
  const challenge = refused.headers['www-authenticate'] ?? ''
  const [, address] = /^Bearer resource_metadata="(http:[^"]+)", scope="mcp"$/.exec(challenge) ?? []
  const resource = await ask(address ?? assert.fail(challenge), {}, page)
  assert.equal(resource.status, 200)
  assert.equal(resource.json()['resource'], url)
  const [issuer, ...more] = resource.json()['authorization_servers'] as readonly string[]
  assert.deepEqual(more, [])
  return issuer ?? assert.fail('no authorization server')
}

function assertUsable(
  server: Readonly<Record<string, unknown>>,
  issuer: string,
  { introduction, issuerParameter = true }: ClientShape,
): void {
  const at = (path: string) => endpoint({ origin: issuer }, path)
  assert.doesNotMatch(issuer, /\/$/)
  for (const [member, expected] of Object.entries({
    issuer,
    authorization_endpoint: at('authorize'),
    token_endpoint: at('token'),
    registration_endpoint: 'registers' in introduction ? at('register') : undefined,
    client_id_metadata_document_supported: 'publishes' in introduction ? true : undefined,
    authorization_response_iss_parameter_supported: issuerParameter,
    code_challenge_methods_supported: ['S256'],
    token_endpoint_auth_methods_supported: ['none', 'client_secret_basic', 'client_secret_post'],
    grant_types_supported: ['authorization_code', 'refresh_token'],
    scopes_supported: ['mcp'],
  })) {
    assert.deepEqual(server[member], expected, member)
  }
}

function register({ shape, gateway }: Scene, body: unknown): Promise<Answer> {
  const sent = { method: 'POST', headers: [json], body: JSON.stringify(body) }
  return ask(endpoint(gateway, 'register'), sent, shape.page?.origin)
}

async function introduce(scene: Scene): Promise<KnownClient> {
  const { introduction } = scene.shape
  if ('configured' in introduction) {
    const { client_id, client_secret } = operatorsClient(introduction)
    return { id: client_id, secret: client_secret }
  }
  if ('publishes' in introduction) {
    const { path, members } = introduction.publishes
    const { host } = scene
    return { id: host.publish(path, { body: metadata(host.url(path), members) }) }
  }
  const answer = await register(scene, registrationOf(introduction))
  assert.equal(answer.status, 201, answer.text)
  const { client_id: id, token_endpoint_auth_method: method, client_secret } = answer.json()
  assert.deepEqual([method, client_secret], ['none', undefined])
  return { id: String(id) }
}

function requestOf({ shape, gateway }: Scene, { id }: KnownClient, change: Change = {}): string {
  return authorizeUrl(gateway, {
    client_id: id,
    redirect_uri: shape.answeredAt,
    resource: spelled(gateway, shape.resource.authorize),
    ...shape.authorize,
    ...change,
  })
}

/** What is in every answer beside the code or the error. */
function answered({ shape, gateway }: Scene) {
  const { authorize = {}, issuerParameter = true } = shape
  const state = 'state' in authorize ? authorize['state'] : usualState
  return { ...(state !== undefined && { state }), ...(issuerParameter && { iss: gateway.origin }) }
}

/** The person allows it and signs in; the code is in the answer at the client's own address. */
async function signIn(scene: Scene, known: KnownClient): Promise<string> {
  const visited: string[] = []
  const browser = createBrowser((url, init) => {
    visited.push(url)
    return fetch(url, init)
  })
  const back = await signInAt(browser, requestOf(scene, known), { username: 'alice' })
  const { code = '', ...rest } = Object.fromEntries(back.searchParams)
  assert.deepEqual(rest, answered(scene))
  assert.match(code, /^[\w.~-]+$/, 'VS Code redeems it as it stands encoded in the address')
  const { entra, origin } = scene.gateway
  const provider = `${entra.origin}/${entra.tenantId}/oauth2/v2.0/authorize?`
  const [asked = '', ...more] = visited.filter((url) => url.startsWith(provider))
  assert.deepEqual(more, [])
  assertOurs(new URL(asked).searchParams, `${origin}/oauth/callback`)
  return code
}

/** No prompt, resource or scope of the client's goes to the provider. */
function assertOurs(asked: URLSearchParams, callback: string): void {
  const { state, nonce, code_challenge, ...rest } = Object.fromEntries(asked)
  for (const ours of [state, nonce, code_challenge]) assert.match(ours ?? '', /./)
  assert.deepEqual(rest, {
    response_type: 'code',
    client_id: holmes.client_id,
    redirect_uri: callback,
    scope,
    code_challenge_method: 'S256',
  })
}

function askForTokens(
  { shape, gateway, page }: Scene,
  known: KnownClient,
  request: Change,
): Promise<Answer> {
  const { fields, lines } = shownBy(shape, known)
  const body = form({ ...request, ...fields }).toString()
  const sent = { method: 'POST', headers: [urlEncoded, ...lines], body }
  return ask(endpoint(gateway, 'token'), sent, page)
}

function redemption({ shape, gateway }: Scene, { id }: KnownClient, code: string): Change {
  const resource = spelled(gateway, shape.resource.token)
  return codeForm(code, { client_id: id, redirect_uri: shape.answeredAt, resource })
}

/** Tokens as every client can keep them, for which the provider was asked in our words. */
function tokensIn({ tap }: Scene, answer: Answer): { access: string; refresh: string } {
  assert.equal(answer.status, 200, answer.text)
  const { access_token, refresh_token, token_type, expires_in } = answer.json()
  assert.equal(Number.isInteger(expires_in) && Number(expires_in) > 0, true, answer.text)
  assert.deepEqual([token_type, typeof refresh_token], ['Bearer', 'string'])
  const asked = ['scope', 'client_id', 'resource'].map((name) => tap.forms().at(-1)?.get(name))
  assert.deepEqual(asked, [scope, holmes.client_id, null])
  return { access: String(access_token), refresh: String(refresh_token) }
}

/** The call arrives with what the provider gave last, and that is alice's. */
async function callAsAlice({ gateway, upstream, tap, page }: Scene, access: string) {
  const answer = await ask(gateway.url, post(access), page)
  assert.equal(answer.status, 200, answer.text)
  const { access_token: given } = JSON.parse(tap.answers.at(-1) ?? '') as Record<string, string>
  const arrived = upstream.received.at(-1)?.rawHeaders ?? []
  assert.deepEqual(headerValues(arrived, 'authorization'), [`Bearer ${given}`])
  assert.equal(readJwt(given ?? '')?.claims['upn'], 'alice@contoso.test')
  assert.notEqual(access, given)
}

async function goTheWholeWay(scene: Scene, known: KnownClient): Promise<void> {
  const { shape, gateway, upstream } = scene
  const code = await signIn(scene, known)
  const redeemed = await askForTokens(scene, known, redemption(scene, known, code))
  const first = tokensIn(scene, redeemed)
  await callAsAlice(scene, first.access)
  const resource = spelled(gateway, shape.resource.refresh)
  const change = { client_id: known.id, resource, ...shape.refresh }
  const refreshed = await askForTokens(scene, known, refreshForm(first.refresh, change))
  const second = tokensIn(scene, refreshed)
  assert.notEqual(second.access, first.access)
  await callAsAlice(scene, second.access)
  assert.equal(upstream.received.length, 2)
}

/** What the page's browser asks beforehand; a page that has a server for its calls may make none. */
async function assertPreflights({ shape: { page }, gateway }: Scene): Promise<void> {
  if (page === undefined) return
  const { origin, url } = gateway
  const called = page.worksAlone ? 204 : 403
  for (const [address, method, asked, status] of [
    [endpoint(gateway, 'register'), 'POST', 'content-type,mcp-protocol-version', 204],
    [endpoint(gateway, 'token'), 'POST', 'authorization,content-type', 204],
    [`${origin}/.well-known/oauth-protected-resource/mcp`, 'GET', 'mcp-protocol-version', 204],
    [`${origin}/.well-known/oauth-authorization-server`, 'GET', 'mcp-protocol-version', 204],
    [url, 'POST', 'authorization,content-type,mcp-protocol-version,mcp-session-id', called],
    [url, 'DELETE', 'authorization,mcp-session-id', called],
    [endpoint(gateway, 'authorize'), 'GET', 'content-type', 405],
  ] as const) {
    const headers = [
      ['Origin', page.origin],
      ['Access-Control-Request-Method', method],
      ['Access-Control-Request-Headers', asked],
    ] as const
    const answer = await send(address, { method: 'OPTIONS', headers })
    assert.equal(answer.status, status, address)
    const allowed = (what: string) => answer.headers[`access-control-allow-${what}`]
    assert.equal(allowed('headers'), status === 204 ? asked : undefined)
    assert.equal(String(allowed('methods')).includes(method), status === 204)
    if (status === 204) assertReadable(answer, page.origin)
    else assert.equal(allowed('origin'), undefined)
  }
}

for (const shape of clientShapes) {
  test(`${shape.client} signs a person in, calls and refreshes: ${shape.rule}`, async (t) => {
    const scene = await startFor(t, shape)
    await assertPreflights(scene)
    await discover(scene)
    await goTheWholeWay(scene, await introduce(scene))
  })

  test(`${shape.client} is answered nowhere else, and gets nothing for another resource`, async (t) => {
    const scene = await startFor(t, shape)
    const known = await introduce(scene)
    const { get } = createBrowser()
    for (const redirect_uri of placesBeside(shape)) {
      await assertRefused(await get(requestOf(scene, known, { redirect_uri })), 400)
    }
    const foreign = { resource: 'https://elsewhere.example/mcp' }
    const told = { at: shape.answeredAt, ...answered(scene) }
    const words = new RegExp(`expected ${scene.gateway.url}`)
    await assertTold(await get(requestOf(scene, known, foreign)), told, ['invalid_target', words])
    const good = redemption(scene, known, await signIn(scene, known))
    const refused = await askForTokens(scene, known, { ...good, ...foreign })
    assert.deepEqual([refused.status, refused.json()['error']], [400, 'invalid_target'])
    if (shape.shows) {
      const answer = await askForTokens(scene, { ...known, secret: 'of another' }, good)
      assert.deepEqual([answer.status, answer.json()['error']], [401, 'invalid_client'])
    }
    tokensIn(scene, await askForTokens(scene, known, good))
  })
}

test('no client gets to a sign-in without what its row has the operator allow', async (t) => {
  for (const { page: _, ...row } of clientShapes) {
    const scene = await startFor(t, {
      ...row,
      redirectUris: ['https://elsewhere.example/callback'],
    })
    if ('registers' in row.introduction) {
      const answer = await register(scene, registrationOf(row.introduction))
      assert.equal(answer.status, 400, row.client)
      assert.match(answer.text, /invalid_redirect_uri.*sign_in\.redirect_uris/)
    } else if ('publishes' in row.introduction) {
      const answer = await createBrowser().get(requestOf(scene, await introduce(scene)))
      await assertRefused(answer, 400, /sign_in\.redirect_uris/)
    }
  }
})

test('VS Code goes on with the client id that it got before a restart', async (t) => {
  const shape = shapeOf('VS Code, registered')
  const before = await startFor(t, shape, { sealing_keys: [sealingKey] })
  const known = await introduce(before)
  await before.gateway.service.stop(AbortSignal.abort())
  const { listen, public_url, sealing_keys } = before.gateway.config
  await goTheWholeWay(await startFor(t, shape, { listen, public_url, sealing_keys }), known)
})

test("Warp's desktop app, with its private scheme alone, is told what is allowed", async (t) => {
  const scene = await startFor(t, shapeOf('Warp in a terminal'))
  const answer = await register(scene, { redirect_uris: ['warp://mcp/oauth2callback'] })
  assert.equal(answer.status, 400)
  assert.match(answer.text, /invalid_redirect_uri.*sign_in\.redirect_uris/)
})

test('opencode is refused while its document does not list where it listens', async (t) => {
  const row = shapeOf('opencode, by its metadata document')
  const members = { redirect_uris: ['http://127.0.0.1/callback', 'http://localhost/callback'] }
  const publishes = { path: '/oauth/opencode/client.json', members }
  const scene = await startFor(t, { ...row, introduction: { publishes } })
  const page = await createBrowser().get(requestOf(scene, await introduce(scene)))
  await assertRefused(page, 400, /redirect_uri/)
})

test('every client of mcp-authorization.md §3.3 has a row', () => {
  const named = `Claude Code, claude.ai and Desktop, VS Code, Cursor, ChatGPT, Codex, Copilot CLI,
    opencode, Gemini CLI, Zed, Junie and JetBrains, Warp, Inspector, mcp-remote, the Python SDK,
    the C# SDK, M365 Copilot`
  for (const name of named.split(/,\s+/)) {
    const rows = clientShapes.filter(({ client }) => client.startsWith(name))
    assert.notEqual(rows.length, 0, name)
  }
})
