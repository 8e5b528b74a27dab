import { createHash, randomBytes } from 'node:crypto'
import { z } from 'zod'
import { createBrowser, signInAt } from '../../environment/browser.ts'
import type { CallbackAnswer, CodeDelivery, Holmes, OauthMetadata, Popup, Turn } from './holmes.ts'
import { CONNECT, TOOLSET } from './holmes-stack.ts'

export const REDIRECT_URI = 'https://platform.robusta.dev/oauth/callback.html'

/** The callback pages of the Robusta UI, one for each region. */
export const REDIRECT_URIS = [
  REDIRECT_URI,
  'https://platform.eu.robusta.dev/oauth/callback.html',
  'https://platform.ap.robusta.dev/oauth/callback.html',
]

/**
 * Path A: the model calls the connect tool, the page opens the popup that HolmesGPT describes, and
 * the code comes with the approval.
 */
export async function signInByChat(holmes: Holmes, person: string): Promise<Turn> {
  return approve(holmes, person, await holmes.chat(person, [{ tool: CONNECT, arguments: {} }]))
}

/** The person signs in as a turn wants it. */
export async function approve(holmes: Holmes, person: string, turn: Turn): Promise<Turn> {
  const [approval] = turn.approvals
  if (approval === undefined) throw new Error(`${person} is not asked to sign in`)
  const popup = await popupFor(approval.oauth, REDIRECT_URI)
  const callback = await inPopup(holmes, person, popup)
  return holmes.decide(person, approval.id, {
    toolset_name: TOOLSET,
    code: codeOf(callback),
    redirect_uri: REDIRECT_URI,
    ...clientOf(popup),
  })
}

/** Path B: the page's "Login" button; the verifier is the page's own. */
export async function signInByButton(
  holmes: Holmes,
  person: string,
  over: Partial<CodeDelivery> = {},
): Promise<CallbackAnswer> {
  const delivery = await codeFromButton(holmes, person, over.redirect_uri)
  return holmes.callback(person, { ...delivery, ...over })
}

/** What the page hands in after the popup of its "Login" button. */
export async function codeFromButton(
  holmes: Holmes,
  person: string,
  redirectUri = REDIRECT_URI,
): Promise<CodeDelivery> {
  const verifier = randomBytes(48).toString('base64url')
  const popup = await popupFor(oauthOf(holmes, verifier), redirectUri)
  return {
    toolset_name: TOOLSET,
    code: codeOf(await inPopup(holmes, person, popup)),
    redirect_uri: redirectUri,
    code_verifier: verifier,
    ...clientOf(popup),
  }
}

/** The page has what HolmesGPT discovered and what its values say from the platform. */
function oauthOf({ toolsets }: Holmes, verifier: string): OauthMetadata {
  const [toolset] = toolsets
  if (toolset?.authorization_url == null) {
    throw new Error('nobody can sign in: HolmesGPT knows too little of the MCP server')
  }
  const { authorization_url, client_id, registration_endpoint, scopes, resource } = toolset
  return {
    authorization_url,
    client_id,
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
    ...(registration_endpoint === null ? {} : { registration_endpoint }),
    ...(scopes === null ? {} : { scopes }),
    ...(resource === null ? {} : { resource }),
  }
}

/** Where HolmesGPT knows no client, the page registers one. */
async function popupFor(oauth: OauthMetadata, redirectUri: string): Promise<Popup> {
  const clientId = oauth.client_id ?? (await registeredByPage(oauth, redirectUri))
  return { oauth, clientId, redirectUri, state: randomBytes(16).toString('hex') }
}

/** The page hands in what it registered. */
function clientOf({ oauth, clientId }: Popup): Pick<CodeDelivery, 'client_id'> {
  return oauth.client_id === null ? { client_id: clientId } : {}
}

const registrationSchema = z.object({ client_id: z.string() })

/** As a script of the callback page's origin, which a browser lets do what CORS allows. */
async function registeredByPage(
  { registration_endpoint: endpoint }: OauthMetadata,
  redirectUri: string,
): Promise<string> {
  if (endpoint === undefined) throw new Error('no client, and nowhere to register one')
  const { origin } = new URL(redirectUri)
  const preflight = await fetch(endpoint, {
    method: 'OPTIONS',
    headers: {
      origin,
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'content-type',
    },
  })
  const answer = await fetch(endpoint, {
    method: 'POST',
    headers: { origin, 'content-type': 'application/json' },
    body: JSON.stringify({
      client_name: 'HolmesGPT',
      redirect_uris: [redirectUri],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
    }),
  })
  const may = [preflight, answer].every(
    ({ ok, headers }) => ok && headers.get('access-control-allow-origin') === origin,
  )
  const headers = preflight.headers.get('access-control-allow-headers')
  if (!may || headers !== 'content-type') throw new Error(`${origin} may not register a client`)
  return registrationSchema.parse(await answer.json()).client_id
}

/** What the person does in the popup; returns the address of the callback page, with its query. */
async function inPopup(holmes: Holmes, username: string, popup: Popup): Promise<URL> {
  const url = await holmes.authorizeUrl(popup)
  const callback = await signInAt(createBrowser(), url, { username })
  if (callback.searchParams.get('state') !== popup.state) throw new Error('not the page’s state')
  return callback
}

function codeOf({ searchParams }: URL): string {
  const code = searchParams.get('code')
  if (code === null) throw new Error(`no code: ${searchParams.get('error_description')}`)
  return code
}
