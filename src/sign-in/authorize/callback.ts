import { ErrorAnswer } from '../../oauth/error-answer.ts'
import { invalidRequest } from '../../oauth/errors.ts'
import { type OAuthParameters, readParameters } from '../../oauth/parameters.ts'
import type { BrokerContext, BrokerResource } from '../broker-context.ts'
import { clientError, type ProviderRefusal } from '../provider/provider-refusal.ts'
import type { SignInTrail } from '../sign-in-trail.ts'
import {
  type ClientTransaction,
  openTransaction,
  type Transaction,
} from '../transaction/transaction.ts'
import type { TransactionClaims } from '../transaction/transaction-claims.ts'
import { AuthorizeRefusal } from './authorize-request.ts'
import type { BrowserAnswer, BrowserCookies } from './browser-answer.ts'
import { codeForClient } from './client-code.ts'
import { goOnQuestion, mustAskToGoOn } from './go-on.ts'
import { findStillAllowed } from './still-allowed.ts'
import { type AnswerParts, refusal } from './to-provider.ts'

/** A browser that comes back from the identity provider. */
export interface Return {
  readonly resources: readonly BrokerResource[]
  readonly cookies: BrowserCookies
  readonly claims: TransactionClaims
  readonly trail: SignInTrail
  /** A sign-in on our own page comes to its end. */
  finishOwn(transaction: Transaction, code: string): Promise<BrowserAnswer>
}

/**
 * The callback (RFC 6749 §4.1.2): finds the sign-in in the browser that began it (login CSRF), and
 * brings its client a code of ours, or asks first whether to go on.
 *
 * @param query as it came
 * @throws ErrorAnswer 400 for a page, where no client can be told
 */
export async function callback(
  query: string,
  back: Return,
  context: BrokerContext,
): Promise<BrowserAnswer> {
  const answer = readParameters(query, { from: 'address', keepsEmpty: true })
  const { transaction, resource } = await found(answer.get('state') ?? '', back, context)
  back.trail.resource = transaction.resource
  if (transaction.client) back.trail.client = transaction.client
  checkIssuer(answer.get('iss'), context)
  const code = answer.get('code') ?? ''
  const refused = refusalIn(answer)
  const { client: asked } = transaction
  if (!asked) return tellUser(code, refused, { transaction, back })
  const client = await findStillAllowed(asked, resource, context.config)
  back.trail.client = client
  const of = { ...transaction, client: asked }
  if (!refused && mustAskToGoOn(of, client, context)) {
    if (back.claims.isClaimed(transaction.id)) throw lost()
    return goOnQuestion(of, { client, code }, { resource, context })
  }
  claimOnce(of, back)
  const told = refused
    ? tellRefused(refused, of, { resource, context })
    : await codeForClient(of, code, { resource, context })
  return { ...told, cookies: [{ kind: 'drop_transaction', id: transaction.id }] }
}

async function found(
  id: string,
  { cookies, resources }: Return,
  { keys, clock }: BrokerContext,
): Promise<{ readonly transaction: Transaction; readonly resource: BrokerResource }> {
  const transaction = await openTransaction(cookies.transactions.get(id), id, {
    keys: keys.for('transaction'),
    now: clock.now(),
  })
  const resource = resources.find((served) => served.resource.name === transaction?.resource)
  if (!transaction || !resource || transaction.consent === 'asked') throw lost()
  return { transaction, resource }
}

/** @throws ErrorAnswer 400 for a callback that came before (replay) */
function claimOnce({ id }: Pick<Transaction, 'id'>, { claims }: Return): void {
  if (!claims.claim(id)) throw lost()
}

function lost(): Error {
  return invalidRequest(
    'This sign-in was not begun in this browser, is more than ten minutes old, or came back before; begin it again.',
  )
}

/**
 * RFC 9207 §2.4: an answer of another provider is not one to ours (mix-up), nor is one that hides whose
 * it is.
 */
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

function tellRefused(
  refused: ProviderRefusal,
  { client }: ClientTransaction,
  parts: AnswerParts,
): BrowserAnswer {
  const { error, description, log } = clientError(refused)
  return { ...refusal(new AuthorizeRefusal(error, description), client, parts), log }
}

async function tellUser(
  code: string,
  refused: ProviderRefusal | undefined,
  { transaction, back }: { readonly transaction: Transaction; readonly back: Return },
): Promise<BrowserAnswer> {
  claimOnce(transaction, back)
  const cookies = [{ kind: 'drop_transaction', id: transaction.id }] as const
  if (!refused) return { ...(await finishOwn(transaction, code, back)), cookies }
  const { explanation, log } = clientError(refused)
  return { kind: 'page', status: 400, page: { kind: 'error', explanation }, cookies, log }
}

/** Trouble that passes spends nothing: whoever loads the page again goes on. */
async function finishOwn(
  transaction: Transaction,
  code: string,
  back: Return,
): Promise<BrowserAnswer> {
  try {
    return await back.finishOwn(transaction, code)
  } catch (error) {
    if (error instanceof ErrorAnswer && error.status === 503) back.claims.release(transaction.id)
    throw error
  }
}
