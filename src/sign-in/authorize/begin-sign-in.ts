import { ErrorAnswer } from '../../oauth/error-answer.ts'
import { temporarilyUnavailable } from '../../oauth/errors.ts'
import { type OAuthParameters, readParameters, required } from '../../oauth/parameters.ts'
import type { BrokerContext, BrokerResource } from '../broker-context.ts'
import type { Client } from '../clients/client.ts'
import { resourceIndicators } from '../resource-indicator.ts'
import type { SignInTrail } from '../sign-in-trail.ts'
import { beginTransaction, type Transaction } from '../transaction/transaction.ts'
import {
  AuthorizeRefusal,
  type ReturnAddress,
  readAuthorizeRequest,
  returnAddress,
} from './authorize-request.ts'
import type { BrowserAnswer, BrowserCookies } from './browser-answer.ts'
import { consentQuestion } from './consent.ts'
import { OWN_PAGE } from './own-sign-in.ts'
import { isRemembered } from './remembered-consent.ts'
import { NO_PROVIDER, refusal, toProvider } from './to-provider.ts'

/** A browser that comes to an authorize endpoint. */
export interface Visit {
  readonly resource: BrokerResource
  readonly cookies: BrowserCookies
  readonly trail: SignInTrail
  /**
   * Whether the browser says that a user set this off. A remembered consent counts only then, so that
   * no page begins a sign-in behind somebody's back; a browser that says nothing did not say so.
   */
  readonly byUser: boolean
  /** Whether the browser says that a page of ours sent this: forms count only then (CSRF). */
  readonly fromOwnPage: boolean
}

/**
 * The authorize endpoint (RFC 6749 §4.1.1): judges client and address, then the request, asks the
 * user for consent, and sends the browser to the identity provider. The client is asked about before
 * the provider knows of it: our client at the provider is one for all of ours (confused deputy).
 *
 * @param query as it came
 * @throws ErrorAnswer for a page, while it is not sure that the client's address is good (open redirect)
 */
export async function beginSignIn(
  query: string,
  visit: Visit,
  context: BrokerContext,
): Promise<BrowserAnswer> {
  visit.trail.resource = visit.resource.resource.name
  const parameters = readParameters(query, { from: 'address', repeatable: ['resource'] })
  const clientId = required(parameters, 'client_id')
  if (clientId === OWN_PAGE) return beginOwnSignIn(visit, context)
  const client = await visit.resource.clients.find(clientId)
  if (client) visit.trail.client = client
  const address = returnAddress(parameters, client)
  try {
    const transaction = await transactionFor(parameters, address, { visit, context })
    if (transaction.prompt === 'none') checkSilent(transaction, context)
    return transaction.consent === 'asked'
      ? await consentQuestion(transaction, address, { visit, context })
      : await toProvider(transaction, address, { resource: visit.resource, context })
  } catch (error) {
    const refused = asRefusal(error)
    if (!refused) throw error
    return refusal(refused, address, { resource: visit.resource, context })
  }
}

async function beginOwnSignIn(visit: Visit, context: BrokerContext): Promise<BrowserAnswer> {
  const { resource } = visit
  const of = { resource: resource.resource.name, consent: 'skipped' } as const
  const transaction = beginTransaction(of, context.clock.now())
  if (context.provider.authorizationEndpoint() === undefined) {
    throw temporarilyUnavailable(NO_PROVIDER, { retryAfter: 5, reason: 'no_discovery' })
  }
  return toProvider(transaction, { redirectUri: '' }, { resource, context })
}

/** @throws AuthorizeRefusal and ErrorAnswer `invalid_target`, for the client */
async function transactionFor(
  parameters: OAuthParameters,
  { client, redirectUri, state }: ReturnAddress,
  { visit, context }: { readonly visit: Visit; readonly context: BrokerContext },
): Promise<Transaction> {
  const { resource } = visit.resource
  const request = readAuthorizeRequest(parameters)
  resourceIndicators(context.config, [resource]).meantBy(parameters.all('resource'))
  const claims = request.claims ?? (await context.wantedClaims.takeForClient(client.id))
  return beginTransaction(
    {
      resource: resource.name,
      client: {
        id: client.id,
        redirectUri,
        challenge: request.challenge,
        tokens: context.config.sign_in.tokens,
        ...(state !== undefined && { state }),
      },
      consent: await consentBefore({ client, redirectUri }, visit, context),
      ...(request.prompt && { prompt: request.prompt }),
      ...(claims !== undefined && { claims }),
    },
    context.clock.now(),
  )
}

async function consentBefore(
  { client, redirectUri }: { readonly client: Client; readonly redirectUri: string },
  { resource, cookies, byUser }: Visit,
  { config, keys, clock }: BrokerContext,
): Promise<'asked' | 'remembered' | 'skipped'> {
  if (client.skipsConsent) return 'skipped'
  const { consent, tokens } = config.sign_in
  if (consent !== 'remember' || !byUser) return 'asked'
  const remembered = await isRemembered(
    { client: client.id, redirectUri, resource: resource.url, tokens },
    { sealed: cookies.consents, keys: keys.for('consent'), now: clock.now() },
  )
  return remembered ? 'remembered' : 'asked'
}

/**
 * With `prompt=none` no page may be shown (OpenID Connect Core §3.1.2.1), here or at the provider; and
 * without one nobody is signed in for a client that the operator does not trust.
 */
function checkSilent({ consent }: Transaction, { config }: BrokerContext): void {
  if (consent !== 'skipped') {
    throw new AuthorizeRefusal('consent_required', 'The person has to be asked first.')
  }
  const { prompt = 'none' } = config.identity_provider.authorize_parameters
  if (prompt === 'none') return
  throw new AuthorizeRefusal(
    'interaction_required',
    'The identity provider is told to show its page at every sign-in.',
  )
}

function asRefusal(error: unknown): AuthorizeRefusal | undefined {
  if (error instanceof AuthorizeRefusal) return error
  const forClient = error instanceof ErrorAnswer && error.error === 'invalid_target'
  return forClient ? new AuthorizeRefusal(error.error, error.message) : undefined
}
