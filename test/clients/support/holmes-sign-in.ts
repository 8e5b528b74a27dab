import { createHash, randomBytes } from 'node:crypto'
import { pickAccount } from '../../../src/demo/sign-in.ts'
import type { CallbackAnswer, CodeDelivery, Holmes, OauthMetadata, Turn } from './holmes.ts'
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
  const popup = { oauth: approval.oauth, redirectUri: REDIRECT_URI }
  const callback = await inPopup(holmes, person, popup)
  return holmes.decide(person, approval.id, {
    toolset_name: TOOLSET,
    code: codeOf(callback),
    redirect_uri: REDIRECT_URI,
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
  const popup = { oauth: oauthOf(holmes, verifier), redirectUri }
  return {
    toolset_name: TOOLSET,
    code: codeOf(await inPopup(holmes, person, popup)),
    redirect_uri: redirectUri,
    code_verifier: verifier,
  }
}

/** The page has what HolmesGPT discovered and what its values say from the platform. */
function oauthOf({ toolsets }: Holmes, verifier: string): OauthMetadata {
  const [toolset] = toolsets
  if (toolset?.authorization_url == null || toolset.client_id === null) {
    throw new Error('nobody can sign in: HolmesGPT knows too little of the MCP server')
  }
  const { authorization_url, client_id, scopes, resource } = toolset
  return {
    authorization_url,
    client_id,
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
    ...(scopes === null ? {} : { scopes }),
    ...(resource === null ? {} : { resource }),
  }
}

interface Popup {
  readonly oauth: OauthMetadata
  readonly redirectUri: string
}

/** What the person does in the popup; returns the address of the callback page, with its query. */
async function inPopup(
  holmes: Holmes,
  person: string,
  { oauth, redirectUri }: Popup,
): Promise<URL> {
  const state = randomBytes(16).toString('hex')
  const url = await holmes.authorizeUrl(oauth, redirectUri, state)
  const callback = await pickAccount(url, person)
  if (callback.searchParams.get('state') !== state) throw new Error('not the state of the page')
  return callback
}

function codeOf({ searchParams }: URL): string {
  const code = searchParams.get('code')
  if (code === null) throw new Error(`no code: ${searchParams.get('error_description')}`)
  return code
}
