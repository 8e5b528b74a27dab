import * as oidc from 'openid-client'
import { Agent, type Dispatcher, fetch, getGlobalDispatcher, type RequestInit } from 'undici'
import { aksServerId, type Client, holmes } from './mock-entra/directory.ts'
import type { MockEntra } from './mock-entra/mock-entra.ts'

export interface SignInOptions {
  /** Absent: `holmes`. Its first loopback address is used; nothing has to listen there. */
  readonly client?: Client
  /** Absent: what the documentation page asks for, and `offline_access`. */
  readonly scope?: string
  /** PEM: who issued the mock's certificate, where it has one. */
  readonly certificateAuthority?: string
}

/** What the person's client ends up with. */
export interface SignedIn {
  readonly access_token: string
  readonly id_token: string | undefined
  readonly refresh_token: string | undefined
  /** Seconds. */
  readonly expires_in: number | undefined
}

/**
 * Signs a person in as a browser and a client would, without either: the code flow with PKCE, state
 * and nonce, through openid-client, with the account picked on the mock's own page.
 *
 * @param mock a running mock
 * @param username `alice`
 * @throws Error when the page does not offer this person, or as openid-client does
 */
export async function signIn(
  mock: Pick<MockEntra, 'origin' | 'tenantId'>,
  username: string,
  options: SignInOptions = {},
): Promise<SignedIn> {
  const agent = new Agent({ connect: { ca: options.certificateAuthority } })
  try {
    return await walkCodeFlow(mock, username, { ...options, agent })
  } finally {
    await agent.close()
  }
}

interface Walk extends SignInOptions {
  readonly agent: Agent
}

async function walkCodeFlow(
  mock: Pick<MockEntra, 'origin' | 'tenantId'>,
  username: string,
  walk: Walk,
): Promise<SignedIn> {
  const client = walk.client ?? holmes
  const configuration = await discover(mock, client, walk.agent)
  const verifier = oidc.randomPKCECodeVerifier()
  const scope = walk.scope ?? `${aksServerId}/.default openid profile offline_access`
  const state = oidc.randomState()
  const nonce = oidc.randomNonce()
  const url = oidc.buildAuthorizationUrl(configuration, {
    redirect_uri: loopbackAddress(client),
    scope,
    state,
    nonce,
    code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    prompt: 'select_account',
  })
  const callback = await pickAccount(url, username, walk.agent)
  const tokens = await oidc.authorizationCodeGrant(configuration, callback, {
    pkceCodeVerifier: verifier,
    expectedState: state,
    ...(scope.split(' ').includes('openid') ? { expectedNonce: nonce } : {}),
  })
  const { access_token, id_token, refresh_token, expires_in } = tokens
  return { access_token, id_token, refresh_token, expires_in }
}

async function discover(
  { origin, tenantId }: Pick<MockEntra, 'origin' | 'tenantId'>,
  client: Client,
  dispatcher: Agent,
): Promise<oidc.Configuration> {
  const secret = client.client_secret
  return oidc.discovery(
    new URL(`${origin}/${tenantId}/v2.0`),
    client.client_id,
    undefined,
    secret === undefined ? oidc.None() : oidc.ClientSecretPost(secret),
    {
      execute: [oidc.allowInsecureRequests],
      [oidc.customFetch]: (url, init) =>
        fetch(url, { ...(init as RequestInit), dispatcher }) as unknown as Promise<Response>,
    },
  )
}

function loopbackAddress(client: Client): string {
  const address = client.redirect_uris.find(({ uri }) => uri.startsWith('http://localhost'))
  if (!address) throw new Error(`the client ${client.name} has no address on localhost`)
  return address.uri
}

/**
 * Does what the person does on the page; returns the address that the browser is then sent to.
 *
 * @throws Error when the page does not offer this person, or does not send the browser on
 */
export async function pickAccount(
  url: URL,
  username: string,
  dispatcher: Dispatcher = getGlobalDispatcher(),
): Promise<URL> {
  const page = await fetch(url, { dispatcher, redirect: 'manual' })
  const text = await page.text()
  if (!text.includes(`value="${username}"`)) {
    throw new Error(`the sign-in page (${page.status}) does not offer "${username}"`)
  }
  const action = /<form method="post" action="([^"]+)"/.exec(text)?.[1]
  const answer = await fetch(new URL(action ?? '', url), {
    method: 'POST',
    body: new URLSearchParams({ query: url.search.slice(1), username }),
    dispatcher,
    redirect: 'manual',
  })
  await answer.body?.cancel()
  const location = answer.headers.get('location')
  if (!location) throw new Error(`the sign-in page answered ${answer.status}, not with a redirect`)
  return new URL(location)
}
