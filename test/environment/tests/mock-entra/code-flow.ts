import { createHash } from 'node:crypto'
import { aksServerId, holmes } from '../../mock-entra/directory.ts'
import type { MockEntra } from '../../mock-entra/mock-entra.ts'

/** A parameter set to `undefined` is left out. */
export type Change = Readonly<Record<string, string | undefined>>

export const redirectUri = 'http://localhost:8400/oauth/callback'
export const verifier = 'a-code-verifier-that-is-long-enough-for-rfc-7636'
export const aksScope = `${aksServerId}/.default openid profile offline_access`

/** An authorize request with nothing wrong, changed. */
export async function authorize(
  mock: MockEntra,
  change: Change = {},
  headers: Readonly<Record<string, string>> = {},
): Promise<Response> {
  const query = new URLSearchParams(
    present({
      client_id: holmes.client_id,
      redirect_uri: redirectUri,
      response_type: 'code',
      scope: aksScope,
      state: 'the-state',
      nonce: 'the-nonce',
      code_challenge: createHash('sha256').update(verifier).digest('base64url'),
      code_challenge_method: 'S256',
      ...change,
    }),
  )
  const url = `${mock.origin}/${mock.tenantId}/oauth2/v2.0/authorize?${query}`
  return fetch(url, { headers, redirect: 'manual' })
}

/** What an authorize request answered to the client. */
export async function answered(response: Response): Promise<URLSearchParams> {
  const location = response.headers.get('location')
  await response.body?.cancel()
  if (!location) throw new Error(`no redirect but ${response.status}`)
  return new URL(location).searchParams
}

/** A fresh code of alice's. */
export async function getCode(mock: MockEntra, change: Change = {}): Promise<string> {
  mock.signInAs('alice')
  const code = (await answered(await authorize(mock, change))).get('code')
  mock.signInAs(undefined)
  if (!code) throw new Error('no code')
  return code
}

/** The form of a code redemption with nothing wrong. */
export async function codeForm(mock: MockEntra, change: Change = {}): Promise<Change> {
  return {
    ...common,
    grant_type: 'authorization_code',
    code: await getCode(mock, change),
    ...proof,
  }
}

/** The form of a refresh with nothing wrong. */
export async function refreshForm(mock: MockEntra): Promise<Change> {
  const answer = await json(await token(mock, await codeForm(mock)))
  const refreshToken = String(answer['refresh_token'])
  return { ...common, grant_type: 'refresh_token', refresh_token: refreshToken }
}

const common = {
  client_id: holmes.client_id,
  client_secret: holmes.client_secret,
  scope: aksScope,
}
const proof = { redirect_uri: redirectUri, code_verifier: verifier }

export function token(
  mock: MockEntra,
  form: Change,
  headers: Record<string, string> = {},
): Promise<Response> {
  return fetch(`${mock.origin}/${mock.tenantId}/oauth2/v2.0/token`, {
    method: 'POST',
    body: new URLSearchParams(present(form)),
    headers,
  })
}

export async function json(response: Response): Promise<Record<string, unknown>> {
  return (await response.json()) as Record<string, unknown>
}

/** The claims of a JWT, unverified. */
export function claimsOf(jwt: unknown): Record<string, unknown> {
  const payload = String(jwt).split('.')[1] ?? ''
  return JSON.parse(Buffer.from(payload, 'base64url').toString()) as Record<string, unknown>
}

function present(form: Change): [string, string][] {
  return Object.entries(form).flatMap(([name, value]): [string, string][] =>
    value === undefined ? [] : [[name, value]],
  )
}
