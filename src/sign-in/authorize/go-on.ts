import * as z from 'zod'
import { isLoopbackOrigin } from '../../net/loopback.ts'
import type { KeyRing } from '../../sealing/derived-keys.ts'
import { open, seal } from '../../sealing/sealed-value.ts'
import type { BrokerContext, BrokerResource } from '../broker-context.ts'
import type { Client } from '../clients/client.ts'
import type { ClientTransaction } from '../transaction/transaction.ts'
import type { BrowserAnswer } from './browser-answer.ts'
import { codeForClient } from './client-code.ts'
import { denied, onPage } from './consent.ts'
import { refusal } from './to-provider.ts'

const questionShape = z.object({
  /** The transaction's id. */
  transaction: z.string(),
  /** The identity provider's code, not redeemed yet. */
  code: z.string(),
})

/** What the page after the provider asks about. It is in the page's form, sealed. */
export type GoOnQuestion = z.infer<typeof questionShape>

/**
 * Whether a code may leave only after another click, on a page after the provider.
 *
 * Where consent is remembered nobody clicked in this sign-in: any page can have begun it, and a
 * provider that knows the user asks nothing. On http loopback cookies know no ports, so that a server
 * on another one can plant the cookie of a sign-in that was allowed elsewhere (login CSRF the other way
 * round: the user's code for somebody else's client).
 */
export function mustAskToGoOn(
  { consent }: ClientTransaction,
  { skipsConsent }: Client,
  { config: { public_url: publicUrl } }: Pick<BrokerContext, 'config'>,
): boolean {
  if (skipsConsent && consent === 'skipped') return false
  const cookiesKnowNoPorts = publicUrl.startsWith('http:') && isLoopbackOrigin(publicUrl)
  return consent !== 'clicked' || cookiesKnowNoPorts
}

export interface GoOnParts {
  readonly resource: BrokerResource
  readonly context: BrokerContext
}

/** The page that asks whether to go on to the client. The cookie stays until it is answered. */
export async function goOnQuestion(
  transaction: ClientTransaction,
  { client, code }: { readonly client: Client; readonly code: string },
  { resource, context }: GoOnParts,
): Promise<BrowserAnswer> {
  const { redirectUri, tokens } = transaction.client
  const question: GoOnQuestion = { transaction: transaction.id, code }
  return {
    kind: 'page',
    status: 200,
    page: {
      kind: 'go_on',
      action: new URL(resource.authorizeUrl).pathname,
      transaction: await seal(question, context.keys.for('go-on question')),
      client: onPage(client),
      redirectUri,
      resource: { name: resource.resource.name, url: resource.url },
      tokens,
    },
    cookies: [],
    log: { decision: 'allow', reason: 'go_on_asked' },
  }
}

/** @param keys those of purpose `go-on question` */
export async function openGoOnQuestion(
  sealed: string,
  keys: KeyRing,
): Promise<GoOnQuestion | undefined> {
  return questionShape.safeParse(await open(sealed, keys)).data
}

/** What the user decided on that page: the client has its code, or is told no. */
export async function decideGoOn(
  allowed: boolean,
  { transaction, code }: { readonly transaction: ClientTransaction; readonly code: string },
  parts: GoOnParts,
): Promise<BrowserAnswer> {
  const answer = allowed
    ? await codeForClient(transaction, code, parts)
    : refusal(denied(), transaction.client, parts)
  return { ...answer, cookies: [{ kind: 'drop_transaction', id: transaction.id }] }
}
