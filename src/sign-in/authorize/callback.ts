import { randomUUID } from 'node:crypto'
import { ErrorAnswer } from '../../oauth/error-answer.ts'
import { invalidRequest } from '../../oauth/errors.ts'
import { type OAuthParameters, readParameters } from '../../oauth/parameters.ts'
import { type BrokerContext, type BrokerResource, issuerShown } from '../broker-context.ts'
import { clientError, type ProviderRefusal } from '../provider/provider-refusal.ts'
import { sealCode } from '../token/authorization-code.ts'
import { answerAddress } from './authorize-request.ts'
import type { BrowserAnswer, BrowserCookies } from './browser-answer.ts'
import { checkStillAllowed } from './still-allowed.ts'
import { openTransaction, type Transaction } from './transaction.ts'
import type { TransactionClaims } from './transaction-claims.ts'

/** A browser that comes back from the identity provider. */
export interface Return extends TransactionClaims {
  readonly resources: readonly BrokerResource[]
  readonly cookies: BrowserCookies
  /** A sign-in on our own page comes to its end. */
  finishOwn(transaction: Transaction, code: string): Promise<BrowserAnswer>
}

/**
 * The callback (RFC 6749 §4.1.2): finds the sign-in in the browser that began it, and brings its
 * client a code of ours. The identity provider's code is not redeemed here but with ours, so that
 * trouble at that moment does not cost the sign-in.
 *
 * @throws ErrorAnswer 400 for a page, where no client can be told
 */
export async function callback(
  query: string,
  back: Return,
  parts: BrokerContext,
): Promise<BrowserAnswer> {
  const answer = readParameters(query, { from: 'address', keepsEmpty: true })
  const transaction = await transactionOf(answer.get('state') ?? '', back, parts)
  checkIssuer(answer.get('iss'), parts)
  const refusal = refusalIn(answer)
  const drop = { kind: 'drop_transaction', id: transaction.id } as const
  const { client } = transaction
  if (client) await checkStillAllowed(client, servedBy(transaction, back), parts.config)
  if (!back.claim(transaction.id)) throw lost()
  const done = client
    ? await tellClient(answer.get('code') ?? '', refusal, { transaction, client, back, parts })
    : await tellPerson(answer.get('code') ?? '', refusal, { transaction, back })
  return { ...done, cookies: [...done.cookies, drop] }
}

async function transactionOf(
  id: string,
  { cookies, resources }: Return,
  { keys, clock }: BrokerContext,
): Promise<Transaction> {
  const transaction = await openTransaction(cookies.transactions.get(id), id, {
    keys: keys.for('transaction'),
    now: clock.now(),
  })
  const served = resources.some(({ resource }) => resource.name === transaction?.resource)
  if (!transaction?.consented || !served) throw lost()
  return transaction
}

function servedBy({ resource: name }: Transaction, { resources }: Return): BrokerResource {
  const served = resources.find(({ resource }) => resource.name === name)
  if (!served) throw lost()
  return served
}

function lost(): Error {
  return invalidRequest(
    'This sign-in was not begun in this browser, is more than ten minutes old, or came back before; begin it again.',
  )
}

/** RFC 9207 §2.4: an answer of another provider is not one to ours, nor one that hides whose it is. */
function checkIssuer(iss: string | undefined, { provider }: BrokerContext): void {
  if (iss === undefined && provider.answersNameIssuer()) {
    throw invalidRequest(
      'The answer does not say which identity provider it came from (iss), as all of its answers do.',
    )
  }
  if (iss === undefined || iss === provider.metadataIssuer()) return
  throw invalidRequest(
    'The answer came from another identity provider than the one that was asked.',
  )
}

function refusalIn(answer: OAuthParameters): ProviderRefusal | undefined {
  const error = answer.get('error')
  const code = answer.get('code')
  if (error === undefined && code !== undefined && code !== '') return undefined
  const description = answer.get('error_description')
  return { error: error || 'server_error', ...(description !== undefined && { description }) }
}

interface Finishing {
  readonly transaction: Transaction
  readonly client: NonNullable<Transaction['client']>
  readonly back: Return
  readonly parts: BrokerContext
}

async function tellClient(
  providerCode: string,
  refusal: ProviderRefusal | undefined,
  { transaction, client, back, parts }: Finishing,
): Promise<BrowserAnswer> {
  const issuer = issuerShown(client.redirectUri, servedBy(transaction, back), parts.config)
  if (refusal) {
    const { error, description, log } = clientError(refusal)
    const answer = { error, error_description: description }
    return { kind: 'redirect', location: answerAddress(client, answer, issuer), cookies: [], log }
  }
  const code = await sealCode(
    {
      id: randomUUID(),
      family: randomUUID(),
      client: client.id,
      redirectUri: client.redirectUri,
      resource: transaction.resource,
      challenge: client.challenge,
      provider: providerCode,
      secret: transaction.secret,
      tokens: client.tokens,
      issued: parts.clock.now(),
    },
    parts.keys.for('authorization code'),
  )
  return {
    kind: 'redirect',
    location: answerAddress(client, { code }, issuer),
    cookies: [],
    log: { decision: 'allow', reason: 'code_issued' },
  }
}

async function tellPerson(
  providerCode: string,
  refusal: ProviderRefusal | undefined,
  { transaction, back }: Pick<Finishing, 'transaction' | 'back'>,
): Promise<BrowserAnswer> {
  if (!refusal) return finishOwn(transaction, providerCode, back)
  const { explanation, log } = clientError(refusal)
  return { kind: 'page', status: 400, page: { kind: 'error', explanation }, cookies: [], log }
}

/** Trouble that passes spends nothing: whoever loads the page again goes on. */
async function finishOwn(
  transaction: Transaction,
  providerCode: string,
  back: Return,
): Promise<BrowserAnswer> {
  try {
    return await back.finishOwn(transaction, providerCode)
  } catch (error) {
    if (error instanceof ErrorAnswer && error.status === 503) back.release(transaction.id)
    throw error
  }
}
