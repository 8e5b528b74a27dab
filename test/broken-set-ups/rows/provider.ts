import type { JWK } from 'jose'
import { createAuthority, loopbackNames } from '../../environment/certificates.ts'
import { type IssuerServer, signingKey, startIssuerServer } from '../../support/issuer-server.ts'
import type { BrokenSetUp, FaultGroup, SetUp } from '../set-up.ts'
import type { World } from '../world.ts'

/** A small OIDC provider, and a rolecall in mode off before an MCP server. */
async function oidc(
  world: World,
  change: (server: IssuerServer) => void,
  provider: Readonly<Record<string, unknown>> = {},
  keys?: readonly JWK[],
): Promise<SetUp> {
  const server = await startIssuerServer([await signingKey('one')], '/realms/k8s')
  world.after(() => server.close())
  world.call(server.origin, 'https://keycloak.example.com')
  if (keys) server.keys = { body: { keys } }
  change(server)
  const [port, adminPort] = [await world.port(), await world.port()]
  world.call(`http://localhost:${port}`, 'https://mcp.example.com')
  const file = {
    listen: `127.0.0.1:${port}`,
    admin_listen: `127.0.0.1:${adminPort}`,
    shutdown_delay: '0s',
    identity_provider: { kind: 'oidc', issuer: server.issuer, ...provider },
    resource: [
      {
        name: 'prod',
        upstream: await world.upstream(),
        audiences: ['kubernetes'],
        allowed_clients: ['*'],
      },
    ],
  }
  return { file }
}

function named(server: IssuerServer, over: Readonly<Record<string, unknown>>): void {
  const { body } = server.discovery as { readonly body: object }
  server.discovery = { body: { ...body, ...over } }
}

function oidcRow(
  fault: string,
  change: (server: IssuerServer) => void,
  doctor: RegExp,
  over: Partial<BrokenSetUp> & { readonly keys?: readonly JWK[] } = {},
): BrokenSetUp {
  const { keys, ...rest } = over
  return { fault, named: { doctor }, build: (world) => oidc(world, change, {}, keys), ...rest }
}

/** The mock Entra with one fault, and HolmesGPT by relay. */
function entraRow(
  fault: string,
  doctor: RegExp,
  build: BrokenSetUp['build'],
  over: Partial<BrokenSetUp> = {},
): BrokenSetUp {
  return { fault, named: { doctor }, build, ...over }
}

const otherTenant = '99999999-0000-4000-8000-00000000ca11'
const ecKey: JWK = {
  kty: 'EC',
  crv: 'P-256',
  kid: 'ec',
  use: 'sig',
  x: 'MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4',
  y: '4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM',
}

/** Discovery, keys, cloud and clock. */
export const providerFaults: FaultGroup = {
  title: 'The identity provider',
  rows: [
    entraRow(
      'The tenant does not exist',
      /Entra does not know this tenant.*AADSTS90002.*tenant_id/s,
      async (world) => {
        const entra = await world.entra()
        world.call(otherTenant, '<another-tenant-id>')
        return { file: await world.relay(entra, { provider: { tenant_id: otherTenant } }) }
      },
    ),
    entraRow(
      'The tenant is in another cloud',
      /cloud: .*microsoftonline\.us.*cloud = "usgov"/s,
      async (world) => {
        const entra = await world.entra()
        const url = `/${entra.tenantId}/v2.0/.well-known/openid-configuration`
        const document = (await (await fetch(entra.origin + url)).json()) as object
        const body = JSON.stringify({ ...document, cloud_instance_name: 'microsoftonline.us' })
        entra.answer(url, { body })
        return { file: await world.relay(entra) }
      },
      { besides: /keys/ },
    ),
    entraRow(
      'The mock provider signs users in behind a public name',
      /keys: .*mock identity provider.*real identity provider/s,
      async (world) => {
        const entra = await world.entra()
        const public_url = 'https://rolecall.invalid'
        return { file: await world.relay(entra, { top: { public_url } }) }
      },
      { besides: /public_url/ },
    ),
    oidcRow(
      'The issuer lacks the slash at its end',
      (server) => named(server, { issuer: `${server.issuer}/` }),
      /differs by the slash at the end.*Write issuer = "http.*k8s\/"/s,
    ),
    oidcRow(
      'The issuer is written in other capitals',
      (server) => named(server, { issuer: server.issuer.replace('realms/k8s', 'realms/K8s') }),
      /differs by capitals.*Write issuer = "http.*K8s"/s,
    ),
    {
      fault: 'The provider behind a proxy calls itself http',
      named: { doctor: /users reach it by https.*X-Forwarded-Proto/s },
      async build(world) {
        const authority = await createAuthority('Private Authority')
        const entra = await world.entra({ tls: await authority.issue({ names: loopbackNames }) })
        const file = world.file('ca.crt', authority.certificate)
        const path = `${entra.tenantId}/v2.0`
        entra.wrongIssuer(`${entra.origin.replace('https:', 'http:')}/${path}`)
        world.call(entra.origin.replace('https:', 'http:'), 'http://idp.example.com')
        world.call(entra.origin, 'https://idp.example.com')
        const {
          authority: _authority,
          tenant_id: _tenant,
          ...provider
        } = Object((await world.relay(entra))['identity_provider'])
        const oidc = { kind: 'oidc', issuer: `${entra.origin}/${path}` }
        const changed = { ...provider, ...oidc, certificate_authority_file: file }
        const relay = await world.relay(entra)
        return { file: { ...relay, identity_provider: changed } }
      },
    },
    oidcRow(
      'A proxy answers a web page in place of the discovery document',
      (server) => {
        server.discovery = (_request, response) =>
          void response.writeHead(200, { 'content-type': 'text/html' }).end('<html>Sign in</html>')
      },
      /discovery: .*a web page.*issuer/s,
    ),
    oidcRow(
      'There is no provider at that path',
      (server) => {
        server.discovery = { status: 404, body: {} }
      },
      /discovery: .*did not answer 200.*issuer/s,
    ),
    oidcRow(
      'The key set is empty',
      () => undefined,
      /keys: the key set is empty.*signing_algorithms/s,
      { keys: [] },
    ),
    oidcRow(
      'Keys are of another algorithm than is taken',
      () => undefined,
      /keys: .*no usable key for RS256, only EC P-256.*signing_algorithms/s,
      { keys: [ecKey] },
    ),
    oidcRow(
      'Access tokens are from another issuer than the document names (AD FS)',
      (server) =>
        named(server, { access_token_issuer: 'http://adfs.example.com/adfs/services/trust' }),
      /token issuers: .*adfs\.example\.com.*token_issuers = \["http:\/\/adfs/s,
      { exit: 0 },
    ),
    oidcRow(
      'The clock of this machine is five minutes late',
      (server) => {
        const { body } = server.discovery as { readonly body: object }
        server.discovery = (_request, response) => {
          response.setHeader('date', new Date(Date.now() + 300_000).toUTCString())
          response.setHeader('content-type', 'application/json').end(JSON.stringify(body))
        }
      },
      /clock: It is \d+ s behind.*NTP/s,
    ),
    {
      fault: 'The provider cannot be reached',
      named: { doctor: /discovery: .*could not be reached \(ECONNREFUSED\).*network policies/s },
      exit: 3,
      async build(world) {
        const entra = await world.entra()
        const file = await world.relay(entra)
        await entra.close()
        return { file }
      },
    },
    {
      fault: "The authority of the provider's certificate is not known",
      named: { doctor: /discovery: .*certificate not trusted.*certificate_authority_file/s },
      async build(world) {
        const authority = await createAuthority('Private Authority')
        const entra = await world.entra({ tls: await authority.issue({ names: loopbackNames }) })
        return { file: await world.relay(entra) }
      },
    },
    {
      fault: 'Keycloak names an address that only the cluster knows',
      named: { doctor: /redirect URI: .*only the cluster knows.*--hostname/s },
      besides: /public_url|offline_access/,
      async build(world) {
        const setUp = await oidc(world, (server) =>
          named(server, {
            authorization_endpoint: 'https://keycloak.keycloak.svc/realms/k8s/auth',
            token_endpoint: `${server.origin}/token`,
          }),
        )
        const provider = setUp.file['identity_provider'] as object
        const signIn = { mode: 'broker', redirect_uris: ['loopback'] }
        return {
          file: {
            ...setUp.file,
            public_url: 'https://rolecall.invalid',
            sealing_keys: 'A'.repeat(43),
            identity_provider: { ...provider, client_id: 'rolecall' },
            sign_in: signIn,
          },
        }
      },
    },
  ],
}
