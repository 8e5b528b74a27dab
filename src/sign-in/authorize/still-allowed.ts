import { invalidRequest } from '../../oauth/errors.ts'
import type { BrokerContext, BrokerResource } from '../broker-context.ts'
import type { Client } from '../clients/client.ts'
import type { Transaction } from '../transaction/transaction.ts'

/**
 * The client of a sign-in that is on its way, if it may still go on: the configuration may have been
 * read again since the user was asked (TOCTOU).
 *
 * @throws ErrorAnswer 400 for a page where the client may not be answered there any more, or would get
 *   other tokens than the user was told; 503 while its metadata document cannot be had
 */
export async function findStillAllowed(
  { id, redirectUri, tokens }: NonNullable<Transaction['client']>,
  { clients }: Pick<BrokerResource, 'clients'>,
  { sign_in: signIn }: BrokerContext['config'],
): Promise<Client> {
  const client = await clients.find(id)
  if (client?.allowsRedirect(redirectUri) && tokens === signIn.tokens) return client
  throw invalidRequest(
    'What this client may do here has changed since this sign-in began; begin it again.',
  )
}
