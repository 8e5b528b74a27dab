import { invalidClient, invalidGrant } from '../../oauth/errors.ts'
import type { BrokerResource } from '../broker-context.ts'
import type { SignInSession } from '../sealed/refresh-token.ts'
import type { Client, Clients } from './client.ts'
import { type PresentedClient, secretFits } from './client-credentials.ts'

/**
 * The client that a request of mode broker comes from (RFC 6749 §3.2.1).
 *
 * @throws ErrorAnswer 401 for a client that is not known or did not show the secret that it has
 */
export async function authenticateClient(
  presented: PresentedClient,
  { clients }: Pick<BrokerResource, 'clients'>,
): Promise<Client> {
  const client = await firstKnown(presented.ids, clients)
  if (!client) {
    throw invalidClient(
      'This client is not known here; register again and sign in again.',
      presented.byHeader,
    )
  }
  const fits = secretFits(presented, client.secret)
  if (fits === 'fits' || (fits === 'none_shown' && client.secret === undefined)) return client
  throw invalidClient(
    client.secret === undefined
      ? 'This client is a public one and has no secret; send none.'
      : 'The client secret is missing or wrong.',
    presented.byHeader,
  )
}

async function firstKnown(ids: readonly string[], clients: Clients): Promise<Client | undefined> {
  for (const id of ids) {
    const client = await clients.find(id)
    if (client) return client
  }
  return undefined
}

/**
 * That a refresh token is shown by the client that it was made for, at its own resource. It knows its
 * client, so that the request need not.
 *
 * @throws ErrorAnswer 401, or `invalid_grant`
 */
export async function checkOwner(
  session: SignInSession,
  presented: PresentedClient,
  resource: BrokerResource,
): Promise<void> {
  const shown = presented.ids.length === 0 ? [session.client] : presented.ids
  const client = await authenticateClient({ ...presented, ids: shown }, resource)
  if (client.id !== session.client) {
    throw invalidGrant(
      'This refresh token was made for another client; sign in again.',
      'another_client',
    )
  }
  const { bound } = session
  if (!('resource' in bound) || bound.resource !== resource.resource.name) {
    throw invalidGrant(
      'This refresh token was made for another resource; use the endpoints of its own issuer.',
      'another_resource',
    )
  }
}
