import { ErrorAnswer } from '../../oauth/error-answer.ts'
import { invalidRequest, temporarilyUnavailable } from '../../oauth/errors.ts'
import { type OAuthParameters, readParameters, required } from '../../oauth/parameters.ts'
import {
  type BrokerContext,
  type BrokerResource,
  callbackUrl,
  issuerShown,
} from '../broker-context.ts'
import type { Client } from '../clients/client.ts'
import { resourceIndicators } from '../resource-indicator.ts'
import {
  AuthorizeRefusal,
  answerAddress,
  type ReturnAddress,
  readAuthorizeRequest,
  returnAddress,
} from './authorize-request.ts'
import type { BrowserAnswer, BrowserCookies, ConsentPage } from './browser-answer.ts'
import { OWN_PAGE } from './own-sign-in.ts'
import { providerAddress } from './provider-redirect.ts'
import { canBeRemembered, isRemembered, remember } from './remembered-consent.ts'
import { checkStillAllowed } from './still-allowed.ts'
import {
  beginTransaction,
  openTransaction,
  sealTransaction,
  type Transaction,
} from './transaction.ts'

/** A browser that comes to an authorize endpoint. */
export interface Visit {
  readonly resource: BrokerResource
  readonly cookies: BrowserCookies
  /**
   * Whether a person set this off, as far as the browser says. A remembered consent counts only
   * then, so that no page can sign somebody in behind their back.
   */
  readonly byPerson: boolean
}

const AWAY = 'The identity provider cannot be reached at the moment; try again shortly.'

/** A sealed transaction above this is refused: ten of them must fit into the header of a request. */
const LONGEST_COOKIE = 3_000

/**
 * The authorize endpoint (RFC 6749 §4.1.1): judges client and address, then the request, asks the
 * person, and sends the browser to the identity provider.
 *
 * @throws ErrorAnswer for a page, while it is not sure that the client's address is good
 */
export async function authorize(
  query: string,
  visit: Visit,
  parts: BrokerContext,
): Promise<BrowserAnswer> {
  const parameters = readParameters(query, { from: 'address', repeatable: ['resource'] })
  const clientId = required(parameters, 'client_id')
  if (clientId === OWN_PAGE) return beginOwnSignIn(visit, parts)
  const address = returnAddress(parameters, await visit.resource.clients.find(clientId))
  try {
    const request = readAuthorizeRequest(parameters)
    checkResource(parameters, visit, parts)
    const transaction = beginTransaction(
      {
        resource: visit.resource.resource.name,
        client: {
          id: address.client.id,
          redirectUri: address.redirectUri,
          challenge: request.challenge,
          tokens: parts.config.sign_in.tokens,
          ...(address.state !== undefined && { state: address.state }),
        },
        consented: await isAllowed(address, visit, parts),
        ...(request.prompt && { prompt: request.prompt }),
      },
      parts.clock.now(),
    )
    return await proceed(transaction, address, { visit, parts })
  } catch (error) {
    if (error instanceof AuthorizeRefusal) return refusal(error, address, { visit, parts })
    if (error instanceof ErrorAnswer && error.error === 'invalid_target') {
      return refusal(new AuthorizeRefusal(error.error, error.message), address, { visit, parts })
    }
    throw error
  }
}

async function beginOwnSignIn(visit: Visit, parts: BrokerContext): Promise<BrowserAnswer> {
  const of = { resource: visit.resource.resource.name, consented: true }
  const transaction = beginTransaction(of, parts.clock.now())
  if (parts.provider.authorizationEndpoint() === undefined) throw providerAway()
  return toProvider(transaction, { redirectUri: '' }, { visit, parts })
}

function providerAway(): ErrorAnswer {
  return temporarilyUnavailable(AWAY, { retryAfter: 5, reason: 'no_discovery' })
}

/**
 * What the person decided on the consent page. Only in the browser that was asked, once.
 *
 * @throws ErrorAnswer 400 for a page
 */
export async function decide(
  form: OAuthParameters,
  visit: Visit,
  parts: BrokerContext,
): Promise<BrowserAnswer> {
  const { clock, keys } = parts
  const id = form.get('transaction') ?? ''
  const decision = form.get('decision')
  if (decision !== 'allow' && decision !== 'deny') {
    throw invalidRequest('The answer to the question is missing; begin the sign-in again.')
  }
  const transaction = await openTransaction(visit.cookies.transactions.get(id), id, {
    keys: keys.for('transaction'),
    now: clock.now(),
  })
  const client = transaction?.client
  if (
    !transaction ||
    !client ||
    transaction.consented ||
    transaction.resource !== visit.resource.resource.name
  ) {
    throw invalidRequest(
      'This question is more than ten minutes old, was answered before, or was asked in another browser; begin the sign-in again.',
    )
  }
  await checkStillAllowed(client, visit.resource, parts.config)
  const address = {
    redirectUri: client.redirectUri,
    ...(client.state !== undefined && { state: client.state }),
  }
  if (decision === 'deny') {
    const denied = new AuthorizeRefusal('access_denied', 'The person did not allow it.')
    const answer = refusal(denied, address, { visit, parts })
    return { ...answer, cookies: [{ kind: 'drop_transaction', id }] }
  }
  const answer = await toProvider({ ...transaction, consented: true }, address, { visit, parts })
  return { ...answer, cookies: [...answer.cookies, ...(await remembered(client, visit, parts))] }
}

interface Around {
  readonly visit: Visit
  readonly parts: BrokerContext
}

type Address = Parameters<typeof answerAddress>[0]

async function remembered(
  { id: client, redirectUri }: NonNullable<Transaction['client']>,
  { cookies, resource: { url: resource } }: Visit,
  { config, keys, clock }: BrokerContext,
): Promise<BrowserAnswer['cookies']> {
  const { consent, tokens } = config.sign_in
  if (consent !== 'remember') return []
  const value = await remember(
    { client, redirectUri, resource, tokens },
    { sealed: cookies.consents, keys: keys.for('consent'), now: clock.now() },
  )
  return value === undefined ? [] : [{ kind: 'set_consents', value }]
}

async function isAllowed(
  { client, redirectUri }: ReturnAddress,
  { resource, cookies, byPerson }: Visit,
  { config, keys, clock }: BrokerContext,
): Promise<boolean> {
  if (client.skipsConsent) return true
  const { consent, tokens } = config.sign_in
  if (consent !== 'remember' || !byPerson) return false
  return isRemembered(
    { client: client.id, redirectUri, resource: resource.url, tokens },
    { sealed: cookies.consents, keys: keys.for('consent'), now: clock.now() },
  )
}

function checkResource(
  parameters: OAuthParameters,
  { resource }: Visit,
  { config }: BrokerContext,
): void {
  const indicators = resourceIndicators(config, [resource.resource])
  indicators.meantBy(parameters.all('resource'))
}

async function proceed(
  transaction: Transaction,
  address: ReturnAddress,
  around: Around,
): Promise<BrowserAnswer> {
  if (transaction.prompt === 'none') checkSilent(transaction, around.parts)
  if (transaction.consented) return toProvider(transaction, address, around)
  const page = consentPage(transaction, address, around)
  const cookies = [await transactionCookie(transaction, around.parts)]
  return {
    kind: 'page',
    status: 200,
    page,
    cookies,
    log: { decision: 'allow', reason: 'consent_asked' },
  }
}

/** With `prompt=none` no page may be shown (OpenID Connect Core §3.1.2.1), here or at the provider. */
function checkSilent({ consented }: Transaction, { config }: BrokerContext): void {
  if (!consented) {
    throw new AuthorizeRefusal('consent_required', 'The person has to be asked first.')
  }
  const { prompt = 'none' } = config.identity_provider.authorize_parameters
  if (prompt === 'none') return
  throw new AuthorizeRefusal(
    'interaction_required',
    'The identity provider is told to show its page at every sign-in.',
  )
}

function consentPage(
  { id }: Transaction,
  { client, redirectUri }: ReturnAddress,
  { visit, parts }: Around,
): ConsentPage {
  const { resource, url, authorize: action } = visit.resource
  const { tokens, consent, session_lifetime: lasts } = parts.config.sign_in
  return {
    kind: 'consent',
    action: new URL(action).pathname,
    transaction: id,
    client: shown(client),
    redirectUri,
    resource: { name: resource.name, url },
    tokens,
    lasts,
    remembers: consent === 'remember' && canBeRemembered({ client: client.id, redirectUri }),
  }
}

function shown({ kind, id, name, host, origin }: Client): ConsentPage['client'] {
  return { kind, id, ...(name && { name }), ...(host && { host }), ...(origin && { origin }) }
}

async function toProvider(
  transaction: Transaction,
  address: Address,
  { visit, parts }: Around,
): Promise<BrowserAnswer> {
  const endpoint = parts.provider.authorizationEndpoint()
  if (endpoint === undefined) {
    const away = new AuthorizeRefusal('temporarily_unavailable', AWAY)
    return {
      ...refusal(away, address, { visit, parts }),
      log: { decision: 'unavailable', reason: 'no_discovery' },
    }
  }
  const location = providerAddress(endpoint, transaction, {
    provider: parts.config.identity_provider,
    resource: visit.resource.resource,
    redirectUri: callbackUrl(parts.config),
  })
  const cookies = [await transactionCookie(transaction, parts)]
  return { kind: 'redirect', location, cookies, log: { decision: 'allow', reason: 'to_provider' } }
}

async function transactionCookie(
  transaction: Transaction,
  { keys }: BrokerContext,
): Promise<BrowserAnswer['cookies'][number]> {
  const value = await sealTransaction(transaction, keys.for('transaction'))
  if (value.length > LONGEST_COOKIE) {
    throw new AuthorizeRefusal(
      'invalid_request',
      'state, client_id and redirect_uri are too long together.',
    )
  }
  return { kind: 'set_transaction', id: transaction.id, value }
}

function refusal(
  { error, message }: AuthorizeRefusal,
  address: Address,
  { visit, parts }: Around,
): BrowserAnswer {
  const issuer = issuerShown(address.redirectUri, visit.resource, parts.config)
  const answer = { error, error_description: message }
  return {
    kind: 'redirect',
    location: answerAddress(address, answer, issuer),
    cookies: [],
    log: { decision: 'refuse', reason: error },
  }
}
