import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'
import { exportJWK, type JWK } from 'jose'
import type { Configuration, Provider } from 'oidc-provider'

/** What its tokens may be signed with. */
export type Algorithm = 'RS256' | 'ES256' | 'EdDSA'

export interface OidcProviderOptions {
  /** Default `RS256`. */
  readonly algorithm?: Algorithm
  /** Each refresh answers another refresh token, and one that is shown again ends the grant. */
  readonly rotates?: boolean
  /** What follows the origin in its issuer. Default: nothing. */
  readonly path?: string
  /** Access tokens that nobody but the provider can read. */
  readonly opaque?: boolean
  /** How rolecall proves itself. Default: a secret, registered for `client_secret_basic`. */
  readonly client?: Readonly<Record<string, unknown>>
  /** Put over its feature of that name. */
  readonly resourceIndicators?: Configuration
  /** Put over its discovery document. */
  readonly metadata?: Readonly<Record<string, unknown>>
  /** Put over everything that the options above amount to. */
  readonly configuration?: Configuration
}

/** A request that the token endpoint answered. */
export interface TokenCall {
  readonly authorization: string | undefined
  readonly form: Readonly<Record<string, unknown>>
}

/** oidc-provider with people who can sign in, in this process. */
export interface OidcProvider {
  readonly issuer: string
  readonly provider: Provider
  /** Every request to the token endpoint, in order. */
  readonly tokenCalls: readonly TokenCall[]
  /** Whether an account may still be used; refreshes for one that may not are refused. */
  disable(username: string): void
}

export const clientId = 'rolecall'
export const clientSecret = 'a secret with spaces, %, + and : in it'
/** Whom access tokens are for. */
export const AUDIENCE = 'kubernetes'
/** A resource indicator is a URI (RFC 8707 §2), an audience any text. */
const RESOURCE = 'urn:kubernetes'
const people: Readonly<Record<string, readonly string[]>> = { alice: ['team-a'], bob: ['team-b'] }

/**
 * Starts it on loopback; it ends with the test. People pick their name on its page; `deny` is the
 * button of those who do not want to.
 */
export async function startOidcProvider(
  t: Pick<TestContext, 'after'>,
  options: OidcProviderOptions = {},
): Promise<OidcProvider> {
  const { path = '' } = options
  const server = createServer((request, response) => {
    serve(request, response).catch((error: unknown) => response.destroy(error as Error))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`
  const disabled = new Set<string>()
  const configuration = await configurationOf(options, disabled)
  const provider = await quietly(async () => {
    const { Provider: OidcProvider, interactionPolicy } = await import('oidc-provider')
    const policy = interactionPolicy.base()
    // Else whoever comes back to loopback is asked anew each time, as if never signed in.
    policy.get('consent').checks.remove('native_client_prompt')
    const interactions = {
      policy,
      url: (_context: unknown, { uid }: { uid: string }) => `${path}/interaction/${uid}`,
    }
    return new OidcProvider(issuer, { interactions, ...configuration })
  })
  const tokenCalls: TokenCall[] = []
  provider.use(async (context, next) => {
    await next()
    if (context.oidc?.route === 'discovery') Object.assign(context.body, options.metadata)
    if (context.oidc?.route !== 'token') return
    const { authorization } = context.headers
    tokenCalls.push({ authorization, form: { ...context.oidc.body } })
  })
  const answer = provider.callback()
  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { url = '' } = request
    if (url.includes('/interaction/')) return interact(provider, request, response)
    if (!url.startsWith(path)) return void response.writeHead(404).end()
    // As frameworks tell an app that it is mounted below a path.
    Object.assign(request, { originalUrl: url, url: url.slice(path.length) })
    await answer(request, response)
  }
  return {
    issuer,
    provider,
    tokenCalls,
    disable: (username) => void disabled.add(username),
  }
}

async function configurationOf(
  { algorithm = 'RS256', rotates = false, opaque = false, ...rest }: OidcProviderOptions,
  disabled: ReadonlySet<string>,
): Promise<Configuration> {
  return {
    jwks: { keys: [await signingKey(algorithm)] },
    clients: [
      {
        client_id: clientId,
        client_secret: clientSecret,
        application_type: 'native',
        redirect_uris: ['http://localhost/oauth/callback'],
        grant_types: ['authorization_code', 'refresh_token'],
        response_types: ['code'],
        token_endpoint_auth_method: 'client_secret_basic',
        id_token_signed_response_alg: algorithm,
        ...rest.client,
      },
    ],
    enabledJWA: { idTokenSigningAlgValues: [algorithm] },
    scopes: ['openid', 'profile', 'offline_access'],
    claims: { profile: ['preferred_username'] },
    findAccount: (_context: unknown, id: string) =>
      id in people && !disabled.has(id)
        ? { accountId: id, claims: () => ({ sub: id, preferred_username: id }) }
        : undefined,
    extraTokenClaims: (_context: unknown, { accountId: name }: { accountId?: string }) => {
      return name === undefined ? {} : { preferred_username: name, groups: people[name] }
    },
    rotateRefreshToken: rotates,
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      revocation: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => RESOURCE,
        useGrantedResource: () => true,
        ...rest.resourceIndicators,
        getResourceServerInfo: () => ({
          scope: '',
          audience: AUDIENCE,
          accessTokenTTL: 300,
          ...(opaque
            ? { accessTokenFormat: 'opaque' }
            : { accessTokenFormat: 'jwt', jwt: { sign: { alg: algorithm } } }),
        }),
      },
    },
    cookies: { keys: ['the key of a test'] },
    ttl: {
      AccessToken: 300,
      Interaction: 600,
      Session: 3600,
      Grant: 3600,
      RefreshToken: 3600,
      IdToken: 300,
    },
    ...rest.configuration,
  }
}

/** Its sign-in page, and what is pressed there. */
async function interact(
  provider: Provider,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { params } = await provider.interactionDetails(request, response)
  if (request.method !== 'POST') {
    const buttons = Object.keys(people).map(
      (name) => `<button name="username" value="${name}">${name}</button>`,
    )
    const deny = '<button name="deny" value="yes">No</button>'
    response.writeHead(200, { 'content-type': 'text/html' })
    response.end(`<form method="post" action="${request.url}">${buttons.join('')}${deny}</form>`)
    return
  }
  const accountId = new URLSearchParams(await bodyOf(request)).get('username')
  if (accountId === null) {
    const error = { error: 'access_denied', error_description: 'NOT FOR CLIENTS' }
    return provider.interactionFinished(request, response, error)
  }
  const grant = new provider.Grant({ accountId, clientId: String(params['client_id']) })
  grant.addOIDCScope(String(params['scope']))
  grant.addResourceScope(RESOURCE, '')
  const consent = { grantId: await grant.save() }
  await provider.interactionFinished(request, response, { login: { accountId }, consent })
}

const keyPairs: Readonly<Record<Algorithm, () => { readonly privateKey: KeyObject }>> = {
  RS256: () => generateKeyPairSync('rsa', { modulusLength: 2048 }),
  ES256: () => generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  EdDSA: () => generateKeyPairSync('ed25519'),
}

/** Keys are made once a test file. */
const made = new Map<Algorithm, Promise<JWK>>()

function signingKey(algorithm: Algorithm): Promise<JWK> {
  const there = made.get(algorithm)
  if (there) return there
  const { privateKey } = keyPairs[algorithm]()
  const key = exportJWK(privateKey).then((jwk) => ({ ...jwk, kid: algorithm, use: 'sig' }))
  made.set(algorithm, key)
  return key
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString()
}

/** It warns of Node 20 and of its memory, which are as they should be here. */
async function quietly<T>(work: () => Promise<T>): Promise<T> {
  const { warn, info } = console
  console.warn = () => undefined
  console.info = () => undefined
  try {
    return await work()
  } finally {
    console.warn = warn
    console.info = info
  }
}
