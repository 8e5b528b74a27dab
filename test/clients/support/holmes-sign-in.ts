import { createHash, randomBytes } from 'node:crypto'
import { pickAccount } from '../../../src/demo/sign-in.ts'
import type { CallbackAnswer, CodeDelivery, Holmes, OauthMetadata, Turn } from './holmes.ts'
import { CONNECT, TOOLSET } from './holmes-stack.ts'

export const REDIRECT_URI = 'https://platform.robusta.dev/oauth/callback.html'

/**
 * Path A: the model calls the connect tool, the page opens the popup that HolmesGPT describes, and
 * the code comes with the approval.
 */
export async function signInByChat(holmes: Holmes, person: string): Promise<Turn> {
  const { approvals } = await holmes.chat(person, [{ tool: CONNECT, arguments: {} }])
  const [approval] = approvals
  if (approval === undefined) throw new Error(`${person} is not asked to sign in`)
  const code = codeOf(await inPopup(holmes, person, approval.oauth))
  const decision = { toolset_name: TOOLSET, code, redirect_uri: REDIRECT_URI }
  return holmes.decide(person, approval.id, decision)
}

/** Path B: the page's "Login" button; the verifier is the page's own. */
export async function signInByButton(
  holmes: Holmes,
  person: string,
  over: Partial<CodeDelivery> = {},
): Promise<CallbackAnswer> {
  return holmes.callback(person, { ...(await codeFromButton(holmes, person)), ...over })
}

/** What the page hands in after the popup of its "Login" button. */
export async function codeFromButton(holmes: Holmes, person: string): Promise<CodeDelivery> {
  const verifier = randomBytes(48).toString('base64url')
  const callback = await inPopup(holmes, person, oauthOf(holmes, verifier))
  return {
    toolset_name: TOOLSET,
    code: codeOf(callback),
    redirect_uri: REDIRECT_URI,
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

/** What the person does in the popup; returns the address of the callback page, with its query. */
export async function inPopup(holmes: Holmes, person: string, oauth: OauthMetadata): Promise<URL> {
  const state = randomBytes(16).toString('hex')
  const url = await holmes.authorizeUrl(oauth, REDIRECT_URI, state)
  const callback = await pickAccount(url, person)
  if (callback.searchParams.get('state') !== state) throw new Error('not the state of the page')
  return callback
}

function codeOf({ searchParams }: URL): string {
  const code = searchParams.get('code')
  if (code === null) throw new Error(`no code: ${searchParams.get('error_description')}`)
  return code
}
