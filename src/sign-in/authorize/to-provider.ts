import type { BrokerContext, BrokerResource } from '../broker-context.ts'
import { callbackUrl, issuerShown } from '../broker-context.ts'
import { sealTransaction, type Transaction } from '../transaction/transaction.ts'
import { AuthorizeRefusal, answerAddress } from './authorize-request.ts'
import type { BrowserAnswer, CookieChange } from './browser-answer.ts'
import { providerAddress } from './provider-redirect.ts'

/** Where a client is answered. */
export interface ClientAddress {
  readonly redirectUri: string
  readonly state?: string | undefined
}

/** What an answer to a browser is made for. */
export interface AnswerParts {
  readonly resource: BrokerResource
  readonly context: BrokerContext
}

export const NO_PROVIDER =
  'The identity provider cannot be reached at the moment; retry in a few seconds.'

/** The browser goes to the identity provider; while it is unreachable the client is told so. */
export async function toProvider(
  transaction: Transaction,
  address: ClientAddress,
  parts: AnswerParts,
): Promise<BrowserAnswer> {
  const { resource, context } = parts
  const endpoint = context.provider.authorizationEndpoint()
  if (endpoint === undefined) {
    const away = new AuthorizeRefusal('temporarily_unavailable', NO_PROVIDER)
    const log = { decision: 'unavailable', reason: 'no_discovery' } as const
    return { ...refusal(away, address, parts), log }
  }
  const location = providerAddress(endpoint, transaction, {
    provider: context.config.identity_provider,
    resource: resource.resource,
    redirectUri: callbackUrl(context.config),
    takesClaims: context.provider.takesClaims(),
  })
  const cookies = [await transactionCookie(transaction, context)]
  return { kind: 'redirect', location, cookies, log: { decision: 'allow', reason: 'to_provider' } }
}

/** @throws AuthorizeRefusal for a request that is too long for a cookie */
export async function transactionCookie(
  transaction: Transaction,
  { keys }: BrokerContext,
): Promise<CookieChange> {
  const { id = '', redirectUri = '', state = '' } = transaction.client ?? {}
  const { claims = '' } = transaction
  if (id.length + redirectUri.length + state.length + claims.length > MOST_CHARACTERS) {
    throw new AuthorizeRefusal(
      'invalid_request',
      'state, client_id, redirect_uri and claims are too long together.',
    )
  }
  const value = await sealTransaction(transaction, keys.for('transaction'))
  return { kind: 'set_transaction', id: transaction.id, value }
}

/** Of what a client chose. Sealed it must fit into one cookie (RFC 6265 §6.1: 4096 bytes). */
const MOST_CHARACTERS = 2_500

/** The client is told that it was refused (RFC 6749 §4.1.2.1). */
export function refusal(
  { error, message }: AuthorizeRefusal,
  address: ClientAddress,
  { resource, context }: AnswerParts,
): BrowserAnswer {
  const issuer = issuerShown(address.redirectUri, resource, context.config)
  const answer = { error, error_description: message }
  return {
    kind: 'redirect',
    location: answerAddress(address, answer, issuer),
    cookies: [],
    log: { decision: 'refuse', reason: error },
  }
}
