import type { BrokerContext } from '../broker-context.ts'
import type { Client } from '../clients/client.ts'
import type { ClientTransaction, Transaction } from '../transaction/transaction.ts'
import { AuthorizeRefusal, type ReturnAddress } from './authorize-request.ts'
import type { Visit } from './begin-sign-in.ts'
import type { BrowserAnswer, CookieChange, PageClient } from './browser-answer.ts'
import { canBeRemembered, remember } from './remembered-consent.ts'
import { refusal, toProvider, transactionCookie } from './to-provider.ts'

interface ConsentParts {
  readonly visit: Visit
  readonly context: BrokerContext
}

/** The page that asks whether a client may use a resource as this user. */
export async function consentQuestion(
  transaction: Transaction,
  { client, redirectUri }: ReturnAddress,
  { visit, context }: ConsentParts,
): Promise<BrowserAnswer> {
  const { resource, url, authorizeUrl } = visit.resource
  const { tokens, consent, session_lifetime: lasts } = context.config.sign_in
  return {
    kind: 'page',
    status: 200,
    page: {
      kind: 'consent',
      action: new URL(authorizeUrl).pathname,
      transaction: transaction.id,
      client: onPage(client),
      redirectUri,
      resource: { name: resource.name, url },
      tokens,
      lasts,
      remembers: consent === 'remember' && canBeRemembered({ client: client.id, redirectUri }),
      ...(resource.description !== undefined && { description: resource.description }),
    },
    cookies: [await transactionCookie(transaction, context)],
    log: { decision: 'allow', reason: 'consent_asked' },
  }
}

/** What pages show of a client. */
export function onPage({ kind, id, name, host, origin }: Client): PageClient {
  return { kind, id, ...(name && { name }), ...(host && { host }), ...(origin && { origin }) }
}

/** What the user decided on that page: the provider comes next, or the client is told no. */
export async function decideConsent(
  allowed: boolean,
  transaction: ClientTransaction,
  { visit, context }: ConsentParts,
): Promise<BrowserAnswer> {
  const { resource } = visit
  const { client } = transaction
  if (!allowed) {
    const answer = refusal(denied(), client, { resource, context })
    return { ...answer, cookies: [{ kind: 'drop_transaction', id: transaction.id }] }
  }
  const consented: Transaction = { ...transaction, consent: 'clicked' }
  const answer = await toProvider(consented, client, { resource, context })
  return { ...answer, cookies: [...answer.cookies, ...(await remembered(client, visit, context))] }
}

/** What the client is told where the user said no. */
export function denied(): AuthorizeRefusal {
  return new AuthorizeRefusal('access_denied', 'The person did not allow it.')
}

async function remembered(
  { id: client, redirectUri }: ClientTransaction['client'],
  { cookies, resource: { url: resource } }: Visit,
  { config, keys, clock }: BrokerContext,
): Promise<readonly CookieChange[]> {
  const { consent, tokens } = config.sign_in
  if (consent !== 'remember') return []
  const value = await remember(
    { client, redirectUri, resource, tokens },
    { sealed: cookies.consents, keys: keys.for('consent'), now: clock.now() },
  )
  return value === undefined ? [] : [{ kind: 'set_consents', value }]
}
