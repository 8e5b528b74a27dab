import { createSign } from 'node:crypto'
import { createAuthority } from '../../environment/certificates.ts'
import { type Client, holmes, publicClient } from '../../environment/mock-entra/directory.ts'
import { AUDIENCE, startOidcProvider } from '../../support/oidc-provider.ts'
import { rsaKeyPair } from '../../support/rsa-keys.ts'
import type { BrokenSetUp, FaultGroup, SetUp } from '../set-up.ts'
import { type Changes, sealingKeys, type World } from '../world.ts'

/** A rolecall by relay whose client is another, or proves itself in another way. */
function row(
  fault: string,
  doctor: RegExp,
  changes: (world: World) => Changes | Promise<Changes>,
  over: Partial<BrokenSetUp> & { readonly clients?: readonly Client[] } = {},
): BrokenSetUp {
  const { clients, ...rest } = over
  return {
    fault,
    named: { doctor },
    async build(world) {
      const entra = await world.entra(clients ? { clients } : {})
      return { file: await world.relay(entra, await changes(world)) }
    },
    ...rest,
  }
}

const unknownClient = '00000000-dead-4000-8000-00000000a991'
const withoutSecret = { client_secret: undefined }

/** What rolecall proves itself with, tried by use. */
export const credentialFaults: FaultGroup = {
  title: "rolecall's own credential",
  rows: [
    row(
      'The client id is that of no app in the tenant',
      /credential: .*no app with this client id \(AADSTS700016\).*identity_provider\.client_id/s,
      (world) => {
        world.call(unknownClient, '<another-client-id>')
        return { provider: { client_id: unknownClient } }
      },
    ),
    row(
      'The client secret is wrong',
      /credential: The client secret is wrong \(AADSTS7000215\).*Value/s,
      () => ({ provider: { client_secret: 'not-the-secret' } }),
    ),
    row(
      'The Secret ID is given in place of its value, and tried',
      /credential: The client secret is wrong|configuration: .*GUID/,
      () => ({ provider: { client_secret: '0f8fad5b-d9cb-469f-a165-70867728950e' } }),
      { named: { check: /GUID.*Value/s, doctor: /credential: .*AADSTS7000215.*Secret ID/s } },
    ),
    {
      fault: 'The client secret has expired',
      named: { doctor: /credential: The client secret has expired \(AADSTS7000222\).*new one/s },
      async build(world) {
        const entra = await world.entra()
        entra.answer(`/${entra.tenantId}/oauth2/v2.0/token`, {
          status: 401,
          body: JSON.stringify({ error: 'invalid_client', error_codes: [7000222] }),
        })
        return { file: await world.relay(entra) }
      },
    },
    row(
      'The app demands a secret, and none is configured',
      /credential: .*none was sent \(AADSTS7000218\).*client_secret_file/s,
      () => ({ provider: withoutSecret }),
    ),
    row(
      'A secret is configured for a public client',
      /credential: .*public client.*\(AADSTS700025\).*platform Web/s,
      () => ({ provider: { client_id: publicClient.client_id, client_secret: 'x' } }),
      { besides: /redirect URI/ },
    ),
    row(
      'The certificate is not registered with the app',
      /credential: The certificate.*\(AADSTS700027\).*Upload/s,
      (world) => certificateOf(world),
      { clients: [await assertingClient()] },
    ),
    {
      fault: 'The certificate ends within a month',
      named: { doctor: /credential: The certificate ends in \d days.*register/s },
      exit: 0,
      async build(world) {
        const { provider, certificate } = await certificateOf(world)
        const { client_secret: _secret, ...client } = holmes
        const entra = await world.entra({ clients: [{ ...client, certificates: [certificate] }] })
        return { file: await world.relay(entra, { provider }) }
      },
    },
    row(
      'The file of the federated token is not there',
      /credential: .*federated_token_file cannot be read \(ENOENT\)/s,
      () => ({
        provider: { ...withoutSecret, federated_token_file: '/var/run/secrets/azure/none' },
      }),
      {
        clients: [await assertingClient()],
        named: {
          check: /federated_token_file .*ENOENT.*azure\.workload\.identity\/use/s,
          doctor: /credential: .*federated_token_file cannot be read \(ENOENT\)/s,
        },
      },
    ),
    row(
      'The federated token is the one of the ServiceAccount itself',
      /credential: .*is for https:\/\/kubernetes\.default\.svc.*api:\/\/AzureADTokenExchange/s,
      (world) => tokenOf(world, { aud: ['https://kubernetes.default.svc'], exp: inSeconds(3600) }),
      { clients: [await assertingClient()] },
    ),
    row(
      'The federated token was not renewed',
      /credential: .*ended \d+ minutes ago.*subPath/s,
      (world) => tokenOf(world, { aud: ['api://AzureADTokenExchange'], exp: inSeconds(-600) }),
      { clients: [await assertingClient()] },
    ),
    row(
      'No federated credential of the app fits the token',
      /credential: .*\(AADSTS700213\).*issuer, subject and audience/s,
      (world) =>
        tokenOf(world, {
          aud: ['api://AzureADTokenExchange'],
          sub: 'system:serviceaccount:default:rolecall',
          exp: inSeconds(3600),
        }),
      { clients: [await assertingClient()] },
    ),
    {
      fault: 'The secret is wrong at another provider than Entra',
      named: { doctor: /credential: .*refused rolecall's own credential.*client_secret_method/s },
      build: (world) => oidcSetUp(world, { client_secret: 'not the secret' }),
    },
  ],
}

/** As holmes is, with a federated credential in place of the secret. */
export async function assertingClient(): Promise<Client> {
  const { client_secret: _secret, ...client } = holmes
  const { publicKey: key } = rsaKeyPair('federated')
  const credential = {
    issuer: 'https://oidc.aks',
    subject: 'system:serviceaccount:mcp:rolecall',
    audience: 'api://AzureADTokenExchange',
    key,
  }
  return { ...client, federated_credentials: [credential] }
}

export async function certificateOf(world: World, days?: number) {
  const authority = await createAuthority('Certificate of rolecall')
  const { certificate, key } = await authority.issue({
    clientName: 'rolecall',
    ...(days && { days }),
  })
  const provider = {
    ...withoutSecret,
    client_certificate_file: world.file('tls.crt', certificate),
    client_key_file: world.file('tls.key', key),
  }
  return { provider, certificate }
}

export function inSeconds(seconds: number): number {
  return Math.floor(Date.now() / 1000) + seconds
}

/** A projected token of a workload, as AKS writes it. */
export function tokenOf(world: World, claims: Readonly<Record<string, unknown>>): Changes {
  const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url')
  const whole = { iss: 'https://oidc.aks', sub: 'system:serviceaccount:mcp:rolecall', ...claims }
  const text = `${encode({ alg: 'RS256', kid: 'aks' })}.${encode(whole)}`
  const signature = createSign('RSA-SHA256').update(text)
  const { privateKey } = rsaKeyPair('federated')
  const file = world.file('token', `${text}.${signature.sign(privateKey, 'base64url')}`)
  return { provider: { ...withoutSecret, federated_token_file: file } }
}

/** A broker at a certified OIDC provider. */
export async function oidcSetUp(
  world: World,
  provider: Readonly<Record<string, unknown>> = {},
  over: Parameters<typeof startOidcProvider>[1] = {},
): Promise<SetUp> {
  const [port, adminPort] = [await world.port(), await world.port()]
  const callback = `http://localhost:${port}/oauth/callback`
  const idp = await startOidcProvider(world, {
    ...over,
    client: { redirect_uris: [callback], ...over.client },
  })
  world.call(idp.issuer, 'https://idp.example.com')
  world.call(`http://localhost:${port}`, 'https://mcp.example.com')
  const file = {
    listen: `127.0.0.1:${port}`,
    admin_listen: `127.0.0.1:${adminPort}`,
    shutdown_delay: '0s',
    sealing_keys: sealingKeys,
    identity_provider: {
      kind: 'oidc',
      issuer: idp.issuer,
      client_id: 'rolecall',
      client_secret: 'a secret with spaces, %, + and : in it',
      ...provider,
    },
    sign_in: { mode: 'broker', redirect_uris: ['loopback'] },
    resource: [
      {
        name: 'prod',
        upstream: await world.upstream(),
        audiences: [AUDIENCE],
        request_scopes: ['openid', 'profile', 'offline_access'],
      },
    ],
  }
  return { file }
}
