import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import {
  type IssuerServer,
  type SigningKey,
  signingKey,
  signToken,
  startIssuerServer,
} from '../support/issuer-server.ts'
import { type OidcGatewayOptions, startOidcGateway } from '../support/oidc-gateway.ts'
import { post, send } from '../support/raw-http.ts'
import { headerValues, startUpstream } from '../support/recording-upstream.ts'

/** A provider whose tokens, or whose documents, are not where its issuer says. */
interface Row {
  readonly identityProvider?: (server: IssuerServer) => Readonly<Record<string, unknown>>
  readonly resource?: Readonly<Record<string, unknown>>
  readonly claims: (server: IssuerServer) => Readonly<Record<string, unknown>>
  readonly user: string
}

const adfs = 'http://adfs.example.com/adfs/services/trust'
const elsewhere = 'https://sso.example.com/realms/main'

const rows: Readonly<Record<string, Row>> = {
  'AD FS: another issuer in tokens, plain http, and no sub': {
    identityProvider: () => ({ user_claim: 'upn' }),
    resource: { token_issuers: [adfs] },
    claims: () => ({ iss: adfs, appid: 'rolecall', upn: 'alice@example.com', scp: 'openid' }),
    user: 'alice@example.com',
  },
  'a URN': {
    resource: { token_issuers: ['urn:example:idp', 'https://other.example'] },
    claims: () => ({ iss: 'urn:example:idp', azp: 'rolecall', sub: 'alice' }),
    user: 'alice',
  },
  'Okta: the client in cid': {
    claims: ({ issuer }) => ({ iss: issuer, cid: 'rolecall', uid: '00u1', sub: 'alice' }),
    user: 'alice',
  },
  'Keycloak by another address than its issuer says': {
    identityProvider: ({ origin }) => ({
      issuer: elsewhere,
      discovery_url: `${origin}/realms/main/.well-known/openid-configuration`,
    }),
    claims: () => ({ iss: elsewhere, azp: 'rolecall', sub: '5b1c', preferred_username: 'alice' }),
    user: 'alice',
  },
}

async function start(
  t: TestContext,
  { identityProvider, resource = {} }: Omit<Row, 'claims' | 'user'>,
) {
  const key = await signingKey('one')
  const server = await startIssuerServer([key])
  t.after(() => server.close())
  const own = identityProvider?.(server) ?? {}
  const issuer = String(own['issuer'] ?? server.issuer)
  server.discovery = { body: { issuer, jwks_uri: `${server.origin}/keys` } }
  const upstream = await startUpstream(t)
  const options: OidcGatewayOptions = {
    issuer: server.issuer,
    upstream: upstream.url,
    identityProvider: own,
    signIn: { mode: 'off' },
    resource,
  }
  return { key, server, upstream, gateway: await startOidcGateway(t, options) }
}

async function tokenOf(key: SigningKey, claims: object): Promise<string> {
  const second = Math.floor(Date.now() / 1000)
  const times = { iat: second - 5, exp: second + 300 }
  return (await signToken(key, { aud: 'kubernetes', ...times, ...claims })).compact
}

for (const [rule, row] of Object.entries(rows)) {
  test(`tokens go up: ${rule}`, async (t) => {
    const { key, server, upstream, gateway } = await start(t, row)
    const token = await tokenOf(key, row.claims(server))
    const { status, text } = await send(gateway.url, post(token))
    assert.equal(status, 200, text)
    const [received] = upstream.received
    assert.deepEqual(headerValues(received?.rawHeaders ?? [], 'authorization'), [`Bearer ${token}`])
    const line = gateway.log.find((one) => one['kind'] === 'request')
    assert.deepEqual([line?.['user'], line?.['azp']], [row.user, 'rolecall'])

    // No other spelling of the issuer is that issuer.
    const { iss } = row.claims(server)
    const other = await tokenOf(key, { ...row.claims(server), iss: `${iss}/` })
    const refused = await send(gateway.url, post(other))
    assert.equal(refused.status, 401)
    assert.match(refused.text, /is from issuer/)
    assert.equal(upstream.received.length, 1)
  })
}

test('the address that is asked is no issuer itself', async (t) => {
  const row = rows['Keycloak by another address than its issuer says']
  assert.ok(row)
  const { key, server, gateway } = await start(t, row)
  const claims = { ...row.claims(server), iss: `${server.origin}/realms/main` }
  const { status, text } = await send(gateway.url, post(await tokenOf(key, claims)))
  assert.equal(status, 401)
  assert.match(text, /this resource takes tokens from https:\/\/sso\.example\.com\/realms\/main/)
})
