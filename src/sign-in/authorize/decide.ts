import { ErrorAnswer } from '../../oauth/error-answer.ts'
import { invalidRequest } from '../../oauth/errors.ts'
import type { OAuthParameters } from '../../oauth/parameters.ts'
import type { BrokerContext } from '../broker-context.ts'
import { type ClientTransaction, openTransaction } from '../transaction/transaction.ts'
import type { TransactionClaims } from '../transaction/transaction-claims.ts'
import type { Visit } from './begin-sign-in.ts'
import type { BrowserAnswer } from './browser-answer.ts'
import { decideConsent } from './consent.ts'
import { decideGoOn, mustAskToGoOn, openGoOnQuestion } from './go-on.ts'
import { findStillAllowed } from './still-allowed.ts'

/**
 * The answer to a question of ours: the consent page's, before the provider, or that of the page after
 * it. It counts in the browser that was asked (its cookie), for the sign-in that was asked about (the
 * field `transaction`), from our own page (CSRF), once.
 *
 * @throws ErrorAnswer 400 or 403, for a page
 */
export async function decide(
  form: OAuthParameters,
  visit: Visit,
  { claims, ...context }: BrokerContext & { readonly claims: TransactionClaims },
): Promise<BrowserAnswer> {
  const decision = form.get('decision')
  if (decision !== 'allow' && decision !== 'deny') {
    throw invalidRequest('The answer to the question is missing; begin the sign-in again.')
  }
  const allowed = decision === 'allow'
  const asked = form.get('transaction') ?? ''
  const question = await openGoOnQuestion(asked, context.keys.for('go-on question'))
  const transaction = await transactionOf(question?.transaction ?? asked, visit, context)
  const { resource, trail } = visit
  trail.resource = resource.resource.name
  trail.client = transaction.client
  const client = await findStillAllowed(transaction.client, resource, context.config)
  trail.client = client
  if (question) {
    if (!mustAskToGoOn(transaction, client, context)) throw notOurQuestion()
    checkOwnPage(visit)
    if (!claims.claim(transaction.id)) throw notOurQuestion()
    return decideGoOn(allowed, { transaction, code: question.code }, { resource, context })
  }
  if (transaction.consent !== 'asked') throw notOurQuestion()
  checkOwnPage(visit)
  return decideConsent(allowed, transaction, { visit, context })
}

async function transactionOf(
  id: string,
  { cookies, resource }: Visit,
  { keys, clock }: BrokerContext,
): Promise<ClientTransaction> {
  const transaction = await openTransaction(cookies.transactions.get(id), id, {
    keys: keys.for('transaction'),
    now: clock.now(),
  })
  const { client } = transaction ?? {}
  if (!transaction || !client || transaction.resource !== resource.resource.name) {
    throw notOurQuestion()
  }
  return { ...transaction, client }
}

/** A browser that does not say where a form comes from did not say that it is ours: fail closed. */
function checkOwnPage({ fromOwnPage }: Visit): void {
  if (fromOwnPage) return
  throw new ErrorAnswer({
    status: 403,
    error: 'origin_not_allowed',
    description:
      'Your browser does not say that this was answered on our own page (Origin, Sec-Fetch-Site); use a browser that does.',
  })
}

function notOurQuestion(): Error {
  return invalidRequest(
    'This question is more than ten minutes old, was answered before, or was asked in another browser; begin the sign-in again.',
  )
}
