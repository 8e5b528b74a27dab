import { randomUUID } from 'node:crypto'
import { type BrokerContext, type BrokerResource, issuerShown } from '../broker-context.ts'
import { sealCode } from '../token/authorization-code.ts'
import type { ClientTransaction } from '../transaction/transaction.ts'
import { answerAddress } from './authorize-request.ts'
import type { BrowserAnswer } from './browser-answer.ts'

/**
 * Brings the client a code of ours (RFC 6749 §4.1.2). The provider's code is in it and is redeemed with
 * it, so that trouble at this moment does not cost the sign-in.
 *
 * Not checked: that the user clicked for it, and that the transaction comes back for the first time.
 */
export async function codeForClient(
  { client, resource: resourceName, secret }: ClientTransaction,
  providerCode: string,
  { resource, context }: { readonly resource: BrokerResource; readonly context: BrokerContext },
): Promise<BrowserAnswer> {
  const code = await sealCode(
    {
      id: randomUUID(),
      family: randomUUID(),
      client: client.id,
      redirectUri: client.redirectUri,
      resource: resourceName,
      challenge: client.challenge,
      provider: providerCode,
      secret,
      tokens: client.tokens,
      issued: context.clock.now(),
    },
    context.keys.for('authorization code'),
  )
  const issuer = issuerShown(client.redirectUri, resource, context.config)
  return {
    kind: 'redirect',
    location: answerAddress(client, { code }, issuer),
    cookies: [],
    log: { decision: 'allow', reason: 'code_issued' },
  }
}
