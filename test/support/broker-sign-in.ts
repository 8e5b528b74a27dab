import { createHash } from 'node:crypto'
import { type Browser, createBrowser } from '../environment/browser.ts'
import { clientRedirect } from './broker-client.ts'
import type { BrokerGateway } from './broker-gateway.ts'
import type { Gateway } from './gateway.ts'
import { type Change, form, type TokenReply, verifier } from './relay-gateway.ts'

export const state = 'the-state-of-the-client'

export function challengeOf(text: string): string {
  return createHash('sha256').update(text).digest('base64url')
}

/** Where an authorization server's endpoint is; `name`: of a further resource. */
export function endpoint({ origin }: Pick<Gateway, 'origin'>, path: string, name?: string): string {
  return `${origin}/oauth/${name === undefined ? '' : `${name}/`}${path}`
}

/** A good authorize request, changed. */
export function authorizeUrl(gateway: Gateway, change: Change = {}, name?: string): string {
  const query = form({
    client_id: 'holmes',
    redirect_uri: clientRedirect,
    response_type: 'code',
    state,
    code_challenge: challengeOf(verifier),
    code_challenge_method: 'S256',
    ...change,
  })
  return `${endpoint(gateway, 'authorize', name)}?${query}`
}

/** The field of a consent page that names its sign-in. */
export async function transactionOn(page: Response): Promise<string> {
  const html = await page.text()
  const id = /name="transaction" value="([^"]+)"/.exec(html)?.[1]
  if (id === undefined) throw new Error(`no consent page but ${page.status}: ${html.slice(-600)}`)
  return id
}

/** Where a redirect leads. */
export function locationOf(answer: Response): URL {
  const location = answer.headers.get('location')
  if (location === null) throw new Error(`no redirect but ${answer.status}`)
  return new URL(location)
}

/** A sign-in at the provider: the address that the browser is sent back to, not visited yet. */
export async function atProvider(
  { gateway, browser }: BrokerGateway,
  address: URL | string,
  person = 'alice',
): Promise<URL> {
  gateway.entra.signInAs(person)
  const answer = await browser.get(String(address))
  await answer.body?.cancel()
  return locationOf(answer)
}

/** From an authorize request to our callback, which is not visited yet; the person allows it. */
export async function toCallback(
  broker: BrokerGateway,
  url = authorizeUrl(broker.gateway),
  person = 'alice',
): Promise<URL> {
  const page = await broker.browser.get(url)
  const there = page.status === 200 ? await broker.browser.allow(page) : locationOf(page)
  return atProvider(broker, there, person)
}

/** What the client gets in the end, in a browser of its own unless told otherwise. */
export async function answerFor(
  gateway: Gateway,
  person: string,
  {
    url = authorizeUrl(gateway),
    browser = createBrowser(),
  }: { readonly url?: string; readonly browser?: Browser } = {},
): Promise<URLSearchParams> {
  const back = await toCallback({ gateway, browser }, url, person)
  return locationOf(await browser.comeBack(back.href)).searchParams
}

/** The client's code of a whole sign-in. */
export async function codeFor(gateway: Gateway, person = 'alice', url?: string): Promise<string> {
  const answer = await answerFor(gateway, person, url === undefined ? {} : { url })
  const code = answer.get('code')
  if (code === null) throw new Error(`no code: ${answer}`)
  return code
}

/** A good redemption, changed. */
export function codeForm(code: string, change: Change = {}): Change {
  return {
    grant_type: 'authorization_code',
    code,
    redirect_uri: clientRedirect,
    client_id: 'holmes',
    code_verifier: verifier,
    ...change,
  }
}

/** A good refresh, changed. */
export function refreshForm(refreshToken: string, change: Change = {}): Change {
  return {
    grant_type: 'refresh_token',
    refresh_token: refreshToken,
    client_id: 'holmes',
    ...change,
  }
}

/** Posts a form to an endpoint of an authorization server. */
export async function postForm(
  url: string,
  parameters: Change,
  headers: Record<string, string> = {},
): Promise<TokenReply> {
  const response = await fetch(url, { method: 'POST', body: form(parameters), headers })
  const text = await response.text()
  return {
    status: response.status,
    headers: response.headers,
    body: text === '' ? {} : JSON.parse(text),
  }
}

/** The tokens of a whole sign-in. */
export async function tokensFor(
  gateway: Gateway,
  person = 'alice',
): Promise<{ readonly access: string; readonly refresh: string }> {
  const { status, body } = await postForm(
    endpoint(gateway, 'token'),
    codeForm(await codeFor(gateway, person)),
  )
  if (status !== 200) throw new Error(`${status}: ${JSON.stringify(body)}`)
  return { access: String(body['access_token']), refresh: String(body['refresh_token']) }
}
