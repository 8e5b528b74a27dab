import { randomBytes, randomUUID } from 'node:crypto'
import type { FastifyReply } from 'fastify'
import type { Person } from '../people.ts'
import { type Client, findRedirect, type Platform } from './directory.ts'
import { EntraError, errorBody } from './errors.ts'
import { sendAccountPicker, sendFormPost } from './pages.ts'
import { type Parameters, readQuery, requireParameter } from './parameters.ts'
import { checkResourceParameter, readScopes } from './scopes.ts'
import { failIfOrdered, type IssuedCode, type MockState, nowOf } from './state.ts'

/** Where the answer goes. Until this is known, errors are shown on a page. */
interface ReturnAddress {
  readonly client: Client
  readonly redirectUri: string
  readonly platform: Platform
  readonly responseMode: string
  readonly state: string | undefined
}

interface AuthorizeRequest {
  readonly scope: string
  readonly prompt: string | undefined
  readonly loginHint: string | undefined
  readonly nonce: string | undefined
  readonly challenge: IssuedCode['challenge']
  readonly wantsClientInfo: boolean
  readonly claims: string | undefined
}

/** How far the browser is: who has a session in it, and what was pressed on the page. */
export interface BrowserSession {
  readonly username: string | undefined
  /** The page was answered with this account; an empty name is Cancel. */
  readonly picked?: string
}

/**
 * Answers an authorize request: with the page on which an account is picked, or with a code or an
 * error to the client.
 *
 * @param query the request's URL, or its query with the question mark
 * @throws EntraError what belongs on a page: a client or an address that is not registered
 */
export async function authorize(
  state: MockState,
  reply: FastifyReply,
  query: string,
  session: BrowserSession,
): Promise<void> {
  const parameters = readQuery(query)
  const address = readReturnAddress(state, parameters)
  try {
    const request = readAuthorizeRequest(state, parameters)
    const person = whoSignsIn(state, request, session)
    if (person) await answer(reply, address, issueCode(state, { address, request, person }))
    else await showPicker(state, reply, { query, address, request, session })
  } catch (error) {
    if (!(error instanceof EntraError)) throw error
    const body = errorBody(error, state.origin, nowOf(state))
    await answer(reply, address, [
      ['error', body.error],
      ['error_description', body.error_description],
      ['error_uri', body.error_uri],
    ])
  }
}

function readReturnAddress(state: MockState, parameters: Parameters): ReturnAddress {
  const clientId = requireParameter(parameters, 'client_id')
  const client = state.clients.find((known) => known.client_id === clientId)
  if (!client) throw new EntraError(700016, { client_id: clientId, tenant: state.tenantId })
  const redirectUri = parameters.get('redirect_uri')
  if (redirectUri === undefined) throw new EntraError(900971)
  const registered = findRedirect(client, redirectUri)
  if (!registered) {
    throw new EntraError(50011, { redirect_uri: redirectUri, client_id: clientId })
  }
  const responseMode = parameters.get('response_mode') ?? 'query'
  if (!['query', 'fragment', 'form_post'].includes(responseMode)) {
    throw new EntraError(90023, { parameter: 'response_mode' })
  }
  const { platform } = registered
  return { client, redirectUri, platform, responseMode, state: parameters.get('state') }
}

function readAuthorizeRequest(state: MockState, parameters: Parameters): AuthorizeRequest {
  const responseType = requireParameter(parameters, 'response_type')
  if (responseType !== 'code') {
    throw new EntraError(700054, { response_type: responseType })
  }
  const scope = requireParameter(parameters, 'scope')
  checkResourceParameter(parameters.get('resource'), readScopes(scope, state.resources))
  const prompt = parameters.get('prompt')
  if (!['login', 'none', 'consent', 'select_account', undefined].includes(prompt)) {
    throw new EntraError(90023, { parameter: 'prompt' })
  }
  return {
    scope,
    prompt,
    loginHint: parameters.get('login_hint'),
    nonce: parameters.get('nonce'),
    challenge: readChallenge(parameters),
    wantsClientInfo: parameters.get('client_info') === '1',
    claims: readClaims(parameters.get('claims')),
  }
}

/** OpenID Connect Core §5.5; also what a claims challenge asks for. */
function readClaims(text: string | undefined): string | undefined {
  if (text === undefined) return undefined
  try {
    if (typeof JSON.parse(text) === 'object') return text
  } catch {
    // no JSON
  }
  throw new EntraError(90023, { parameter: 'claims' })
}

/** PKCE may be left out, as with Entra; a challenge without a method is `plain` (RFC 7636 §4.3). */
function readChallenge(parameters: Parameters): IssuedCode['challenge'] {
  const value = parameters.get('code_challenge')
  if (value === undefined) return undefined
  if (value.length < 43 || value.length > 128) throw new EntraError(501491)
  const method = parameters.get('code_challenge_method') ?? 'plain'
  if (method !== 'S256' && method !== 'plain') {
    throw new EntraError(90023, { parameter: 'code_challenge_method' })
  }
  return { value, method }
}

/** Nobody: the page has to be shown. */
function whoSignsIn(
  state: MockState,
  request: AuthorizeRequest,
  session: BrowserSession,
): Person | undefined {
  if (session.picked === '') throw new EntraError(65004)
  if (session.picked !== undefined) return signIn(state, session.picked)
  const known = state.signedInAs ?? session.username
  const isHinted = known !== undefined && matchesHint(state, known, request.loginHint)
  const isAsked = state.asksAgain && state.signedInAs === undefined
  if (isHinted && (request.prompt === 'none' || (request.prompt === undefined && !isAsked))) {
    return signIn(state, known)
  }
  if (request.prompt === 'none') throw new EntraError(50058)
  return state.signedInAs === undefined ? undefined : signIn(state, state.signedInAs)
}

function matchesHint(state: MockState, username: string, hint: string | undefined): boolean {
  const person = state.people.people.find((known) => known.username === username)
  return hint === undefined || hint === person?.upn || hint === person?.username
}

function signIn(state: MockState, username: string): Person {
  const person = state.people.people.find((known) => known.username === username)
  if (!person) throw new EntraError(50034, { user: username, tenant: state.tenantId })
  if (state.disabled.has(person.oid)) throw new EntraError(50057)
  failIfOrdered(state, 'authorize', person.username)
  return person
}

interface Granted {
  readonly address: ReturnAddress
  readonly request: AuthorizeRequest
  readonly person: Person
}

function issueCode(state: MockState, { address, request, person }: Granted): [string, string][] {
  const code = `1.${randomBytes(120).toString('base64url')}`
  state.codes.set(code, {
    client: address.client,
    redirectUri: address.redirectUri,
    platform: address.platform,
    scope: request.scope,
    nonce: request.nonce,
    challenge: request.challenge,
    claims: request.claims,
    person,
    issuedAt: nowOf(state),
  })
  const answered: [string, string][] = [
    ['code', code],
    ['session_state', randomUUID()],
  ]
  if (request.wantsClientInfo) answered.push(['client_info', clientInfo(state, person)])
  return answered
}

/** The account as MSAL knows it: `<oid>.<tid>`. */
export function clientInfo(state: MockState, person: Person): string {
  const info = { uid: person.oid, utid: state.tenantId }
  return Buffer.from(JSON.stringify(info)).toString('base64url')
}

interface Shown {
  readonly query: string
  readonly address: ReturnAddress
  readonly request: AuthorizeRequest
  readonly session: BrowserSession
}

async function showPicker(
  state: MockState,
  reply: FastifyReply,
  { query, address, request, session }: Shown,
): Promise<void> {
  const hinted = (person: Person) => matchesHint(state, person.username, request.loginHint)
  const { people } = state.people
  const offered = people.some(hinted) ? people.filter(hinted) : people
  await sendAccountPicker(reply, {
    tenantId: state.tenantId,
    clientName: address.client.name,
    accounts: offered.map((person) => ({
      person,
      rights: state.rightsOf(person),
      isSignedIn: person.username === session.username,
    })),
    query: query.slice(query.indexOf('?') + 1),
    scope: request.scope,
    asksConsent: request.prompt === 'consent',
  })
}

async function answer(
  reply: FastifyReply,
  address: ReturnAddress,
  values: readonly (readonly [string, string])[],
): Promise<void> {
  const all = new Map(values)
  if (address.state !== undefined) all.set('state', address.state)
  if (address.responseMode === 'form_post') {
    await sendFormPost(reply, address.redirectUri, all)
    return
  }
  const encoded = new URLSearchParams([...all]).toString()
  const target = new URL(address.redirectUri)
  if (address.responseMode === 'fragment') target.hash = encoded
  else target.search = target.search ? `${target.search}&${encoded}` : encoded
  await reply.header('cache-control', 'no-store').redirect(target.href, 302)
}
