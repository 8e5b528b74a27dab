import { createHash } from 'node:crypto'
import type { TestContext } from 'node:test'
import { aksServerId, holmes } from '../environment/mock-entra/directory.ts'
import type { MockEntra } from '../environment/mock-entra/mock-entra.ts'
import {
  type Gateway,
  type GatewayOptions,
  registeredConfig,
  startEntra,
  startGateway,
} from './gateway.ts'

/** A parameter set to `undefined` is left out. */
export type Change = Readonly<Record<string, string | undefined>>

export const redirectUri = 'https://platform.robusta.dev/oauth/callback.html'
export const verifier = 'a-code-verifier-that-is-long-enough-for-rfc-7636'
export const scope = `${aksServerId}/.default openid profile offline_access`
export const basic = `Basic ${Buffer.from(`${holmes.client_id}:${holmes.client_secret}`).toString('base64')}`

/** A rolecall in mode relay, with the app registration of the documentation page. */
export async function startRelay(
  t: TestContext,
  options: Partial<GatewayOptions> & {
    readonly signIn?: Partial<Extract<Gateway['config']['sign_in'], { mode: 'relay' }>>
  } = {},
): Promise<Gateway> {
  const entra = options.entra ?? (await startEntra(t))
  return startGateway(t, {
    upstream: 'http://127.0.0.1:9/mcp',
    ...options,
    entra,
    config: {
      identity_provider: registeredConfig(entra, { groups_claim: 'groups' }),
      sign_in: {
        mode: 'relay',
        redirect_uris: ['robusta', 'loopback'],
        tokens: 'passthrough',
        popup_origins: [],
        session_lifetime: 86_400_000,
        ...options.signIn,
      },
      ...options.config,
    },
    resource: {
      allowed_clients: [holmes.client_id],
      request_scopes: scope.split(' '),
      ...options.resource,
    },
  })
}

/** A code that the browser brought back from the provider. */
export async function codeFor(
  entra: MockEntra,
  person: string,
  change: Change = {},
): Promise<string> {
  entra.signInAs(person)
  const query = form({
    client_id: holmes.client_id,
    redirect_uri: redirectUri,
    response_type: 'code',
    scope,
    state: 'the-state',
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
    ...change,
  })
  const url = `${entra.origin}/${entra.tenantId}/oauth2/v2.0/authorize?${query}`
  const response = await fetch(url, { redirect: 'manual' })
  await response.body?.cancel()
  entra.signInAs(undefined)
  const code = new URL(response.headers.get('location') ?? 'about:blank').searchParams.get('code')
  if (code === null) throw new Error(`no code: ${response.status}`)
  return code
}

/** A code redemption as HolmesGPT sends it as a public client, changed. */
export function codeForm(code: string, change: Change = {}): Change {
  return {
    grant_type: 'authorization_code',
    code,
    redirect_uri: redirectUri,
    client_id: holmes.client_id,
    code_verifier: verifier,
    ...change,
  }
}

/** A refresh as HolmesGPT sends it, changed. */
export function refreshForm(refreshToken: string, change: Change = {}): Change {
  return {
    grant_type: 'refresh_token',
    refresh_token: refreshToken,
    client_id: holmes.client_id,
    ...change,
  }
}

export interface TokenReply {
  readonly status: number
  readonly headers: Headers
  readonly body: Record<string, unknown>
}

/** Posts to the token endpoint. */
export async function postToken(
  gateway: Pick<Gateway, 'origin'>,
  parameters: Change,
  headers: Record<string, string> = {},
): Promise<TokenReply> {
  const response = await fetch(`${gateway.origin}/oauth/token`, {
    method: 'POST',
    body: form(parameters),
    headers,
  })
  const body = (await response.json()) as Record<string, unknown>
  return { status: response.status, headers: response.headers, body }
}

/** Signs a person in: the tokens that their client holds. */
export async function signedIn(
  gateway: Pick<Gateway, 'origin' | 'entra'>,
  person: string,
): Promise<{ readonly access: string; readonly refresh: string }> {
  const code = await codeFor(gateway.entra, person)
  const { status, body } = await postToken(gateway, codeForm(code))
  if (status !== 200) throw new Error(`${status}: ${JSON.stringify(body)}`)
  return { access: String(body['access_token']), refresh: String(body['refresh_token']) }
}

export function form(parameters: Change): URLSearchParams {
  return new URLSearchParams(
    Object.entries(parameters).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, value] as [string, string]],
    ),
  )
}
